"""The outermost layer around every app: request ids, canonical headers, faults, unread bodies, and the record."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable, MutableMapping
from email.utils import formatdate
from typing import Any

from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minipic.errors import InternalServerError
from minipic.http.cors import cors_headers, options_response
from minipic.http.errors import fault_headers
from minipic.http.headers import canonical_name
from minipic.http.limits import announces_body
from minipic.http.links import base_url
from minipic.http.record import METHODS, RECORD, Record, recording

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
        """Answer one request, and tell the app's observers of it; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = self._new_request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        if RECORD in scope:  # handed over by another app, which tells of it
            await self._answer(scope, _Exchange(scope, receive, send, scope[RECORD]))
            return
        method = scope["method"] if scope["method"] in METHODS else "other"
        record = scope[RECORD] = Record(request_id, method)
        try:
            with recording(record):
                await self._answer(scope, _Exchange(scope, receive, send, record))
        finally:
            _complete(record, scope)
            for observe in scope["app"].state.observers:
                observe(record)

    async def _answer(self, scope: Scope, exchange: "_Exchange") -> None:
        options = options_response(scope["app"].state.settings.cors_origins, scope)
        try:
            await (options or self.app)(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.record.is_gone = True
        except Exception:
            request_id = scope["state"]["request_id"]
            log.exception("request %s failed", request_id)
            if not exchange.started:
                request, state = Request(scope), scope["app"].state
                exchange.record.error = InternalServerError.code
                status, body = state.face(InternalServerError(), request_id, state.settings, base_url(request))
                response = JSONResponse(body, status, await fault_headers(request))
                await response(scope, exchange.receive, exchange.send)


def _complete(record: Record, scope: Scope) -> None:
    if not record.duration_ms:
        record.answered()
    if "route" in scope:
        record.operation = scope["route"].path
    caller = scope["state"].get("caller")
    if caller is not None:
        record.account_id, record.key_id = caller.owner.account_id, caller.owner.key_id


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

    def __init__(self, scope: Scope, receive: Receive, send: Send, record: Record) -> None:
        self.started = False
        self.record = record
        self._scope, self._receive, self._send = scope, receive, send
        # A client that waits for "100 Continue" sends nothing until the body is asked for: there is nothing to drain.
        self._body_unread = announces_body(scope) and not any(name == b"expect" for name, _ in scope["headers"])

    async def receive(self) -> Message:
        started_s = time.perf_counter()
        message = await self._receive()
        if not self.started:
            self.record.add_stage("read", started_s)
        self.record.bytes_in += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._body_unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self.record.status = message["status"]
            await self._send({**message, "headers": self._headers(message)})
            return
        body, is_last = message.get("body", b""), not message.get("more_body", False)
        self.record.bytes_out += len(body)
        if is_last:
            self.record.answered()
            if self.record.status >= 400 and not self.record.error:  # another function answered
                self.record.error = _error_code(body)
        if is_last and self._body_unread:
            # Closing on a client that is still sending resets the connection, and the answer is lost with it: the
            # whole answer goes out first, then the rest of the body is read and forgotten.
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        state: MutableMapping[str, Any] = self._scope["state"]
        app_state = self._scope["app"].state
        return [
            *((canonical_name(name), value) for name, value in message["headers"]),
            (b"X-Request-Id", state["request_id"].encode()),
            (b"Date", formatdate(usegmt=True).encode()),
            *cors_headers(app_state.settings.cors_origins, self._scope),
        ]

    async def _drain(self) -> None:
        left_bytes = LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_S):
                while self._body_unread and left_bytes > 0:
                    message = await self.receive()
                    left_bytes -= len(message.get("body", b""))
        except TimeoutError:
            return


def _error_code(body: bytes) -> str:
    """Return the code in an error's JSON: what was answered is what is told."""
    try:
        return str(json.loads(body).get("error", ""))
    except (ValueError, AttributeError):
        return ""
