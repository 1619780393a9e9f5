"""A server that takes what is posted to it: every request is kept, and answered as told."""

import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Post:
    """One request; names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came in, and the statuses of the answers in turn, the last one again and again."""

    port: int
    statuses: list[int]
    pause_s: float = 0.0
    posts: list[Post] = field(default_factory=list)

    def at(self, host: str = "127.0.0.1") -> str:
        """Return ``host:port``, as an allow list names it."""
        return f"{host}:{self.port}"


@contextlib.contextmanager
def receiving(*statuses: int, tls: ssl.SSLContext | None = None, pause_s: float = 0.0) -> Iterator[Receiver]:
    """Yield a running receiver on the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.posts.append(Post(self.path, headers, body))
            status = receiver.statuses[0] if len(receiver.statuses) == 1 else receiver.statuses.pop(0)
            time.sleep(receiver.pause_s)
            self.send_response(status)
            if 300 <= status <= 399:
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        receiver = Receiver(server.server_port, list(statuses) or [204], pause_s)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
