"""The time that a job may take: above a number of pixels, and near the end of its time, encoders work less hard.

The budget belongs to the job that is running, of which a process has one; so no function has to hand it on. Up to
``FULL_EFFORT_PIXELS`` nothing is reduced unless the machine is so slow that the job would be killed.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from minipic.errors import ImageTooComplex

MEGAPIXEL = 1_000_000
FULL_EFFORT_PIXELS = 25 * MEGAPIXEL
BUDGET_S = 20.0
_FINISH_S = 3.0
_SHORT_SHARE = 0.6
"""With more than this share of the time gone, what comes next is done with the least effort."""


CARE_VARIABLE = "MINIPIC_CARE"
"""The operator's choice, an environment variable of the process: `best` for fewer bytes at twice the CPU."""


@dataclass
class _Budget:
    started_s: float
    is_reduced: bool = False


_running: ContextVar[_Budget | None] = ContextVar("_running", default=None)


@contextmanager
def budget() -> Iterator[None]:
    """Give what runs inside the time of one job."""
    token = _running.set(_Budget(time.monotonic()))
    try:
        yield
    finally:
        _running.reset(token)


def is_best() -> bool:
    """Tell whether the operator wants the fewest bytes, whatever they cost."""
    return os.environ.get(CARE_VARIABLE) == "best"


def left_s() -> float:
    """Return how much of the job's time is left."""
    running = _running.get()
    return BUDGET_S if running is None else BUDGET_S - (time.monotonic() - running.started_s)


def check() -> None:
    """Raise ImageTooComplex when the job's time is over."""
    if left_s() <= 0:
        raise ImageTooComplex(f"The image can't be worked on within {BUDGET_S:g} seconds. Make it smaller.")


def is_short() -> bool:
    """Tell whether so much of the time is gone that the rest has to be done in a hurry."""
    return left_s() < BUDGET_S * (1 - _SHORT_SHARE)


def is_full(pixels: int) -> bool:
    """Tell whether there is time to work hard on ``pixels``; a no is remembered for the result."""
    if pixels <= FULL_EFFORT_PIXELS and not is_short():
        return True
    return lowered()


def has(seconds: float) -> bool:
    """Tell whether there are so many seconds, and some to finish in; a no is remembered for the result."""
    return seconds <= left_s() - _FINISH_S or lowered()


def lowered() -> bool:
    """Remember for the result that something was left out; False, to be said in passing."""
    running = _running.get()
    if running is not None:
        running.is_reduced = True
    return False


def was_reduced() -> bool:
    """Tell whether anything was done with less effort since this was asked last."""
    running = _running.get()
    if running is None:
        return False
    reduced, running.is_reduced = running.is_reduced, False
    return reduced
