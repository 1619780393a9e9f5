"""A stand-in for the service and for the storage behind it: says what it is told to, and keeps what it was asked."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Says:
    """An answer to give."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Front:
    """``answers`` are given in their order, the last one again and again."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: list[Says] = []
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        """The address as one host."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def other_host_url(self) -> str:
        """The same place under another host's name."""
        return f"http://localhost:{self.port}"

    def next_answer(self) -> Says:
        """Return what to say now."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def fronting() -> Iterator[Front]:
    """Yield a stand-in on a port of the loopback."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            front.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            says = front.next_answer()
            self.send_response(says.status)
            for name, value in ({"Content-Length": str(len(says.body))} | says.headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(says.body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        front = Front(server.server_port)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield front
        finally:
            server.shutdown()
            thread.join()


def result(data: bytes, input_bytes: int, **headers: str) -> Says:
    """Return the answer that brings a result."""
    return Says(200, data, described(data, input_bytes) | headers)


def described(data: bytes, input_bytes: int) -> dict[str, str]:
    """Return the headers that describe a result."""
    return {
        "Content-Type": "image/jpeg",
        "X-Input-Size": str(input_bytes),
        "X-Output-Size": str(len(data)),
        "Image-Width": "8",
        "Image-Height": "8",
    }
