"""GET /output/{id} with a JSON body is a derived operation: older clients send that. `output` hands it to `derive`."""

import base64
import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from anyio.to_thread import run_sync
from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message

from minipic.errors import ServiceUnavailable
from minipic.http.body import read_json_bytes

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

DERIVE_TIMEOUT_S = 27  # functions end after 28
_OWN_HEADERS = frozenset({"x-request-id", "date"})  # the envelope of this app adds its own


async def operations_in(request: Request) -> bytes:
    """Return the body of a GET when it asks for operations, else nothing: what is no JSON object asks for none."""
    if request.method != "GET":
        return b""
    body = await read_json_bytes(request)
    try:
        fields = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return b""
    return body if isinstance(fields, dict) and fields else b""


async def hand_over(request: Request, body: bytes) -> Response:
    """Return what the derive function answers to the same request as a POST."""
    derive_app: ASGIApp | None = getattr(request.app.state, "derive_app", None)
    if derive_app is not None:
        return await _in_process(derive_app, request, body)
    return await run_sync(_by_invocation, request)


async def _in_process(app: ASGIApp, request: Request, body: bytes) -> Response:
    messages: list[Message] = []
    request_id = request.state.request_id.encode()
    kept = [(name, value) for name, value in request.scope["headers"] if name != b"x-request-id"]
    headers = [*kept, (b"x-request-id", request_id)]
    scope = {**request.scope, "method": "POST", "state": {}, "headers": headers}

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, content = messages[0], b"".join(message.get("body", b"") for message in messages[1:])
    return _response(start["status"], [(n.decode(), v.decode()) for n, v in start["headers"]], content)


def _by_invocation(request: Request) -> Response:
    event = {**request.scope["aws.event"], "httpMethod": "POST"}
    settings = request.app.state.settings
    client = _lambda_client(settings.aws.region, settings.aws.endpoint_url)
    with _told_as_busy():
        answer = client.invoke(FunctionName=settings.aws.derive_function, Payload=json.dumps(event).encode())
    if "FunctionError" in answer:
        raise RuntimeError(f"the derive function failed: {answer['FunctionError']}")
    payload: dict[str, Any] = json.loads(answer["Payload"].read())
    content = payload["body"].encode()
    if payload["isBase64Encoded"]:
        content = base64.b64decode(content)
    return _response(payload["statusCode"], list(payload["headers"].items()), content)


@contextmanager
def _told_as_busy() -> Iterator[None]:
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: PLC0415 - as below

    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != "TooManyRequestsException":
            raise
        raise ServiceUnavailable from error
    except (ConnectionError, HTTPClientError) as error:  # no answer in time, or no Lambda
        raise ServiceUnavailable from error


@functools.cache
def _lambda_client(region: str, endpoint_url: str | None) -> "LambdaClient":
    import boto3  # noqa: PLC0415 - one machine needs none
    from botocore.config import Config  # noqa: PLC0415

    # One try only: an invocation whose answer was lost has charged, and must not be repeated.
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=DERIVE_TIMEOUT_S)
    return boto3.client("lambda", region_name=region, endpoint_url=endpoint_url, config=once)


def _response(status: int, headers: list[tuple[str, str]], content: bytes) -> Response:
    response = Response(content, status)
    response.raw_headers = [
        (name.encode(), value.encode()) for name, value in headers if name.lower() not in _OWN_HEADERS
    ]
    return response
