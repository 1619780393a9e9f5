"""CPU time of a piece of work: of this process, all its threads, and of the programs that it waited for."""

import resource
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def cpu_now_s() -> float:
    """Return the CPU time used so far, in seconds."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def metered(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return what ``work`` returns, and its CPU time in seconds."""
    before_s = cpu_now_s()
    result = work()
    return result, cpu_now_s() - before_s
