"""Clients as cheap as they can be: prepared bytes over plain sockets, so that the measured side gets the processor."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

Job = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of clients measured."""

    clients: int
    requests: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class HttpClient:
    """One connection that sends the same request again and again; any other status than 200 is an error."""

    def __init__(self, port: int, request: bytes) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answers = self._socket.makefile("rb")
        self._request = request

    def __call__(self) -> None:
        """Send the request and read its answer."""
        self._socket.sendall(self._request)
        status = self._answers.readline()
        length_bytes = 0
        while (line := self._answers.readline()) != b"\r\n":
            if line.startswith(b"Content-Length:"):
                length_bytes = int(line[15:])
        body = self._answers.read(length_bytes)
        if b" 200 " not in status:
            raise RuntimeError(f"{status!r} {body!r}")


def request_bytes(method: str, path: str, key: str = "", body: bytes = b"") -> bytes:
    """Return a whole request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def run(clients: int, make_job: Callable[[], Job], *, duration_s: float = 1e9, requests: int = 10**9) -> Load:
    """Let clients do their jobs side by side, for this time or this number of requests, whichever ends first."""
    jobs = [make_job() for _ in range(clients)]
    latencies_s: list[float] = []
    errors: list[Exception] = []
    started_s = time.perf_counter()

    def work(job: Job) -> None:
        try:
            while time.perf_counter() - started_s < duration_s and len(latencies_s) < requests and not errors:
                before_s = time.perf_counter()
                job()
                latencies_s.append(time.perf_counter() - before_s)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    spent_s = time.perf_counter() - started_s
    latencies_s.sort()
    p50_ms, p95_ms, p99_ms = (latencies_s[len(latencies_s) * share // 100] * 1000 for share in (50, 95, 99))
    return Load(clients, len(latencies_s), len(latencies_s) / spent_s, p50_ms, p95_ms, p99_ms)
