"""HTTP by hand over a plain socket: what is sent and what comes back, byte for byte."""

import base64
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.e2e.server import Server

Fields = Iterable[tuple[str, str]]
METERED = {
    "Compression-Count",
    "Compression-Count-Remaining",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
}
TIMEOUT_S = 60


@dataclass(frozen=True)
class Reply:
    """An answer; the names of its header fields are as they came."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    @property
    def names(self) -> set[str]:
        """The names of the header fields."""
        return {name for name, _ in self.fields}

    def __getitem__(self, name: str) -> str:
        values = [value for found, value in self.fields if found == name]
        assert len(values) == 1, f"{name}: {values} in {self.fields}"
        return values[0]

    @property
    def json(self) -> dict[str, Any]:
        """The body, which must say that it is JSON."""
        assert self["Content-Type"] == "application/json"
        answer: dict[str, Any] = json.loads(self.body)
        return answer

    @property
    def error(self) -> str:
        """The error's code; every error has a message and a request id as well."""
        answer = self.json
        assert answer["message"]
        assert answer["request_id"] == self["X-Request-Id"]
        return str(answer["error"])


def basic(key: str, user: str = "api") -> tuple[str, str]:
    """Return the header field that official clients send."""
    return "Authorization", "Basic " + base64.b64encode(f"{user}:{key}".encode()).decode()


def head(method: str, target: str, fields: Fields = ()) -> bytes:
    """Return a request's head with exactly these fields, after Host."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode()


def chunked(body: bytes, chunk_bytes: int = 10_000) -> bytes:
    """Return the body in the chunked coding."""
    chunks = (body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes))
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"


class Connection:
    """A connection to a server."""

    def __init__(self, server: Server) -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), TIMEOUT_S)
        self._replies = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Go away."""
        self._replies.close()
        self._socket.close()

    def send(self, *parts: bytes) -> None:
        """Send all parts, whole."""
        for part in parts:
            self._socket.sendall(part)

    def reply(self, bodiless: bool = False) -> Reply:
        """Read one answer; ``bodiless`` for that to a HEAD."""
        status_line = self._replies.readline().decode()
        assert status_line.startswith("HTTP/1.1 "), status_line
        status, fields = int(status_line.split()[1]), []
        while line := self._replies.readline().decode().rstrip("\r\n"):
            name, _, value = line.partition(":")
            fields.append((name, value.strip()))
        reply = Reply(status, fields, b"")
        if bodiless or status < 200:
            return reply
        assert "transfer-encoding" not in {name.lower() for name in reply.names}, fields
        return Reply(status, fields, self._replies.read(int(reply["Content-Length"])))

    def rest(self) -> bytes:
        """Read whatever else comes, until the server closes."""
        return self._replies.read()

    def exchange(self, method: str, target: str, fields: Fields = (), body: bytes | None = None) -> Reply:
        """Send a request, with Content-Length if there is a body, and read the answer."""
        length = [] if body is None else [("Content-Length", str(len(body)))]
        self.send(head(method, target, [*fields, *length]) + (body or b""))
        return self.reply(bodiless=method == "HEAD")


def call(
    server: Server, method: str, target: str, key: str = "", fields: Fields = (), body: bytes | None = None
) -> Reply:
    """Send one request on a connection of its own; a key goes as official clients send it."""
    authorization = [basic(key)] if key else []
    with Connection(server) as connection:
        return connection.exchange(method, target, [*authorization, *fields], body)


def shrink(server: Server, key: str, image: bytes) -> Reply:
    """Send an image to /shrink, which must succeed."""
    reply = call(server, "POST", "/shrink", key, body=image)
    assert reply.status == 201, reply
    return reply


def count(server: Server, key: str) -> int:
    """Return the key's account's images of this month, asked for in a way that costs nothing."""
    reply = call(server, "POST", "/shrink", key, body=b"")
    assert reply.status == 400, reply
    return int(reply["Compression-Count"])
