"""Lossy PNG: the fewest bytes of a palette image that keep a promised score."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from . import effort, mosaic, palette_file, palette_native
from .goal import Encoded, Goal
from .level import interpolate
from .palette_build import MANY, MOST_COLOURS, MOST_MERGED, Colours
from .palette_canvas import Canvas, Painted, painted
from .palette_lz import Repeats
from .palette_native import Bytes
from .palette_search import DEFAULT, Search, search
from .picture import Picture
from .ssimulacra2 import Reference

_TARGETS = ((1, 30.0), (65, 80.0), (80, 90.0), (90, 95.0), (99, 98.5))
_STRICT_LEVEL = 66
_STRICT_TARGET = 97.5
FEWEST_COLOURS = 16
"""A picture of so many colours is not reduced to fewer: lettering, line art, what somebody chose one by one."""

TINY_PIXELS = 1_000
"""Below this nothing is lost: it saves some hundred bytes at most, by a score that means nothing there."""

SMALL_PIXELS = 10_000
"""Below this the score has too few scales to be trusted."""

WHOLE_PIXELS = 12 * effort.MEGAPIXEL
"""Above this trials are made on a mosaic. Screenshots are so uneven that it is used as late as time allows."""

_CARE_PIXELS, _MUCH_CARE_PIXELS = effort.MEGAPIXEL, effort.MEGAPIXEL // 12
_ROUNDS = 3
_MARGIN = 0.2
_TOLERANCE = 0.5
"""What the last round may miss the target by, of a large picture."""

_DITHER_GAIN = 8.0
"""A photograph whose mosaic misses the target by more in its own 256 colours is not helped by dithering them."""

_WHOLE_S_PER_PIXEL = 0.15 / effort.MEGAPIXEL
"""To paint, to score and to pack the whole."""

_SLOWER = ((palette_file.BEST, 20), (palette_file.WELL, 14), (palette_file.QUICKLY, 10))
"""Levels of packing, and how many times as long as the least one they take, with some to spare."""

_PRICE_PARTS = (1.0, 0.6, 0.25)
"""What is left of the price found on a mosaic where the whole loses more by it."""


def fits(picture: Picture) -> bool:
    """Tell whether a palette holds every colour of ``picture``."""
    return picture.image.getcolors(MOST_COLOURS) is not None


def is_reducible(picture: Picture) -> bool:
    """Tell whether ``picture`` is one to look for fewer colours of; what is tiny, or has few, is not."""
    return picture.pixels >= TINY_PIXELS and picture.image.getcolors(FEWEST_COLOURS) is None


def target_of(goal: Goal, pixels: int) -> float:
    """Return the score that a palette image of so many ``pixels`` has to keep for ``goal``."""
    target = interpolate(goal.level, _TARGETS) if goal.palette_target is None else goal.palette_target
    return max(target, _STRICT_TARGET) if pixels < SMALL_PIXELS and goal.level >= _STRICT_LEVEL else target


def encode(picture: Picture, target: float, how: Search = DEFAULT) -> Encoded | None:
    """Return ``picture`` in a palette, its profile left out, with a score of ``target`` at least; None where none can.

    Colours that are wholly transparent have to be black already. A large picture is tried on a mosaic of it.
    """
    pixels = np.asarray(picture.image.convert("RGBA"))
    if picture.pixels > WHOLE_PIXELS:
        return _by_mosaic(pixels, target, how)
    canvas, how = Canvas(pixels), _with_care(how, picture.pixels)
    found = search(canvas, target, how)
    return None if found is None else _packed(found, how.level, canvas.trials)


def _with_care(how: Search, pixels: int) -> Search:
    """Return ``how`` with more tries of a price for a picture so small that they cost little."""
    return replace(how, tries=how.tries + (pixels <= _CARE_PIXELS) + (pixels <= _MUCH_CARE_PIXELS))


def _packed(made: Painted, level: int, trials: int) -> Encoded:
    return Encoded(palette_file.packed(made.palette, made.indices, level), made.score, trials)


def _by_mosaic(pixels: Bytes, target: float, how: Search) -> Encoded | None:
    """Return what a search on the mosaic leads to; where the whole misses the target, it is aimed higher."""
    part = mosaic.cut(pixels)
    picture_s = pixels.shape[0] * pixels.shape[1] * _WHOLE_S_PER_PIXEL
    if _is_hopeless(part, target) or not effort.has(picture_s):
        return None
    colours = Colours(pixels)
    canvas = Canvas(part, colours)
    score = _judge(pixels, canvas)
    aim, best = target, None
    for _ in range(_ROUNDS):
        found = search(canvas, aim, how)
        if found is None:
            break
        choice_s = _times(colours, found) * canvas.choice_s + picture_s
        best = _in_whole(colours, found, target, score, choice_s)
        if best.score >= target or not effort.has(choice_s):
            break
        aim += 2 * (target - best.score) + _MARGIN
    if best is None or found is None or best.score < target - _TOLERANCE:
        return None
    return _packed(best, _level(found, _times(colours, found), how), canvas.trials)


def _times(colours: Colours, part: Painted) -> float:
    """Return how many times as large as ``part`` the whole is."""
    return len(colours.numbers) / part.indices.size


def _level(part: Painted, times: float, how: Search) -> int:
    """Return how hard the whole can be packed in the time that is left, if it is so many ``times`` as large."""
    started_s = time.monotonic()
    palette_file.packed(part.palette, part.indices, palette_file.LEAST)
    least_s = times * (time.monotonic() - started_s)
    possible = (level for level, slower in _SLOWER if level <= how.level and effort.has(slower * least_s))
    return next(possible, palette_file.LEAST)


def _is_hopeless(part: Bytes, target: float) -> bool:
    """Tell whether ``part`` of a picture has so many colours that no palette will do, before the whole is looked at."""
    canvas = Canvas(part)
    return canvas.count > MOST_MERGED and canvas.paint(MANY, MOST_COLOURS).score < target - _DITHER_GAIN


def _judge(pixels: Bytes, canvas: Canvas) -> Callable[[Bytes, Bytes], float]:
    """Return what scores a palette and indices: by the whole picture, or by the mosaic where that is too large."""
    height, width = pixels.shape[:2]
    if height * width > mosaic.SCORED_PIXELS:
        return lambda palette, indices: canvas.score(palette, mosaic.cut(indices))
    channels = canvas.channels
    reference = Reference(pixels[:, :, :channels])
    return lambda palette, indices: reference.score(palette_native.painted(indices, palette, channels))


def _in_whole(
    colours: Colours, found: Painted, target: float, score: Callable[[Bytes, Bytes], float], choice_s: float
) -> Painted:
    """Return the whole picture in the way that was ``found`` for its mosaic, its indices at the price it bears.

    ``choice_s``: what has to be left for choosing indices once.
    """
    palette, indices = painted(colours, found.recipe, found.palette, found.strength)
    start = replace(found, palette=palette, indices=indices)
    if found.price and effort.has(choice_s):
        repeats = Repeats(colours, start)
        for part in _PRICE_PARTS:
            chosen = repeats.at(found.price * part)
            reached = score(palette, chosen)
            if reached >= target:
                return replace(start, indices=chosen, score=reached)
            if not effort.has(choice_s):
                break
    return replace(start, score=score(palette, indices))
