"""The parent's side: a pool of child processes that hold the codecs.

A child is started once and works on one job at a time. Whatever a hostile image does to it (crash, endless loop, all
memory), the job alone fails: the child is killed and another takes its place. Pipes and plain processes are used
because ``multiprocessing`` needs shared memory, which not every home has.
"""

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.errors import DecodeError, MiniPicError, ServiceUnavailable

from . import sniff as _sniff
from .wire import BrokenFrameError, Fields, from_options, read_frame, to_error, to_result, write_frame

JOB_TIMEOUT_S = 25.0
START_TIMEOUT_S = 30.0
CLOSE_TIMEOUT_S = 1.0
_INHERITED = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")
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


class _Child:
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
        self.process.kill()

    def end(self) -> None:
        """Kill the process and free all that it holds here."""
        self.is_usable = False
        self.process.kill()
        self.process.wait()
        for stream in (self._requests, self._replies):
            with suppress(OSError):  # unsent bytes of a request, to a process that is gone
                stream.close()


class EnginePool:
    """Compresses images in ``size`` child processes; safe to use from any number of threads.

    A job waits for a free child at most ``max_wait_s``, beside at most ``max_waiting`` others, and is given up after
    ``job_timeout_s``. ``command`` starts a child.
    """

    def __init__(
        self,
        size: int,
        *,
        max_wait_s: float = 10.0,
        max_waiting: int = 64,
        job_timeout_s: float = JOB_TIMEOUT_S,
        command: Sequence[str] = WORKER_COMMAND,
    ) -> None:
        self._size = size
        self._max_wait_s = max_wait_s
        self._max_waiting = max_waiting
        self._job_timeout_s = job_timeout_s
        self._command = tuple(command)
        self._changed = threading.Condition()
        self._idle: deque[_Child] = deque()
        self._children: set[_Child] = set()
        self._waiting = 0
        self._is_open = False

    def start(self, *, wait: bool = True) -> None:
        """Spawn the children, and return when they have loaded their codecs, or at once without ``wait``.

        Raises EngineFault when one of them does not come up.
        """
        fresh = [_Child(self._command) for _ in range(self._size)]
        with self._changed:
            self._is_open = True
            self._children.update(fresh)
        try:
            for child in fresh if wait else ():
                child.wait_until_ready()
        except EngineFault:
            self.close()
            for child in fresh:
                child.end()
            raise
        with self._changed:
            self._idle.extend(fresh)
            self._changed.notify_all()

    def close(self) -> None:
        """End all children; a job that is still running fails with ServiceUnavailable."""
        with self._changed:
            self._is_open = False
            idle = list(self._idle)
            busy = self._children.difference(idle)
            self._idle.clear()
            self._children.clear()
            self._changed.notify_all()
        for child in busy:  # its own thread frees it
            child.process.kill()
            child.process.wait()
        for child in idle:
            child.end()

    def sniff(self, data: bytes) -> ImageFormat:
        """Return the format of ``data``, without a child; raises UnsupportedMediaType."""
        return _sniff.sniff(data)

    def compress(self, data: bytes, options: Options) -> Compressed:
        """Compress ``data`` in a child; see ``minipic_engine.pipeline.compress`` for what comes back or is raised.

        Also raises ServiceUnavailable when no child is free in time, DecodeError when the image brings the child
        down or takes too long, and EngineFault for a bug of ours.
        """
        child = self._take()
        try:
            return child.run(data, options, self._job_timeout_s)
        except MiniPicError as error:
            if not self._is_open:
                raise ServiceUnavailable from error
            raise
        finally:
            self._give_back(child)

    def _take(self) -> _Child:
        with self._changed:
            if not self._is_open or (not self._idle and self._waiting >= self._max_waiting):
                raise ServiceUnavailable
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._idle or not self._is_open, self._max_wait_s)
            finally:
                self._waiting -= 1
            if not self._idle:
                raise ServiceUnavailable
            child = self._idle.popleft()
        if child.process.poll() is None:
            return child
        try:
            return self._replaced(child)  # it died while idle, by a stray signal for one
        except OSError as error:
            self._give_back(child)
            raise EngineFault(f"No child could be started: {error}") from error

    def _give_back(self, child: _Child) -> None:
        if not child.is_usable:
            with suppress(OSError):  # no process to be had now: whoever takes the dead one tries again
                child = self._replaced(child)
        with self._changed:
            if self._is_open:
                self._idle.append(child)
                self._changed.notify()
                return
        child.end()

    def _replaced(self, dead: _Child) -> _Child:
        """Return a fresh child in place of ``dead``; it loads its codecs while the next job is awaited."""
        dead.end()
        fresh = _Child(self._command)
        with self._changed:
            self._children.discard(dead)
            if self._is_open:
                self._children.add(fresh)
        return fresh
