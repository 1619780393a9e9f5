"""The table's stream, read as Lambda reads it: batches of records for a function's handler."""

from typing import Any

import boto3

from tests.aws_stack import AwsStack

Record = dict[str, Any]


class StreamReader:
    """Reads what is written to the accounts' table after this was made."""

    def __init__(self, stack: AwsStack) -> None:
        # The stubs that the tests install describe no streams.
        session: Any = boto3.Session(region_name=stack.region)
        self._client = session.client("dynamodbstreams", endpoint_url=stack.endpoint_url)
        (stream,) = self._client.list_streams(TableName=stack.table_name)["Streams"]
        arn = stream["StreamArn"]
        (shard,) = self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._iterator = self._client.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
        )["ShardIterator"]

    def read(self) -> list[Record]:
        """Return the records since the last call, oldest first."""
        records: list[Record] = []
        while True:
            answer = self._client.get_records(ShardIterator=self._iterator)
            self._iterator = answer["NextShardIterator"]
            if not answer["Records"]:
                return records
            records += [_as_in_an_event(record) for record in answer["Records"]]


def _as_in_an_event(record: Record) -> Record:
    created = record["dynamodb"]["ApproximateCreationDateTime"].timestamp()
    return {**record, "dynamodb": {**record["dynamodb"], "ApproximateCreationDateTime": created}}
