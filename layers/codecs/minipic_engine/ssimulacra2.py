"""SSIMULACRA2: how much a picture looks like its original; 100 is the same, 90 and more nobody can tell apart."""

import ctypes
from functools import cache
from threading import Lock
from typing import Any
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from .native import library

IDENTICAL = 100.0
_LEAST_SIDE = 8
"""The metric has no scale for less; a smaller picture is continued by its edges."""

_GROUNDS = (0, 255)
"""What transparent pictures are shown on; the worse of the scores counts."""

Pixels = NDArray[np.uint8]


class Reference:
    """An original, whose side of the comparison is computed once. May be used by several threads, one at a time.

    ``pixels``: rows, columns and, unless it is grey, channels: 2 (grey and alpha), 3 (RGB) or 4 (RGBA), in sRGB with
    alpha not premultiplied.
    """

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = _readable(pixels)
        self._shape = pixels.shape[:2]
        self._handles: dict[int, Any] = {}
        self._lock = Lock()

    def score(self, pixels: Pixels) -> float:
        """Return how much ``pixels``, of the same size, look like the original: at most 100, and below 0 for wrecks.

        Where either has an alpha channel both are compared on black and on white, and the lower score counts.
        Raises ValueError for another size, MemoryError.
        """
        if pixels.shape[:2] != self._shape:
            raise ValueError(f"the original has {self._shape} rows and columns, not {pixels.shape[:2]}")
        trial = _readable(pixels)
        has_alpha = _has_alpha(trial) or _has_alpha(self._pixels)
        with self._lock:
            return min(self._score(trial, ground) for ground in (_GROUNDS if has_alpha else _GROUNDS[:1]))

    def _score(self, trial: Pixels, ground: int) -> float:
        if ground not in self._handles:
            self._handles[ground] = self._opened(ground)
        return float(_functions().ssimulacra2_score(self._handles[ground], *_pointer(trial), _channels(trial), ground))

    def _opened(self, ground: int) -> ctypes.c_void_p:
        height, width = self._pixels.shape[:2]
        address = _functions().ssimulacra2_new(*_pointer(self._pixels), width, height, _channels(self._pixels), ground)
        if not address:
            raise MemoryError
        handle = ctypes.c_void_p(address)
        finalize(self, _functions().ssimulacra2_free, handle)
        return handle


def _readable(pixels: Pixels) -> Pixels:
    """Return the pixels as the C functions read them: contiguous, at least 8 a side, grey with alpha as RGBA."""
    if pixels.ndim == 3 and pixels.shape[2] == 2:
        pixels = pixels[:, :, (0, 0, 0, 1)]
    elif pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or _channels(pixels) not in (1, 3, 4) or not pixels.size:
        raise ValueError(f"not a picture: {pixels.shape} of {pixels.dtype}")
    lacking = [(0, max(0, _LEAST_SIDE - side)) for side in pixels.shape[:2]]
    if any(after for _, after in lacking):
        pixels = np.pad(pixels, [*lacking, (0, 0)][: pixels.ndim], mode="edge")
    return np.ascontiguousarray(pixels)


def _channels(pixels: Pixels) -> int:
    return 1 if pixels.ndim == 2 else pixels.shape[2]


def _has_alpha(pixels: Pixels) -> bool:
    return _channels(pixels) == 4


def _pointer(pixels: Pixels) -> tuple[ctypes.c_void_p]:
    return (ctypes.c_void_p(pixels.ctypes.data),)


@cache
def _functions() -> ctypes.CDLL:
    functions, size = library(), ctypes.c_size_t
    functions.ssimulacra2_new.argtypes = (ctypes.c_void_p, size, size, size, ctypes.c_uint)
    functions.ssimulacra2_score.argtypes = (ctypes.c_void_p, ctypes.c_void_p, size, ctypes.c_uint)
    functions.ssimulacra2_free.argtypes = (ctypes.c_void_p,)
    functions.ssimulacra2_new.restype = ctypes.c_void_p
    functions.ssimulacra2_score.restype = ctypes.c_double
    functions.ssimulacra2_free.restype = None
    return functions
