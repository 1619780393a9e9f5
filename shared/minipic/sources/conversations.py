"""One request and its answer over one connection."""

import socket
from collections.abc import Mapping

import h11

from minipic.sources.deadlines import Deadline
from minipic.sources.targets import Target

USER_AGENT = "MiniPic/0.1"
MAX_HEAD_BYTES = 16 * 1024
MAX_HEADS = 8  # interim ones, such as 103, and the one that counts
RECEIVE_BYTES = 16 * 1024  # a TLS record


class TooLong(Exception):
    """The body is longer than the caller takes."""


class Conversation:
    """Says what is to be said and hears the answer; OSError, TimeoutError, h11.ProtocolError.

    The time that is left is worked out before every single read, and what was read is taken apart by a parser that
    never waits: a byte a second gets no more time than silence does.
    """

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection = connection
        self._deadline = deadline
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)

    def ask(self, target: Target) -> h11.Response:
        """Ask for the target and return the head of the answer.

        Every request is made from nothing but its target, so a redirect can take nothing along.
        """
        return self._exchange(target, "GET", {}, b"")

    def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> h11.Response:
        """Send the target a body and return the head of the answer."""
        return self._exchange(target, "POST", {**headers, "Content-Length": str(len(body))}, body)

    def _exchange(self, target: Target, method: str, headers: Mapping[str, str], body: bytes) -> h11.Response:
        common = {
            "Host": target.authority,
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        head = h11.Request(method=method, target=target.path, headers=[*common.items(), *headers.items()])
        request = self._http.send(head) or b""
        if body:
            request += self._http.send(h11.Data(data=body)) or b""
        request += self._http.send(h11.EndOfMessage()) or b""
        self._connection.settimeout(self._deadline.left_s())
        self._connection.sendall(request)
        for _ in range(MAX_HEADS):
            if isinstance(event := self._hear(), h11.Response):
                return event
        raise h11.RemoteProtocolError("too many interim answers")

    def read_body(self, max_bytes: int) -> bytes:
        """Return the body, all of it; TooLong as soon as it is known to exceed the limit."""
        body = bytearray()
        while isinstance(event := self._hear(), h11.Data):
            if len(body) + len(event.data) > max_bytes:
                raise TooLong
            body += event.data
        return bytes(body)

    def _hear(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while True:
            left_s = self._deadline.left_s()
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._connection.settimeout(left_s)
            self._http.receive_data(self._connection.recv(RECEIVE_BYTES))
