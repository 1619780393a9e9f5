"""The parent's side: a pool of child processes that hold the codecs.

A child is started once and works on one job at a time. Whatever a hostile image does to it (crash, endless loop, all
memory), the job alone fails: the child is killed and another takes its place. Pipes and plain processes are used
because ``multiprocessing`` needs shared memory, which not every home has.
"""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.errors import MiniPicError, ServiceUnavailable

from . import sniff as _sniff
from .child import WORKER_COMMAND, Child, EngineFault
from .estimate import estimate_bytes

JOB_TIMEOUT_S = 25.0


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
        self._idle: deque[Child] = deque()
        self._children: set[Child] = set()
        self._line: deque[object] = deque()
        self._is_open = False

    def start(self, *, wait: bool = True) -> None:
        """Spawn the children, and return when they have loaded their codecs, or at once without ``wait``.

        Raises EngineFault when one of them does not come up.
        """
        fresh = [Child(self._command) for _ in range(self._size)]
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

    def get_ready(self) -> None:
        """Return when the free children have loaded their codecs; raises EngineFault when one of them does not come up.

        For a pool that was started without waiting, before its first job.
        """
        with self._changed:
            idle = list(self._idle)
        for child in idle:
            child.wait_until_ready()

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
            child.kill()
            child.process.wait()
        for child in idle:
            child.end()

    def sniff(self, data: bytes) -> ImageFormat:
        """Return the format of ``data``, without a child; raises UnsupportedMediaType."""
        return _sniff.sniff(data)

    def estimate(self, data: bytes, options: Options) -> int:
        """Return about how many bytes ``compress`` will give, without a child: see ``minipic_engine.estimate``."""
        return estimate_bytes(data, options)

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

    def _take(self) -> Child:
        """Return a free child to whoever has waited longest: a late comer never overtakes."""
        place = object()
        with self._changed:
            if not self._is_open or (not self._idle and len(self._line) >= self._max_waiting):
                raise ServiceUnavailable
            self._line.append(place)
            try:
                self._changed.wait_for(
                    lambda: not self._is_open or (bool(self._idle) and self._line[0] is place), self._max_wait_s
                )
                if not self._is_open or not self._idle or self._line[0] is not place:
                    raise ServiceUnavailable
                child = self._idle.popleft()
            finally:
                self._line.remove(place)
                self._changed.notify_all()  # whoever is first now may find a free child, too
        if child.process.poll() is None:
            return child
        try:
            return self._replaced(child)  # it died while idle, by a stray signal for one
        except OSError as error:
            self._give_back(child)
            raise EngineFault(f"No child could be started: {error}") from error

    def _give_back(self, child: Child) -> None:
        if not child.is_usable:
            with suppress(OSError):  # no process to be had now: whoever takes the dead one tries again
                child = self._replaced(child)
        with self._changed:
            if self._is_open:
                self._idle.append(child)
                self._changed.notify_all()
                return
        child.end()

    def _replaced(self, dead: Child) -> Child:
        """Return a fresh child in place of ``dead``; it loads its codecs while the next job is awaited."""
        dead.end()
        fresh = Child(self._command)
        with self._changed:
            self._children.discard(dead)
            if self._is_open:
                self._children.add(fresh)
        return fresh
