"""The engine's own machine code: C functions in one shared object, built from ``layers/codecs/native``."""

import ctypes
from functools import cache
from pathlib import Path

SHARED_OBJECT = Path(__file__).with_name("_native.so")


@cache
def library() -> ctypes.CDLL:
    """Return the C functions, whose callers say what each takes and gives; they run without Python's lock.

    Raises RuntimeError when they were not built: there is no slow way round.
    """
    try:
        return ctypes.CDLL(str(SHARED_OBJECT))
    except OSError as error:
        raise RuntimeError(
            f"{SHARED_OBJECT.name} is missing or for another machine: `make native` builds it"
        ) from error
