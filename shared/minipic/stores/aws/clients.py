"""The two clients that the stores are built from; made once, by wiring."""

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


def make_clients(region: str, endpoint_url: str | None = None) -> tuple["DynamoDBClient", "S3Client"]:
    """Return clients for DynamoDB and S3; credentials come from where every AWS program finds them.

    A lost answer is asked for again within seconds: every write of these stores may be repeated.
    """
    session = Session(region_name=region)
    common = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        max_pool_connections=MAX_CONNECTIONS,
        retries={"total_max_attempts": MAX_TRIES, "mode": "standard"},
    )
    dynamodb_config = common.merge(Config(read_timeout=READ_TIMEOUT_S, signature_version="v4"))
    # Unless told so, botocore signs links for the global host, which sends a young bucket's clients elsewhere.
    s3_config = common.merge(
        Config(
            read_timeout=S3_READ_TIMEOUT_S,
            signature_version="s3v4",
            s3={"addressing_style": "virtual" if endpoint_url is None else "path"},
        )
    )
    return (
        session.client("dynamodb", endpoint_url=endpoint_url, config=dynamodb_config),
        session.client("s3", endpoint_url=endpoint_url, config=s3_config),
    )
