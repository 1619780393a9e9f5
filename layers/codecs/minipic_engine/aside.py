"""Runs a function in a copy of this process, for a library that ends the process where another raises an error."""

import os
import signal
import warnings
from collections.abc import Callable

from . import effort

_FIRST_OWN_FILE = 3


def aside(work: Callable[[], bytes]) -> bytes | None:
    """Return what ``work`` returns; None where it raised, ended its process, or took longer than the job's time."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the copy runs no Python thread, and C code of one
        pid = os.fork()
    if pid == 0:
        _work_and_end(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        made = answer.read()
    _, status = os.waitpid(pid, 0)
    return made if status == 0 else None


def _work_and_end(work: Callable[[], bytes], writing: int) -> None:
    """Be the copy: it must not hold the original's pipes, nor outlive it, nor ever return."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(max(1, round(effort.left_s())))
        os.closerange(_FIRST_OWN_FILE, writing)
        with os.fdopen(writing, "wb") as answer:
            answer.write(work())
        os._exit(0)
    finally:
        os._exit(1)
