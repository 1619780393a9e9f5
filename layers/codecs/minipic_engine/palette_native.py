"""The C functions of ``palette.c``, ``palette_build.c`` and ``lossy_lz.c``, as Python sees them: arrays to arrays.

A place is where a colour stands for the eye, a row of 4 floats, of which 3 are used, or, where there is transparency,
of 8, of which 6 are. All functions run without Python's lock and raise MemoryError.
"""

import ctypes
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .native import library

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.uint32]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

OPAQUE_LANES, ALPHA_LANES = 4, 8
_COSTS = 256 + 259 + 30

_P, _S, _F, _I = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_float, ctypes.c_int
_SIGNATURES: dict[str, tuple[object, tuple[object, ...]]] = {
    "palette_colours": (_S, (_P, _S, _P, _P, _P)),
    "palette_vectors": (None, (_P, _S, _S, _F, _F, _P)),
    "palette_activity": (_I, (_P, _P, _S, _S, _F, _P)),
    "palette_nearest": (None, (_P, _S, _S, _P, _S, _P, _P)),
    "palette_dither": (_I, (_P, _P, _S, _S, _S, _P, _S, _F, _F, _P)),
    "palette_paint": (None, (_P, _S, _P, _S, _P)),
    "palette_merges": (_I, (_P, _P, _S, _S, _P, _P)),
    "palette_cut": (_S, (_P, _P, _S, _S, _S, _P)),
    "palette_refine": (None, (_P, _P, _P, _S, _S, _F, _F, _F, _S, _S, _P, _P, _P)),
    "lossy_lz_learn": (_I, (_P, _S, _I, _P, _P)),
    "lossy_lz_choose": (_I, (_P, _S, _S, _P, _P, _P, _P, _P, _S, _S, _P, _P, _F, _I, _P)),
}


@cache
def _functions() -> ctypes.CDLL:
    loaded = library()
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.restype, function.argtypes = result, arguments
    return loaded


def _at(array: NDArray[np.generic]) -> int:
    if not array.flags.c_contiguous:
        raise ValueError("an array for C has gaps")
    return array.ctypes.data


def _checked(is_done: int) -> None:
    if not is_done:
        raise MemoryError


@dataclass(frozen=True, slots=True)
class Space:
    """How much red-green and blue-yellow count beside lightness in the distance of two colours."""

    red_green: float
    blue_yellow: float


def colours(pixels: Bytes) -> tuple[Numbers, Bytes, Numbers]:
    """Return the number of each pixel's colour, the colours in order of appearance, and how often each occurs.

    ``pixels``: any shape that ends in 4 channels; the numbers come in one row.
    """
    values = np.ascontiguousarray(pixels).reshape(-1, 4).view(np.uint32).ravel()
    numbers, found, counts = (np.empty(len(values), np.uint32) for _ in range(3))
    many = _functions().palette_colours(_at(values), len(values), _at(numbers), _at(found), _at(counts))
    _checked(many <= len(values))
    return numbers, found[:many].copy().view(np.uint8).reshape(-1, 4), counts[:many].copy()


def places(rgba: Bytes, lanes: int, space: Space) -> Floats:
    """Return where colours (rows of 4) stand: XYB weighted by ``space``; with 8 lanes on black and on white."""
    out = np.empty((len(rgba), lanes), np.float32)
    _functions().palette_vectors(_at(rgba), len(rgba), lanes, space.red_green, space.blue_yellow, _at(out))
    return out


def add_activity(out: Floats, values: Floats, numbers: Numbers) -> None:
    """Add to ``out`` (rows, columns) the variance of the pixels' ``values``, by number, around each pixel."""
    height, width = out.shape
    _checked(_functions().palette_activity(_at(values), _at(numbers), width, height, 1.0, _at(out)))


def nearest(wanted: Floats, palette: Floats) -> tuple[Bytes, Floats]:
    """Return the index of the nearest of up to 256 places for each of ``wanted``, and its squared distance."""
    indices, distances = np.empty(len(wanted), np.uint8), np.empty(len(wanted), np.float32)
    _functions().palette_nearest(
        _at(wanted), len(wanted), wanted.shape[1], _at(palette), len(palette), _at(indices), _at(distances)
    )
    return indices, distances


def dither(
    wanted: Floats, numbers: Numbers, size: tuple[int, int], palette: Floats, strength: float, limit: float
) -> Bytes:
    """Return an index for each pixel of ``size`` (columns, rows), by Floyd and Steinberg's diffusion."""
    width, height = size
    indices = np.empty((height, width), np.uint8)
    _checked(
        _functions().palette_dither(
            _at(wanted), _at(numbers), width, height, wanted.shape[1], _at(palette), len(palette), strength, limit,
            _at(indices),
        )
    )  # fmt: skip
    return indices


def painted(indices: Bytes, palette: Bytes, channels: int) -> Bytes:
    """Return the pixels, of 3 (RGB) or 4 channels, that ``indices`` into ``palette`` (rows of RGBA) stand for."""
    pixels = np.empty((*indices.shape, channels), np.uint8)
    _functions().palette_paint(_at(indices), indices.size, _at(palette), channels, _at(pixels))
    return pixels


def merges(wanted: Floats, weights: Floats) -> tuple[Numbers, Numbers]:
    """Return the order in which colours merge, pair by pair: which stays and which goes."""
    kept, gone = np.zeros(len(wanted), np.uint32), np.zeros(len(wanted), np.uint32)
    _checked(
        _functions().palette_merges(
            _at(wanted), _at(weights), len(wanted), wanted.shape[1], _at(kept), _at(gone)
        )
    )  # fmt: skip
    return kept[:-1], gone[:-1]


def cut(wanted: Floats, weights: Floats, size: int) -> tuple[Bytes, int]:
    """Return the box that each colour is in when they are cut in ``size`` boxes, and how many there are."""
    labels = np.empty(len(wanted), np.uint8)
    made = _functions().palette_cut(_at(wanted), _at(weights), len(wanted), wanted.shape[1], size, _at(labels))
    _checked(made)
    return labels, int(made)


def refine(
    rgba: Bytes, wanted: Floats, weights: Floats, space: Space, power: float, rounds: int, labels: Bytes, size: int
) -> Bytes:
    """Return a palette of ``size`` colours: means of the groups in ``labels``, refined by weighted k-means."""
    palette, distances = np.empty((size, 4), np.uint8), np.empty(len(rgba), np.float32)
    labels = labels.copy()
    _functions().palette_refine(
        _at(rgba), _at(wanted), _at(weights), len(rgba), wanted.shape[1], space.red_green, space.blue_yellow, power,
        rounds, size, _at(palette), _at(labels), _at(distances),
    )  # fmt: skip
    return palette


def learn(stream: Bytes, depth: int) -> tuple[Floats, Numbers]:
    """Return what deflate's symbols cost for ``stream``, and what it takes up to each position.

    Symbols are in bits, positions in 4096ths of a bit, modulo 2**32.
    """
    costs, sums = np.empty(_COSTS, np.float32), np.empty(stream.size + 1, np.uint32)
    _checked(_functions().lossy_lz_learn(_at(stream), stream.size, depth, _at(costs), _at(sums)))
    return costs, sums


@dataclass(frozen=True, slots=True)
class Scene:
    """What indices stand for.

    ``numbers``: the colour of each pixel; ``wanted``, ``palette``: the places of the colours and of the indices;
    ``visibility``: how much an error counts, pixel by pixel; ``zero``: the squared distance of each pixel to what is
    seen where its index is 0, if that is no colour of the palette.
    """

    numbers: Numbers
    wanted: Floats
    palette: Floats
    visibility: Floats
    zero: Floats | None = None


def choose(preferred: Bytes, scene: Scene, learnt: tuple[Floats, Numbers], price: float, depth: int) -> Bytes:
    """Return the stream (rows of a filter byte and indices) like ``preferred`` that deflates better.

    ``price`` is what a bit is worth: squared distance in the units of places, times the pixel's visibility.
    """
    height, stride = preferred.shape
    chosen = np.empty_like(preferred)
    costs, sums = learnt
    _checked(
        _functions().lossy_lz_choose(
            _at(preferred), stride - 1, height, _at(scene.numbers), _at(scene.wanted), _at(scene.palette),
            _at(scene.visibility), None if scene.zero is None else _at(scene.zero), scene.wanted.shape[1],
            len(scene.palette), _at(costs), _at(sums), price, depth, _at(chosen),
        )
    )  # fmt: skip
    return chosen
