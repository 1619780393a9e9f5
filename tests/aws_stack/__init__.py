"""MiniStack with the tables and the bucket of template.yaml, for every test that needs AWS."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast
from unittest import mock
from uuid import uuid4

from minipic.stores.aws.clients import make_clients
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
    bucket_name: str
    region: str = REGION

    @property
    def environment(self) -> dict[str, str]:
        """The variables that point a process of the service at this stack."""
        return CREDENTIALS | {
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "MINIPIC_STORE": "aws",
            "MINIPIC_TABLE": self.table_name,
            "MINIPIC_LEDGER_TABLE": self.ledger_table_name,
            "MINIPIC_BUCKET": self.bucket_name,
        }


@contextmanager
def running_stack(folder: Path) -> Iterator[AwsStack]:
    """Yield a fresh stack with empty tables and an empty bucket; it is gone afterwards."""
    with running_ministack(folder) as endpoint_url, mock.patch.dict(os.environ, CREDENTIALS):
        names = [f"minipic-{uuid4().hex[:8]}" for _ in range(3)]
        stack = AwsStack(endpoint_url, *names)
        _create_resources(stack)
        yield stack


def _create_resources(stack: AwsStack) -> None:
    dynamodb, s3 = make_clients(stack.region, stack.endpoint_url)
    for resource, name in (("Table", stack.table_name), ("LedgerTable", stack.ledger_table_name)):
        table = read_template()["Resources"][resource]["Properties"]
        stream: dict[str, Any] = table.get("StreamSpecification", {})
        dynamodb.create_table(
            TableName=name,
            BillingMode=table["BillingMode"],
            AttributeDefinitions=table["AttributeDefinitions"],
            KeySchema=table["KeySchema"],
            StreamSpecification=cast("StreamSpecificationTypeDef", {"StreamEnabled": bool(stream), **stream}),
        )
    s3.create_bucket(Bucket=stack.bucket_name, CreateBucketConfiguration={"LocationConstraint": REGION})
