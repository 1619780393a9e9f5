"""Lambda's runtime API as SnapStart uses it, small: the emulator of AWS knows no snapshots.

The function's process waits in the call that asks for the restore, as it does in a microVM that was stopped there.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.lambda_runtime.emulator import PYTHON, Event, Invoked, Place, runtime_environment

_API = "/2018-06-01/runtime"
_TIMEOUT_S = 60


class SnapshotRuntime:
    """One execution environment, held before its snapshot until ``restore`` is called."""

    def __init__(self) -> None:
        self.is_held = threading.Event()
        self.is_restored = threading.Event()
        self.asks_for_work = threading.Event()
        self.errors: list[Any] = []
        self.events: queue.Queue[Event] = queue.Queue()
        self.answers: queue.Queue[Any] = queue.Queue()

    def wait_until_held(self) -> None:
        """Return when everything before the snapshot is done; RuntimeError when that failed."""
        _wait(self.is_held, self.errors)

    def restore(self) -> float:
        """Go on after the snapshot; return the milliseconds that the hooks took."""
        started_s = time.perf_counter()
        self.is_restored.set()
        _wait(self.asks_for_work, self.errors)
        return (time.perf_counter() - started_s) * 1000

    def invoke(self, event: Event) -> Invoked:
        """Return the function's answer."""
        started_s = time.perf_counter()
        self.events.put(event)
        answer = self.answers.get(timeout=_TIMEOUT_S)
        return Invoked(answer, (time.perf_counter() - started_s) * 1000)


def _wait(for_what: threading.Event, errors: list[Any]) -> None:
    deadline_s = time.monotonic() + _TIMEOUT_S
    while not for_what.wait(0.005):
        if errors or time.monotonic() > deadline_s:
            raise RuntimeError(f"the function did not get so far: {errors}")


@contextmanager
def held_before_snapshot(
    place: Place, name: str, folder: Path, handler: str = "probe.handler"
) -> Iterator[SnapshotRuntime]:
    """Yield the function's execution environment as SnapStart starts it; ``folder`` takes its log."""
    runtime = SnapshotRuntime()
    server = _Server(("127.0.0.1", 0), _handler_of(runtime))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = runtime_environment(place, name) | {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
    }
    with (folder / f"{name}.snapshot.log").open("wb") as log:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "awslambdaric", handler], cwd=place.folder, env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        yield runtime
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a process that was ended while it waited."""


def _handler_of(runtime: SnapshotRuntime) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == f"{_API}/restore/next":
                runtime.is_held.set()
                runtime.is_restored.wait()
                self._send(b"{}")
            elif self.path == f"{_API}/invocation/next":
                runtime.asks_for_work.set()
                self._send(json.dumps(runtime.events.get()).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"null")
            if self.path.endswith("/response"):
                runtime.answers.put(body)
            else:  # of the start, of the restore, or of an invocation
                runtime.errors.append(body)
                runtime.answers.put(body)
            self._send(b"{}", 202)

        def _send(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Lambda-Runtime-Trace-Id", "Root=1-6740f1c2-0a1b2c3d4e5f60718293a4b5;Sampled=0")
            self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + _TIMEOUT_S) * 1000)))
            self.send_header(
                "Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:111122223333:function:f"
            )
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
