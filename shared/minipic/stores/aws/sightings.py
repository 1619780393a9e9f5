"""Since when an account's ledger has not moved, remembered on its ``HEAD``."""

from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from minipic.stores.aws import schema
from minipic.stores.aws.item import CONDITION_FAILED
from minipic.stores.aws.lines import ledger_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoSightings:
    """``service.caretaking.Sightings`` on the ledger's table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        self._client = client
        self._table_name = table_name

    def first_ms(self, account_id: str, complete_to: int, now_ms: int) -> int:
        """Return when the ledger was first seen to end at ``complete_to``; remember now, if never."""
        try:
            self._client.update_item(
                TableName=self._table_name,
                Key=ledger_key(account_id, schema.HEAD_SORT),
                UpdateExpression="SET #seen = :seq, #since = :now",
                ConditionExpression="attribute_not_exists(#seen) OR #seen <> :seq",
                ExpressionAttributeNames={"#seen": schema.HEAD_BEHIND_SEQ, "#since": schema.HEAD_BEHIND_SINCE_MS},
                ExpressionAttributeValues={":seq": {"N": str(complete_to)}, ":now": {"N": str(now_ms)}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != CONDITION_FAILED:
                raise
            head = cast("dict[str, Any]", error.response)["Item"]
            return int(head[schema.HEAD_BEHIND_SINCE_MS]["N"])
        return now_ms
