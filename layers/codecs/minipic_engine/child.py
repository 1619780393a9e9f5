"""One child process that holds the codecs, as its parent sees it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO

from minipic.domain.image import Compressed, Options
from minipic.errors import DecodeError

from . import effort
from .wire import BrokenFrameError, Fields, from_options, read_frame, to_error, to_result, write_frame

START_TIMEOUT_S = 30.0
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", effort.CARE_VARIABLE)
_SET = {
    "VIPS_CONCURRENCY": "2",
    "RAYON_NUM_THREADS": "2",
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",  # each further arena takes address space, which is limited
    "VIPS_WARNING": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
}
WORKER_COMMAND = (sys.executable, "-P", "-W", "ignore", "-m", "minipic_engine.worker")
_DIED = "The image could not be worked on: it brought the decoder down. Check the file and send it again."
_SLOW = "The image could not be worked on within {:g} seconds. Make it smaller and send it again."


class EngineFault(RuntimeError):
    """A bug or a broken installation of ours; ``details`` (a traceback) is for the log, never for the client."""

    def __init__(self, details: str) -> None:
        self.details = details
        super().__init__(details)


def child_environment(parent: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a child: an allow-list, so that no credential of the parent is in it."""
    kept = {name: parent[name] for name in _INHERITED if name in parent}
    return kept | _SET | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


class Child:
    """One child process; used by one thread at a time."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=True, start_new_session=True,
            env=child_environment(os.environ),
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._requests: BinaryIO = self.process.stdin  # type: ignore[assignment]
        self._replies: BinaryIO = self.process.stdout  # type: ignore[assignment]
        self._is_ready = False
        self.is_usable = True

    def wait_until_ready(self) -> None:
        """Return when the child has loaded its codecs; raises EngineFault if it never does."""
        if self._is_ready:
            return
        if self._guarded(START_TIMEOUT_S, None, b"") is None:
            raise EngineFault(f"The engine's child did not start; it ended with {self.process.poll()}.")
        self._is_ready = True

    def run(self, data: bytes, options: Options, timeout_s: float) -> Compressed:
        """Do one job; raises the errors of ``minipic_engine.pipeline.compress``, and EngineFault."""
        self.wait_until_ready()
        started_s = time.monotonic()
        reply = self._guarded(timeout_s, from_options(options), data)
        if reply is None:
            is_slow = time.monotonic() - started_s >= timeout_s
            raise DecodeError(_SLOW.format(timeout_s) if is_slow else _DIED)
        fields, body = reply
        if fields["status"] == "error":
            raise to_error(fields)
        if fields["status"] == "fault":
            raise EngineFault(str(fields["traceback"]))
        return to_result(fields, body)

    def _guarded(self, timeout_s: float, request: Fields | None, body: bytes) -> tuple[Fields, bytes] | None:
        """Send ``request``, if any, and return the reply; None if the child died or had to be killed."""
        alarm = threading.Timer(timeout_s, self._expire)
        alarm.daemon = True
        alarm.start()
        try:
            if request is not None:
                write_frame(self._requests, request, body)
            reply = read_frame(self._replies)
        except (OSError, ValueError, BrokenFrameError):  # ValueError: the pool closed the pipes meanwhile
            reply = None
        finally:
            alarm.cancel()
            alarm.join()
        if reply is None:
            self.is_usable = False
        return reply

    def _expire(self) -> None:
        self.is_usable = False
        self.kill()

    def kill(self) -> None:
        """Kill the process and what it runs: it leads a group of its own."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill the process and free all that it holds here."""
        self.is_usable = False
        self.kill()
        self.process.wait()
        for stream in (self._requests, self._replies):
            with suppress(OSError):  # unsent bytes of a request, to a process that is gone
                stream.close()
