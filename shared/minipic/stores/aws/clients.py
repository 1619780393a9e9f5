"""The clients that the stores are built from; made once a process, by botocore: boto3 would load as much again."""

from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import Session

from minipic.stores.aws.made_late import made_late
from minipic.stores.aws.rehearsal import known

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

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
    session = Session()  # one for both: each reads the list of AWS's endpoints
    s3: S3Client = made_late(lambda: _make(session, "s3", region, endpoint_url, s3_config))
    return _make_dynamodb_client(session, region, endpoint_url), s3


def make_dynamodb_client(region: str, endpoint_url: str | None = None) -> "DynamoDBClient":
    """Return the client for DynamoDB alone, for what has no business with the bucket."""
    return _make_dynamodb_client(Session(), region, endpoint_url)


def make_sqs_client(region: str, endpoint_url: str | None = None) -> "SQSClient":
    """Return the client for SQS. A message that is sent twice brings a job twice, which charges it once."""
    config = _COMMON.merge(Config(read_timeout=READ_TIMEOUT_S, signature_version="v4"))
    sqs: SQSClient = made_late(lambda: _make(Session(), "sqs", region, endpoint_url, config))
    return sqs


def _make_dynamodb_client(session: Session, region: str, endpoint_url: str | None) -> "DynamoDBClient":
    config = _COMMON.merge(Config(read_timeout=READ_TIMEOUT_S, signature_version="v4"))
    client: DynamoDBClient = _make(session, "dynamodb", region, endpoint_url, config)
    return client


def _make(session: Session, service: str, region: str, endpoint_url: str | None, config: Config) -> Any:  # noqa: ANN401
    return known(session.create_client(service, region_name=region, endpoint_url=endpoint_url, config=config))
