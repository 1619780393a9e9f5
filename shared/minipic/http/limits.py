"""What bodies may cost one machine: how many are in memory at once, and how slowly one may arrive.

A Lambda function has neither problem: it gets one request at a time, and gets it whole.
"""

import asyncio
import time
from collections import deque

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minipic.errors import BadRequest, ServiceUnavailable
from minipic.http.record import stage

BODIES = 32  # below the number of threads that endpoints run in: health checks and downloads find one
BODY_BYTES = 5 * 1024 * 1024  # a larger body takes the place of several
WAIT_S = 5.0
GRACE_S = 60.0  # a body may take this long, and longer the more of it has come
BYTES_PER_S = 128 * 1024
_LIMITED = "minipic.body_limited"  # in the scope: a request that one app hands to another has its place already
_TOO_SLOW = "The body came too slowly: after {:g} seconds it must come with {} bytes a second. Send the request again."


class Gate:
    """A number of places for bodies. Whoever finds none free waits in line for ``wait_s``.

    A body that has a place may take ``grace_s``, and longer the more of it has come.
    """

    def __init__(
        self,
        places: int = BODIES,
        *,
        place_bytes: int = BODY_BYTES,
        wait_s: float = WAIT_S,
        grace_s: float = GRACE_S,
    ) -> None:
        self.grace_s = grace_s
        self._place_bytes = place_bytes
        self._wait_s = wait_s
        self._places = places
        self._free = places
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def taken(self) -> int:
        """The number of places that are taken now."""
        return self._places - self._free

    def places_for(self, size_bytes: int) -> int:
        """Return how many places a body takes: never more than there are."""
        return min(self._places, 1 + size_bytes // self._place_bytes)

    async def enter(self, places: int) -> None:
        """Take places; ServiceUnavailable when they do not become free in time."""
        if self._free >= places and not self._line:
            self._free -= places
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((places, turn))
        try:
            with stage("wait"):
                async with asyncio.timeout(self._wait_s):
                    await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # given in the very moment of giving up
                self._free += places
            self._line = deque(waiting for waiting in self._line if waiting[1] is not turn)
            self._call_up()
            if isinstance(error, TimeoutError):
                raise ServiceUnavailable from None
            raise

    def leave(self, places: int) -> None:
        """Give places back."""
        self._free += places
        self._call_up()

    def _call_up(self) -> None:
        while self._line and self._free >= self._line[0][0]:
            places, turn = self._line.popleft()
            if not turn.done():
                self._free -= places
                turn.set_result(None)


class BodyLimits:
    """Let an app read a body only behind the app's gate, if it has one, and only while the body keeps coming.

    The place is taken when the body is first asked for: after the key was checked, and before "100 Continue". A
    refusal is raised where the app reads, so that it is answered like every other.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        gate = scope["app"].state.gate if scope["type"] == "http" else None
        if gate is None or _LIMITED in scope or not announces_body(scope):
            await self.app(scope, receive, send)
            return
        scope[_LIMITED] = True
        body = _Body(gate, receive, _declared_bytes(scope))
        try:
            await self.app(scope, body.receive, send)
        finally:
            gate.leave(body.places)


class _Body:
    """One body on its way in."""

    def __init__(self, gate: Gate, receive: Receive, declared_bytes: int) -> None:
        self.places = 0
        self._gate, self._receive = gate, receive
        self._expected_bytes = declared_bytes
        self._received_bytes = 0
        self._started_s = 0.0
        self._is_whole = False

    async def receive(self) -> Message:
        if self._is_whole:  # what comes now is only that the client went away
            return await self._receive()
        await self._take_places()
        self._started_s = self._started_s or time.monotonic()
        left_s = self._started_s + self._gate.grace_s + self._received_bytes / BYTES_PER_S - time.monotonic()
        try:
            async with asyncio.timeout(left_s):
                message = await self._receive()
        except TimeoutError:
            self._is_whole = True
            raise BadRequest(_TOO_SLOW.format(self._gate.grace_s, BYTES_PER_S)) from None
        self._received_bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        return message

    async def _take_places(self) -> None:
        needed = self._gate.places_for(max(self._expected_bytes, self._received_bytes)) - self.places
        if needed > 0:
            await self._gate.enter(needed)
            self.places += needed


def announces_body(scope: Scope) -> bool:
    """Tell whether a request says that it has a body."""
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers


def _declared_bytes(scope: Scope) -> int:
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    return int(declared) if declared.isdigit() else 0
