"""The front of API Gateway: what it does with requests that MiniStack's does not.

It takes a missing Content-Type and Accept for binary ones, refuses what Lambda could not carry, and gives the API an
address that stays the same when MiniStack makes a new API of an updated one. Nothing else is changed on the way.
"""

import base64
import http.client
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

GATEWAY_LIMIT_BYTES = 10 * 1024 * 1024  # of a request, as it is sent
LAMBDA_LIMIT_BYTES = 6 * 1024 * 1024  # of an event and of an answer, binary bodies in base64
ANSWER_TIMEOUT_S = 60
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "expect"})


class Gateway:
    """An address on the loopback for an API of MiniStack's."""

    def __init__(self, endpoint_url: str, authority: Path, port: int) -> None:
        self.endpoint = urlsplit(endpoint_url).netloc
        self.context = ssl.create_default_context(cafile=authority)
        self.port = port
        self.api_id, self.stage = "", "live"
        self.answers: dict[str, dict[str, Any]] = {}

    @property
    def base_url(self) -> str:
        """The API's base URL, with the stage as AWS has it."""
        return f"http://127.0.0.1:{self.port}/{self.stage}"


@contextmanager
def running_gateway(endpoint_url: str, authority: Path) -> Iterator[Gateway]:
    """Yield a gateway before MiniStack; it leads nowhere until its ``api_id`` and ``answers`` are set."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        server.gateway = Gateway(endpoint_url, authority, server.server_port)  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.gateway  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        gateway: Gateway = self.server.gateway  # type: ignore[attr-defined]
        body = self._read_body()
        if len(body) > GATEWAY_LIMIT_BYTES or len(base64.b64encode(body)) > LAMBDA_LIMIT_BYTES:
            self._refuse(gateway, "REQUEST_TOO_LARGE")
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
        headers = {name: value for name, value in headers.items() if value}
        headers |= {} if self.headers.get("Accept") else {"Accept": "*/*"}
        if body and not self.headers.get("Content-Type"):
            headers["Content-Type"] = "application/octet-stream"
        headers["X-Forwarded-Proto"] = "http"
        connection = http.client.HTTPSConnection(gateway.endpoint, timeout=ANSWER_TIMEOUT_S, context=gateway.context)
        try:
            target = f"/_aws/execute-api/{gateway.api_id}{self.path}"
            connection.request(self.command, target, body=body or None, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if len(base64.b64encode(content)) > LAMBDA_LIMIT_BYTES:
            self._refuse(gateway, "INTEGRATION_FAILURE")
            return
        fields = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
        self._answer(answer.status, fields, content)

    # http.server calls these names
    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any  # noqa: N815

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _refuse(self, gateway: Gateway, kind: str) -> None:
        """Answer as the stack's gateway response of this kind says."""
        answer = gateway.answers[kind]
        text: str = answer["responseTemplates"]["application/json"]
        known = {"domainName": f"127.0.0.1:{gateway.port}", "stage": gateway.stage, "requestId": "made-by-the-gateway"}
        for name, value in known.items():
            text = text.replace(f"$context.{name}", value)
        fields = [
            (name.removeprefix("gatewayresponse.header."), value.strip("'"))
            for name, value in answer["responseParameters"].items()
        ]
        self._answer(int(answer["statusCode"]), fields, text.encode())

    def _answer(self, status: int, fields: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in fields:
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name, _ in fields} and status not in (204, 304):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
