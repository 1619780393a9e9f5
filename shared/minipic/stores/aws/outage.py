"""When AWS does not answer: which failures leave it open whether a write happened, and what the client is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from pynamodb.exceptions import PynamoDBException

if TYPE_CHECKING:
    from botocore.exceptions import _ClientErrorResponseTypeDef

from minipic.errors import ServiceUnavailable

_HTTP_SERVER_ERROR = 500
_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "ThrottlingException",
        "TransactionConflictException",
    }
)


def is_outage(error: BaseException | None) -> bool:
    """Tell whether the failure is AWS's for now: no answer, an answer of 500 or above, or throttling."""
    if isinstance(error, (ConnectionError, HTTPClientError)):
        return True
    if not isinstance(error, ClientError):
        return False
    answer = _answer(error)
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return status >= _HTTP_SERVER_ERROR or answer["Error"]["Code"] in _THROTTLED


def was_repeated(error: PynamoDBException) -> bool:
    """Tell whether the call that failed was sent more than once, so that an earlier try of it may have happened."""
    return isinstance(error.cause, ClientError) and _answer(error.cause)["ResponseMetadata"].get("RetryAttempts", 0) > 0


def _answer(error: ClientError) -> "_ClientErrorResponseTypeDef":
    # PynamoDB wraps botocore's error in one of its own that has the code but not the answer.
    return (error.__cause__ if isinstance(error.__cause__, ClientError) else error).response


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Turn an outage into ServiceUnavailable; let every other failure through, because it is a fault of ours."""
    try:
        yield
    except (ClientError, ConnectionError, HTTPClientError) as error:
        if is_outage(error):
            raise ServiceUnavailable from error
        raise
    except PynamoDBException as error:
        if is_outage(error.cause):
            raise ServiceUnavailable from error
        raise
