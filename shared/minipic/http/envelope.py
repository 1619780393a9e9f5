"""The outermost layer around every app: request ids, canonical headers, faults, and unread bodies."""

import logging
import re
import time
from collections.abc import Callable, MutableMapping
from email.utils import formatdate
from typing import Any

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minipic.errors import InternalServerError
from minipic.http.headers import canonical_name

_SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9_.\-]{8,64}")
LINGER_BYTES = 100 * 1024 * 1024
LINGER_S = 10.0

log = logging.getLogger("minipic.http")


class Envelope:
    """Wrap an app; ``new_request_id`` makes the ids of requests that bring none."""

    def __init__(self, app: ASGIApp, new_request_id: "RequestIds") -> None:
        self.app = app
        self._new_request_id = new_request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._new_request_id(scope))
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except Exception:
            log.exception("request %s failed", exchange.request_id)
            if not exchange.started:
                body = {"error": InternalServerError.code, "message": InternalServerError.text}
                response = JSONResponse(body | {"request_id": exchange.request_id}, InternalServerError.status)
                await response(scope, exchange.receive, exchange.send)


class RequestIds:
    """Take a sane X-Request-Id from the client, else make one."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy

    def __call__(self, scope: Scope) -> str:
        """Return the id of this request: 8 to 64 characters."""
        for name, value in scope["headers"]:
            if name == b"x-request-id" and _SANE_REQUEST_ID.fullmatch(value):
                return bytes(value).decode()
        return self._entropy(10).hex()


class _Exchange:
    """One request on its way out: what was received, what was sent."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self.request_id = request_id
        self.started = False
        state: MutableMapping[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        self._receive, self._send = receive, send
        headers = dict(scope["headers"])
        # A client that waits for "100 Continue" sends nothing until the body is asked for: there is nothing to drain.
        self._body_unread = (
            headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        ) and b"expect" not in headers

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._body_unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = [(canonical_name(name), value) for name, value in message["headers"]]
            headers.append((b"X-Request-Id", self.request_id.encode()))
            headers.append((b"Date", formatdate(usegmt=True).encode()))
            message = {**message, "headers": headers}
        elif self._body_unread and not message.get("more_body", False):
            # Closing on a client that is still sending resets the connection, and the answer is lost with it: the
            # whole answer goes out first, then the rest of the body is read and forgotten.
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _drain(self) -> None:
        left_bytes, deadline_s = LINGER_BYTES, time.monotonic() + LINGER_S
        while self._body_unread and left_bytes > 0 and time.monotonic() < deadline_s:
            message = await self.receive()
            left_bytes -= len(message.get("body", b""))
