"""Faults that a network and a service have, put between a DynamoDB client and the service, one request at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any
from unittest import mock

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from botocore.retries.quota import RetryQuota
from botocore.retries.standard import ExponentialBackoff
from mypy_boto3_dynamodb import DynamoDBClient

from minipic.stores.aws.accounts import DynamoAccounts


class Fault(Enum):
    """What goes wrong with one request."""

    LOST_ANSWER = "carried out, but the answer never comes"
    LOST_REQUEST = "never arrives"
    THROTTLED = "refused for now"
    BROKEN_AFTER = "carried out, but the answer is a 500"
    BROKEN_BEFORE = "not carried out, and the answer is a 500"
    DEATH_AFTER = "carried out, but the process dies before it hears of it"
    DEATH_BEFORE = "the process dies before it is sent"


class Died(BaseException):
    """The process ended here; what it had sent was carried out, and nothing after it."""


_BROKEN = b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":""}'
_THROTTLED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":""}'


class FaultyLine:
    """The line of one client. ``plan`` says what happens to the next requests, in order; then all is well."""

    def __init__(self, client: DynamoDBClient) -> None:
        self.plan: list[Fault | None] = []
        self.happened = 0
        self._deliver: Callable[[Any], Any] = client._endpoint.http_session.send  # type: ignore[attr-defined]
        client.meta.events.register("before-send.dynamodb", self._send)

    def _send(self, request: Any, **_: Any) -> Any:
        fault = self.plan.pop(0) if self.plan else None
        if fault is None:
            return None
        self.happened += 1
        if fault in (Fault.LOST_ANSWER, Fault.BROKEN_AFTER, Fault.DEATH_AFTER):
            self._deliver(request)
        if fault in (Fault.DEATH_AFTER, Fault.DEATH_BEFORE):
            raise Died
        if fault in (Fault.LOST_ANSWER, Fault.LOST_REQUEST):
            raise ReadTimeoutError(endpoint_url=request.url)
        throttled = fault is Fault.THROTTLED
        return _answer(request.url, 400 if throttled else 500, _THROTTLED if throttled else _BROKEN)


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Any:
        yield self._body


def _answer(url: str, status: int, body: bytes) -> AWSResponse:
    headers = HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.0"})
    return AWSResponse(url, status, headers, _Raw(body))


@contextmanager
def without_waiting() -> Iterator[None]:
    """Let the client repeat its requests at once and as often as it may: its patience is not what is tested."""
    with (
        mock.patch.object(ExponentialBackoff, "delay_amount", return_value=0),
        mock.patch.object(RetryQuota, "acquire", return_value=True),
    ):
        yield


def operators_client(store: DynamoAccounts) -> Any:
    """Return the client that PynamoDB's calls of a store go through."""
    return store._account_model._get_connection().connection.client
