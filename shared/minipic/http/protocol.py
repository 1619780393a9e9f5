"""One machine's connections: how many, and how long a client may take over each step. Nothing here knows a route.

What is refused here never was a request that an app could answer; the answer still has the shape of every error.
"""

import asyncio
import json
import logging
import secrets
from email.utils import formatdate

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from minipic.errors import BadRequest, MiniPicError, ServiceUnavailable

MAX_CONNECTIONS = 512  # a process may open 1024 files, and a request at work opens some
MAX_HEAD_BYTES = 16 * 1024
HEAD_S = 10.0  # from the first byte of a head to its end, and from a connection to its first byte
IDLE_S = 75
STALL_S = 60.0  # a client that takes no byte of its answer for this long has gone
LINGER_S = 2.0  # closing at once on a client that still sends would lose the answer
_REASONS = {400: "Bad Request", 503: "Service Unavailable"}
_BAD_REQUEST = (
    f"This is not HTTP/1.1, or the request's head is larger than {MAX_HEAD_BYTES} bytes. Nothing was counted."
)
_SLOW_HEAD = f"The head of the request did not come within {HEAD_S:g} seconds. Send the request again."

log = logging.getLogger("minipic.access")


class LimitedProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with deadlines and a limit to connections."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or refuse the one too many."""
        self._is_refused = False
        self._head_alarm: asyncio.TimerHandle | None = None
        self._stall_alarm: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            self._refuse(ServiceUnavailable())
        else:
            self._head_alarm = self.loop.call_later(HEAD_S, self._on_slow_head)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the alarms with the connection."""
        self._unset_head_alarm()
        self._unset_stall_alarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; what a refused client still sends is forgotten."""
        if self.conn.their_state is h11.IDLE and len(data) > MAX_HEAD_BYTES:
            # h11 measures heads that are not whole yet: one that comes in one piece has to be shown in two.
            super().data_received(data[: MAX_HEAD_BYTES + 1])
            data = data[MAX_HEAD_BYTES + 1 :]
        if not self._is_refused:
            super().data_received(data)

    def handle_events(self) -> None:
        """Answer what is whole, and watch what is not."""
        super().handle_events()
        if self._is_refused:
            return
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            if self._head_alarm is None:
                self._head_alarm = self.loop.call_later(HEAD_S, self._on_slow_head)
        else:
            self._unset_head_alarm()

    def on_response_complete(self) -> None:
        """Keep the connection for the next request, unless the rest of this one's body was not waited for."""
        is_cut_off = self.conn.their_state is h11.SEND_BODY  # asked first: after that, the next request may have begun
        super().on_response_complete()
        if is_cut_off:
            self.transport.close()
            self.loop.call_later(STALL_S, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; one whose client did not even take the last answer is cut."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request at all."""
        del msg
        self._refuse(BadRequest(_BAD_REQUEST))

    def pause_writing(self) -> None:
        """Wait for a client that is slow to read, as long as it reads."""
        super().pause_writing()
        self._watch_stall(-1)

    def resume_writing(self) -> None:
        """Go on writing."""
        self._unset_stall_alarm()
        super().resume_writing()

    def shutdown(self) -> None:
        """Close at once what is not at work."""
        if self._is_refused:
            self.transport.abort()
        else:
            super().shutdown()

    def _on_slow_head(self) -> None:
        self._head_alarm = None
        if self.conn.trailing_data[0].strip():
            self._refuse(BadRequest(_SLOW_HEAD))
        else:
            self.transport.close()

    def _refuse(self, error: MiniPicError) -> None:
        self._is_refused = True
        self._unset_head_alarm()
        request_id = secrets.token_hex(10)
        log.info("connection refused", extra={"request_id": request_id, "status": error.status, "error": error.code})
        if self.cycle is not None and not self.cycle.response_complete:  # a body that breaks off into nonsense
            if self.cycle.response_started:
                self.transport.abort()
                return
            self.cycle.disconnected = True  # the app is told that nobody waits for its answer any more
            self.cycle.message_event.set()
        self.transport.write(_answer(error, request_id))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.abort)

    def _watch_stall(self, left_before_bytes: int) -> None:
        left_bytes = self.transport.get_write_buffer_size()
        if left_bytes == left_before_bytes:
            self.transport.abort()
            return
        self._unset_stall_alarm()
        self._stall_alarm = self.loop.call_later(STALL_S, self._watch_stall, left_bytes)

    def _unset_head_alarm(self) -> None:
        if self._head_alarm is not None:
            self._head_alarm.cancel()
            self._head_alarm = None

    def _unset_stall_alarm(self) -> None:
        if self._stall_alarm is not None:
            self._stall_alarm.cancel()
            self._stall_alarm = None


def _answer(error: MiniPicError, request_id: str) -> bytes:
    body = json.dumps({"error": error.code, "message": error.message, "request_id": request_id}).encode()
    lines = [
        f"HTTP/1.1 {error.status} {_REASONS[error.status]}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        f"Date: {formatdate(usegmt=True)}",
        f"X-Request-Id: {request_id}",
        *([f"Retry-After: {error.retry_after_s}"] if error.retry_after_s else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
