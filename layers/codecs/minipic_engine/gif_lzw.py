"""The C functions of ``gif_lzw.c``, as Python sees them: arrays to arrays, without Python's lock."""

import ctypes
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .native import library

Bytes = NDArray[np.uint8]
Classes = NDArray[np.uint16]
Words = NDArray[np.uint32]

SYMBOLS = 256
MOST_CLASSES = 16_384
LEAST_BITS = 2
"""The fewest bits that GIF lets an index have."""

_P, _S, _U = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint
_SIGNATURES: dict[str, tuple[object, ...]] = {
    "gif_lzw_encode": (_P, _P, _P, _S, _P, _U, _U, _S, _P, _P, _S),
    "gif_number_colours": (_P, _S, _P, _S, _S, _P),
}
_HEAD_BYTES = 1024


@cache
def _functions() -> ctypes.CDLL:
    loaded = library()
    for name, arguments in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = _S, arguments
    return loaded


def _at(array: NDArray[np.generic]) -> int:
    if not array.flags.c_contiguous:
        raise ValueError("an array for C has gaps")
    return array.ctypes.data


def numbered(pixels: Words, colours: Words, known: int) -> tuple[Classes, int] | None:
    """Return the number of each pixel's colour, and how many colours are known then; None where they are too many.

    ``colours`` has room for ``MOST_CLASSES``, of which the first ``known`` are known; new ones are written behind them.
    """
    classes = np.empty(pixels.shape, np.uint16)
    found = _functions().gif_number_colours(
        _at(pixels), pixels.size, _at(colours), known, MOST_CLASSES, _at(classes)
    )  # fmt: skip
    return (classes, found) if found else None


def encoded(
    classes: Classes, keep: Bytes, limit: Bytes, costs: Bytes, transparent: int, bits: int, least_run: int
) -> tuple[bytes, Bytes]:
    """Return GIF's image data for a rectangle of pixels, and the indices that were taken.

    ``classes``: each pixel's colour, whose row of ``costs`` (a row a class, ``SYMBOLS`` wide) says what each index
    costs; ``keep``: what it costs to leave what is there by the index ``transparent``; ``limit``: the most that a pixel
    may cost; ``bits``: of an index, 2 to 8; ``least_run``: so many pixels in a row that may be transparent are (0: as
    it comes). Raises ValueError where some pixel may have no index.
    """
    chosen = np.empty(classes.shape, np.uint8)
    out = np.empty(2 * classes.size + _HEAD_BYTES, np.uint8)  # 12 bits for a single pixel are the worst
    length = _functions().gif_lzw_encode(
        _at(classes), _at(keep), _at(limit), classes.size, _at(costs), transparent, bits, least_run,
        _at(chosen), _at(out), out.size,
    )  # fmt: skip
    if not length:
        raise ValueError("a pixel may have no index")
    return out[:length].tobytes(), chosen
