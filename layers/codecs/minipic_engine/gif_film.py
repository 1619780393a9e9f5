"""An animation as GIF in own code: what changed between two frames, in strings that pack well, within a tolerance.

Each frame is compared with what the viewer has on the canvas by then, not with the frame before it: so errors never
add up. Where little goes on around a pixel every change is seen, and less of it is tolerated.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from . import effort, gif_colours, gif_lzw
from .gif_colours import FORBIDDEN, Floats
from .gif_lzw import Bytes, Classes, Words
from .timeline import Timeline

_TRANSPARENT = 0
_BUSY, _CALM_SHARE = 24.0, 0.25
"""The contrast from which on all of the tolerance counts, and the share of it that counts where there is none."""

_KEPT_AT = 0.5
"""What is left as it was costs less than the same error in new: it stands still."""

_LEAST_RUNS = (1, 4, 16, 0)
_WIDER = 1.4
_TICK_MS = 10
_STAYS, _CLEARS = 1, 2


@dataclass(frozen=True, slots=True)
class Frames:
    """All frames, their pixels numbered by colour, and how much goes on around each pixel (0 to 254, whole: 1)."""

    shown: list[Words]
    classes: list[Classes]
    softness: list[Bytes]
    colours: Words
    """The colours by number, the first of them nothing at all."""

    places: Floats
    """Where each colour stands."""

    liveliness: Floats
    """How much goes on, on the average, around the pixels in which a colour appears (0 to 1)."""

    order: Classes
    """The numbers of those that are needed, the most frequent first."""

    spread: Bytes
    """In how many frames each colour changes something, counted up to 255."""


@dataclass(frozen=True, slots=True)
class _Palette:
    colours: Words
    costs: Bytes
    least: Bytes
    """What the nearest index costs, a class."""

    @property
    def bits(self) -> int:
        """How many an index takes."""
        return max(gif_lzw.LEAST_BITS, (len(self.colours) - 1).bit_length())

    @property
    def table(self) -> bytes:
        """The colours as they stand in the file."""
        table = np.zeros((1 << self.bits, 3), np.uint8)
        table[: len(self.colours)] = gif_colours.channels(self.colours)[:, :3]
        return table.tobytes()


def unpacked(images: Iterable[Image.Image]) -> Frames | None:
    """Return the frames (RGBA) ready to be encoded; None where they have too many colours."""
    colours = np.zeros(gif_lzw.MOST_CLASSES, np.uint32)
    known = 1
    shown: list[Words] = []
    classes: list[Classes] = []
    for image in images:
        effort.check()
        shown.append(gif_colours.seen(image))
        numbered = gif_lzw.numbered(shown[-1], colours, known)
        if numbered is None:
            return None
        classes.append(numbered[0])
        known = numbered[1]
    colours = colours[:known].copy()
    places = gif_colours.places(colours)
    softness = [_softness(places[numbers, 0]) for numbers in classes]
    counts, soft, spread = (np.zeros(known) for _ in range(3))
    for index, numbers in enumerate(classes):
        changed = shown[index] != shown[index - 1] if index else np.ones(numbers.shape, np.bool_)
        found = np.bincount(numbers[changed], minlength=known)
        counts += found
        spread += found > 0
        soft += np.bincount(numbers[changed], softness[index][changed], minlength=known)
    counts[0] = 0
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].astype(np.uint16)
    liveliness = (soft / np.maximum(counts, 1) / (FORBIDDEN - 1)).astype(np.float32)
    few = np.minimum(spread, 255).astype(np.uint8)
    return Frames(shown, classes, softness, colours, places, liveliness, order, few)


def _softness(luma: Floats) -> Bytes:
    """Return for each pixel how much of the tolerance counts, by the contrast with its neighbours, of 254."""
    high, low = luma.copy(), luma.copy()
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:-1], np.s_[1:])):
        np.maximum(high[here], luma[there], out=high[here])
        np.minimum(low[here], luma[there], out=low[here])
        np.maximum(high[:, here], luma[:, there], out=high[:, here])
        np.minimum(low[:, here], luma[:, there], out=low[:, here])
    share = np.clip((high - low) / _BUSY, _CALM_SHARE, 1)
    softness: Bytes = (share * (FORBIDDEN - 1)).astype(np.uint8)
    return softness


def encode(frames: Frames, timeline: Timeline, tolerance: float) -> bytes:
    """Return the animation as GIF, with no mark.

    All frames share a palette if it is good enough, else each has its own. A ``tolerance`` of 0 loses nothing; raises
    ValueError where a frame changes to more colours than a palette holds then.
    """
    shared = _palette(frames, frames.order, tolerance)
    height, width = frames.shown[0].shape
    flags = 0x70 if shared is None else 0xF0 | shared.bits - 1
    parts = [b"GIF89a" + struct.pack("<HHBBB", width, height, flags, 0, 0) + (shared.table if shared else b"")]
    if timeline.plays != 1:
        repeats = max(0, timeline.plays - 1)
        parts.append(b"!\xff\x0bNETSCAPE2.0\3\1" + struct.pack("<H", repeats) + b"\0")
    canvas = np.zeros((height, width), np.uint32)
    for index, duration in enumerate(timeline.durations):
        effort.check()
        parts.append(_frame(frames, index, canvas, shared, tolerance, duration // _TICK_MS))
    return b"".join([*parts, b";"])


def _palette(frames: Frames, needed: Classes, tolerance: float) -> _Palette | None:
    """Return colours that are enough for the ``needed`` ones, behind the transparent one: those in most frames first.

    None where that takes too many.
    """
    chosen = gif_colours.leaders(frames.places[needed], frames.liveliness[needed] * np.float32(tolerance))
    if chosen is None:
        return None
    numbers = needed[chosen]
    numbers = numbers[np.argsort(-frames.spread[numbers].astype(int), kind="stable")]
    costs = np.full((len(frames.colours), gif_lzw.SYMBOLS), FORBIDDEN, np.uint8)
    costs[1:, 1 : len(numbers) + 1] = gif_colours.costs(frames.places[1:, None], frames.places[None, numbers])
    colours = np.concatenate([np.zeros(1, np.uint32), frames.colours[numbers]])
    return _Palette(colours, costs, costs.min(axis=1))


def _own_palette(frames: Frames, classes: Classes, tolerance: float) -> _Palette:
    """Return a palette for these pixels only, with more tolerance if need be; raises ValueError if it may not."""
    counts = np.bincount(classes, minlength=len(frames.colours))
    counts[0] = 0
    needed = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)].astype(np.uint16)
    palette = _palette(frames, needed, tolerance)
    while palette is None:
        if not tolerance:
            raise ValueError("more colours than a palette holds")
        tolerance *= _WIDER
        palette = _palette(frames, needed, tolerance)
    return palette


def _frame(
    frames: Frames, index: int, canvas: Words, shared: _Palette | None, tolerance: float, delay_ticks: int
) -> bytes:
    """Return one frame's blocks, and leave on ``canvas`` what the next one finds there."""
    shown, classes = frames.shown[index], frames.classes[index]
    asked = np.rint(frames.softness[index] * (tolerance / (FORBIDDEN - 1)))
    limit = np.minimum(FORBIDDEN - 1, asked).astype(np.uint8)
    keep = _kept_costs(shown, canvas)
    palette = shared or _own_palette(frames, classes[keep > limit], tolerance)
    differs = (keep > 0) & (shown != 0)
    limit[differs] = np.maximum(limit[differs], palette.least[classes[differs]])
    following = frames.shown[index + 1] if index + 1 < len(frames.shown) else shown
    clears = (following == 0) & (shown != 0)
    rows, columns = _box((keep > limit) | clears)
    part = rows, columns
    rests = [np.ascontiguousarray(whole[part]) for whole in (keep, limit)]
    data, chosen = _smallest(np.ascontiguousarray(classes[part]), rests[0], rests[1], palette)
    np.copyto(canvas[part], palette.colours[chosen], where=chosen != _TRANSPARENT)
    disposal = _CLEARS if clears.any() else _STAYS
    if disposal == _CLEARS:
        canvas[part] = 0
    control = struct.pack("<BBBBHBB", 0x21, 0xF9, 4, disposal << 2 | 1, delay_ticks, _TRANSPARENT, 0)
    height, width = chosen.shape
    place = struct.pack("<BHHHH", 0x2C, columns.start, rows.start, width, height)
    return control + place + (b"\0" if shared else bytes([0x80 | palette.bits - 1]) + palette.table) + data


def _kept_costs(shown: Words, canvas: Words) -> Bytes:
    """Return what it costs to leave each pixel as it is on the canvas."""
    costs = np.where(shown == canvas, 0, FORBIDDEN).astype(np.uint8)
    differs = (costs != 0) & (shown != 0) & (canvas != 0)
    far = gif_colours.costs(gif_colours.places(shown[differs]), gif_colours.places(canvas[differs]))
    costs[differs] = np.rint(far * _KEPT_AT).astype(np.uint8)
    return costs


def _box(wanted: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> tuple[slice, slice]:
    """Return the smallest rectangle around all that is wanted, or a pixel where nothing is."""
    rows, columns = np.flatnonzero(wanted.any(axis=1)), np.flatnonzero(wanted.any(axis=0))
    if not len(rows):
        return slice(0, 1), slice(0, 1)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _smallest(classes: Classes, keep: Bytes, limit: Bytes, palette: _Palette) -> tuple[bytes, Bytes]:
    """Return the smallest image data of some ways to use transparency, and the indices of it.

    Indices are as short as the highest that is in use lets them be.
    """
    bits = palette.bits
    runs = _LEAST_RUNS if (keep <= limit).any() else _LEAST_RUNS[-1:]
    ways = [(*gif_lzw.encoded(classes, keep, limit, palette.costs, _TRANSPARENT, bits, least), least) for least in runs]
    data, chosen, least = min(ways, key=lambda way: len(way[0]))
    enough = max(gif_lzw.LEAST_BITS, int(chosen.max()).bit_length())
    if enough < bits:
        costs = palette.costs.copy()
        costs[:, 1 << enough :] = FORBIDDEN
        return gif_lzw.encoded(classes, keep, limit, costs, _TRANSPARENT, enough, least)
    return data, chosen
