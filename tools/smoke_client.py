"""An HTTP client as plain as the standard library, for checks of a deployment from outside."""

import base64
import contextlib
import json
import secrets
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 60


class Wrong(Exception):
    """An answer is not what it must be."""


@dataclass(frozen=True)
class Answer:
    """What came back; names of headers in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object."""
        try:
            fields = json.loads(self.body)
        except ValueError:
            raise Wrong(f"{self.status} with a body that is no JSON: {self.body[:80]!r}") from None
        if not isinstance(fields, dict):
            raise Wrong(f"{self.status} with JSON that is no object")
        return fields


@dataclass(frozen=True)
class Service:
    """The service at an address, and a key for it."""

    base_url: str
    key: str

    def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        has_key: bool = True,
    ) -> Answer:
        """Send one request to a path of the service, or to an address elsewhere, which never gets the key."""
        is_elsewhere = "://" in target
        parts = urlsplit(target if is_elsewhere else self.base_url + target)
        sent = {"Host": parts.netloc, "Content-Length": str(len(body))} | dict(headers or {})
        if has_key and not is_elsewhere:
            sent["Authorization"] = "Basic " + base64.b64encode(f"api:{self.key}".encode()).decode()
        make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = make(parts.netloc, timeout=TIMEOUT_S)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused half-way: the answer is there
                connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, sent)
            reply = connection.getresponse()
            return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def post_form(self, url: str, fields: Mapping[str, str], image: bytes, file_field: str = "file") -> Answer:
        """Post a form with a file, as /v1/uploads describes it, or /api/optimize takes it."""
        boundary = secrets.token_hex(16)
        parts = [f'form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
        file_head = f'form-data; name="{file_field}"; filename="picture"\r\nContent-Type: image/png\r\n\r\n'
        parts.append(file_head.encode() + image)
        start = f"--{boundary}\r\nContent-Disposition: ".encode()
        body = b"".join(start + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
        return self.ask("POST", url, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})


def expect(holds: bool, otherwise: str) -> None:
    """Raise Wrong unless it holds."""
    if not holds:
        raise Wrong(otherwise)


def expect_status(answer: Answer, *wanted: int) -> None:
    """Raise Wrong with the error's own words unless the status is one of these."""
    if answer.status not in wanted:
        told = answer.body[:200].decode(errors="replace")
        raise Wrong(f"{answer.status} instead of {' or '.join(map(str, wanted))}: {told}")


def picture(width: int = 96, height: int = 64) -> bytes:
    """Return a PNG that is new each time, so that nothing between here and there can remember it."""
    seed = secrets.token_bytes(3)
    rows = b"".join(
        b"\0" + bytes((seed[c] + x * (c + 1) + y) % 256 for x in range(width) for c in range(3)) for y in range(height)
    )
    chunks = {b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT": zlib.compress(rows, 1)}
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (*chunks.items(), (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + body
