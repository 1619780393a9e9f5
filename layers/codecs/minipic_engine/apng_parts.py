"""What is stored of each frame of an animated PNG: the rectangle that changes, in indices that pack well.

A frame is compared with what the viewer has on the canvas by then, so that errors never add up. What the picture itself
leaves alone stays as it is, errors included: putting them right later would be seen as a flicker, and cost bytes.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import effort, palette_native
from .apng_roll import CLEAR, Roll
from .palette_build import Recipe
from .palette_lz import DEPTH, FADE
from .palette_native import Bytes, Floats, Scene

_LEAST_RUN = 6
"""So many pixels in a row have to be unchanged to be worth an index of their own, in one of the ways that are tried."""

_NEVER = np.float32(1e9)
_GLANCE_EFFORT = 6

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of indices, and where it belongs; if ``is_over``, index 0 lets what is there be seen."""

    left: int
    top: int
    indices: Bytes
    is_over: bool


class Parts:
    """The frames of ``roll``, painted in ``palette`` as ``indices`` tell."""

    def __init__(self, roll: Roll, palette: Bytes, indices: Bytes, recipe: Recipe) -> None:
        colours = roll.colours
        self._shape = roll.shape
        self._stills = indices.reshape(roll.shape)
        self._numbers = colours.numbers.reshape(roll.shape)
        self._places = colours.places(recipe.space)
        self._shown = palette_native.places(palette, colours.lanes, recipe.space)
        self._visibility = colours.visibility(FADE).reshape(roll.shape)
        self._is_opaque = colours.is_opaque
        # What is translucent would be mixed with what lies below, not replace it.
        self._may_be_over = bool((palette[1:, 3] == 255).all())
        self._made: dict[float, list[Part]] = {}

    def shown_at(self, price: float) -> Bytes:
        """Return what is shown, all frames one below the other, if a bit is worth ``price``."""
        shown = np.empty(self._shape, np.uint8)
        canvas = np.full(self._shape[1:], CLEAR, np.uint8)
        self._made[price] = []
        for number in range(len(shown)):
            part = self._part(number, canvas, price)
            height, width = part.indices.shape
            place = canvas[part.top : part.top + height, part.left : part.left + width]
            np.copyto(place, part.indices, where=(part.indices != CLEAR) if part.is_over else np.True_)
            shown[number] = canvas
            self._made[price].append(part)
        return shown.reshape(-1, self._shape[2])

    def at(self, price: float) -> list[Part]:
        """Return what is stored of each frame."""
        if price not in self._made:
            self.shown_at(price)
        return self._made[price]

    def _part(self, number: int, canvas: Bytes, price: float) -> Part:
        effort.check()
        wanted = self._stills[number]
        stays: Mask = np.zeros(wanted.shape, np.bool_)
        if number:
            stays = (canvas == wanted) | (self._numbers[number] == self._numbers[number - 1])
        box = _box(~stays) if number else np.s_[: wanted.shape[0], : wanted.shape[1]]
        stays, wanted, below = stays[box], wanted[box], canvas[box]
        may_be_over = number > 0 and self._may_be_over and not (~stays & (wanted == CLEAR)).any()
        ways = [(np.where(stays, below, wanted), False)]
        if may_be_over:
            ways += [(np.where(mask, np.uint8(CLEAR), ways[0][0]), True) for mask in (stays, _in_runs(stays))]
        preferred, is_over = min(ways, key=lambda way: len(zlib.compress(way[0].tobytes(), _GLANCE_EFFORT)))
        if price:
            preferred = self._chosen(number, box, preferred, below if is_over else None, price)
        rows, columns = _box((preferred != CLEAR) if is_over else (preferred != below)) if number else box
        top, left = (box[0].start or 0) + (rows.start or 0), (box[1].start or 0) + (columns.start or 0)
        return Part(left, top, np.ascontiguousarray(preferred[rows, columns]), is_over)

    def _chosen(
        self, number: int, box: tuple[slice, slice], preferred: Bytes, below: Bytes | None, price: float
    ) -> Bytes:
        """Return indices like the ``preferred`` that deflate better; ``below`` is what index 0 lets be seen."""
        numbers = np.ascontiguousarray(self._numbers[number][box])
        zero: Floats | None = None
        if below is not None:
            zero = ((self._places[numbers] - self._shown[below]) ** 2).sum(axis=-1, dtype=np.float32)
        elif self._is_opaque:
            zero = np.full(numbers.shape, _NEVER, np.float32)
        stream = np.pad(preferred, ((0, 0), (1, 0)))
        visibility = np.ascontiguousarray(self._visibility[number][box])
        scene = Scene(numbers, self._places, self._shown, visibility, zero)
        return palette_native.choose(stream, scene, palette_native.learn(stream, DEPTH), price, DEPTH)[:, 1:]


def _box(wanted: Mask) -> tuple[slice, slice]:
    """Return the smallest rectangle around all that is wanted, or a pixel where nothing is."""
    rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
    if not len(rows):
        return slice(0, 1), slice(0, 1)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _in_runs(mask: Mask) -> Mask:
    """Return where ``mask`` holds for a run of pixels in a row."""
    edges = np.flatnonzero(np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1).ravel())
    starts, ends = edges[::2], edges[1::2]
    lengths = np.zeros(mask.shape[0] * (mask.shape[1] + 1), np.int32)
    long = ends - starts >= _LEAST_RUN
    np.add.at(lengths, starts[long], 1)
    np.add.at(lengths, ends[long], -1)
    made: Mask = np.cumsum(lengths).reshape(mask.shape[0], -1)[:, :-1] > 0
    return made
