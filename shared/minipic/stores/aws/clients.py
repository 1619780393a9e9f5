"""The clients that the stores are built from; made once a process."""

from typing import TYPE_CHECKING

from boto3.session import Session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 2
S3_READ_TIMEOUT_S = 10
MAX_TRIES = 3
MAX_CONNECTIONS = 64  # more threads than this never wait on one process's store


_COMMON = Config(
    connect_timeout=CONNECT_TIMEOUT_S,
    max_pool_connections=MAX_CONNECTIONS,
    # A lost answer is asked for again within seconds: every write of these stores may be repeated.
    retries={"total_max_attempts": MAX_TRIES, "mode": "standard"},
)


def make_clients(region: str, endpoint_url: str | None = None) -> tuple["DynamoDBClient", "S3Client"]:
    """Return clients for DynamoDB and S3; credentials come from where every AWS program finds them."""
    # Unless told so, botocore signs links for the global host, which sends a young bucket's clients elsewhere.
    s3_config = _COMMON.merge(
        Config(
            read_timeout=S3_READ_TIMEOUT_S,
            signature_version="s3v4",
            s3={"addressing_style": "virtual" if endpoint_url is None else "path"},
        )
    )
    s3 = Session(region_name=region).client("s3", endpoint_url=endpoint_url, config=s3_config)
    return make_dynamodb_client(region, endpoint_url), s3


def make_dynamodb_client(region: str, endpoint_url: str | None = None) -> "DynamoDBClient":
    """Return the client for DynamoDB alone, for what has no business with the bucket."""
    config = _COMMON.merge(Config(read_timeout=READ_TIMEOUT_S, signature_version="v4"))
    return Session(region_name=region).client("dynamodb", endpoint_url=endpoint_url, config=config)
