"""MiniStack with the tables and the bucket of template.yaml, for every test that needs AWS."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from unittest import mock
from uuid import uuid4

from minipic.stores.aws.clients import make_clients, make_sqs_client
from tests.aws_stack.server import running_ministack
from tests.aws_stack.template import PROJECT_FOLDER, read_template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import StreamSpecificationTypeDef

__all__ = ["PROJECT_FOLDER", "AwsStack", "read_template", "running_stack"]

REGION: Literal["eu-central-1"] = "eu-central-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}


@dataclass(frozen=True)
class AwsStack:
    """Where a test finds its AWS. ``environment`` is what a program of ours needs to use it."""

    endpoint_url: str
    table_name: str
    ledger_table_name: str
    jobs_table_name: str
    bucket_name: str
    region: str = REGION
    queue_urls: dict[str, str] = field(default_factory=dict)  # by the name of the template's resource

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a process of the service at this stack."""
        return CREDENTIALS | {
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "MINIPIC_STORE": "aws",
            "MINIPIC_TABLE": self.table_name,
            "MINIPIC_LEDGER_TABLE": self.ledger_table_name,
            "MINIPIC_JOBS_TABLE": self.jobs_table_name,
            "MINIPIC_BUCKET": self.bucket_name,
            "MINIPIC_JOBS_QUEUE": self.queue_urls["JobsQueue"],
            "MINIPIC_HOOKS_QUEUE": self.queue_urls["HooksQueue"],
        }


@contextmanager
def running_stack(folder: Path) -> Iterator[AwsStack]:
    """Yield a fresh stack with empty tables and an empty bucket; it is gone afterwards."""
    with running_ministack(folder) as endpoint_url, mock.patch.dict(os.environ, CREDENTIALS):
        table, ledger_table, jobs_table, bucket = (f"minipic-{uuid4().hex[:8]}" for _ in range(4))
        stack = AwsStack(endpoint_url, table, ledger_table, jobs_table, bucket)
        _create_resources(stack)
        yield stack


def _create_resources(stack: AwsStack) -> None:
    dynamodb, s3 = make_clients(stack.region, stack.endpoint_url)
    resources = read_template()["Resources"]
    names = {"Table": stack.table_name, "LedgerTable": stack.ledger_table_name, "JobsTable": stack.jobs_table_name}
    for resource, name in names.items():
        table = resources[resource]["Properties"]
        stream: dict[str, Any] = table.get("StreamSpecification", {})
        indexes = table.get("GlobalSecondaryIndexes")
        dynamodb.create_table(
            TableName=name,
            BillingMode=table["BillingMode"],
            AttributeDefinitions=table["AttributeDefinitions"],
            KeySchema=table["KeySchema"],
            StreamSpecification=cast("StreamSpecificationTypeDef", {"StreamEnabled": bool(stream), **stream}),
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        )
    s3.create_bucket(Bucket=stack.bucket_name, CreateBucketConfiguration={"LocationConstraint": REGION})
    _create_queues(stack, resources)


def _create_queues(stack: AwsStack, resources: dict[str, Any]) -> None:
    """Make the queues as the template has them, each after the one that takes what it gives up."""
    sqs = make_sqs_client(stack.region, stack.endpoint_url)
    queues = {name: fields["Properties"] for name, fields in resources.items() if fields["Type"] == "AWS::SQS::Queue"}
    arns: dict[str, str] = {}
    for name, fields in sorted(queues.items(), key=lambda queue: "RedrivePolicy" in queue[1]):
        attributes: dict[Any, str] = {"VisibilityTimeout": str(fields.get("VisibilityTimeout", 30))}
        if "RedrivePolicy" in fields:
            target = fields["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"].partition(".")[0]
            attributes["RedrivePolicy"] = json.dumps(fields["RedrivePolicy"] | {"deadLetterTargetArn": arns[target]})
        url = sqs.create_queue(QueueName=f"{stack.bucket_name}-{name}", Attributes=attributes)["QueueUrl"]
        stack.queue_urls[name] = url
        arns[name] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
