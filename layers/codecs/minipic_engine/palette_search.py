"""The search for the palette image of a picture that takes the fewest bytes and keeps a score.

The smallest palette that reaches the score is found first. Then somewhat larger ones are taken, and the room that they
leave is spent on indices chosen so that deflate finds more repeats (``lossy_lz.c``), by as much as the score allows.
"""

from dataclasses import dataclass
from math import inf, log, pow

from . import palette_file
from .palette_build import FEW, MANY, MOST_MERGED, PLAIN, SMOOTH, Recipe
from .palette_canvas import Canvas, Painted
from .palette_lz import Repeats, with_repeats

_FIRST_SIZE = 112
_LEAST_SIZE = 2
_SIZE_STEP, _SIZE_GAP = 1.05, 2
"""Palettes whose sizes are this near are not told apart."""

_SMALL_PALETTE = 64
"""In so few colours the recipes differ most."""

_LOSS_POWER = 0.6
"""The loss of score falls with about this power of the palette's size."""

_SIZE_TRIES = 6
_DITHERS = ((0.4, 1.7), (0.8, 2.7))
"""Strengths, and the points of score that they gain at most."""

_COMPARED_SIZE = 160


@dataclass(frozen=True, slots=True)
class Search:
    """How hard to look.

    ``few``, ``many``: the sizes of palettes to choose indices for, as shares of the smallest that will do, where there
    are few colours and where there are many; ``rivals``: how many more recipes to compare where there are few;
    ``tries``: of a price for each; ``level``: how hard the result is packed.
    """

    few: tuple[float, ...]
    many: tuple[float, ...]
    rivals: int
    tries: int
    level: int


DEFAULT = Search(few=(1.05,), many=(1.5,), rivals=0, tries=2, level=palette_file.WELL)
BEST = Search(few=(1.0, 1.12), many=(1.3, 1.8), rivals=1, tries=2, level=palette_file.BEST)


@dataclass(frozen=True, slots=True)
class Tried:
    """The score of a number of colours."""

    size: int
    score: float


def search(canvas: Canvas, target: float, how: Search) -> Painted | None:
    """Return the palette image of the fewest bytes with a score of ``target`` at least; None where none is found.

    When the time is short it is the best so far.
    """
    smallest = fewest_colours(canvas, target, how)
    if smallest is None:
        return _dithered(canvas, target) if canvas.count > canvas.most_colours and canvas.has_time else None
    found = [smallest]
    for size in sizes_from(canvas, smallest, how):
        if not canvas.has_time:
            break
        start = smallest
        if size > len(smallest.palette):
            start = canvas.paint(smallest.recipe, size)
        if start.score > target:
            made = with_repeats(canvas, start, target, how.tries, Repeats(canvas.colours, start).at)
            found += [made] if made.price else []
    return min(found[len(found) > 1 :], key=_size_bytes) if len(found) > 2 else found[-1]


def sizes_from(canvas: Canvas, smallest: Painted, how: Search) -> list[int]:
    """Return the sizes of the palettes to choose indices for, if ``smallest`` has the fewest colours that will do."""
    ratios = how.few if canvas.count <= MOST_MERGED else how.many
    return sorted({min(canvas.most_colours, round(len(smallest.palette) * ratio)) for ratio in ratios})


def _size_bytes(painted: Painted) -> int:
    """Return about how many bytes a result will take."""
    return len(palette_file.packed(painted.palette, painted.indices, palette_file.QUICKLY))


def fewest_colours(canvas: Canvas, target: float, how: Search) -> Painted | None:
    """Return the picture in the fewest colours that keep the score; None where the most don't."""
    if canvas.count > MOST_MERGED:
        tried = [canvas.paint(recipe, _COMPARED_SIZE) for recipe in (MANY, SMOOTH)]
        tried.sort(key=lambda painted: -painted.score)
        found = _fewest(canvas, tried[0].recipe, target, tried[0])
        return found if found or not canvas.has_time else _fewest(canvas, tried[1].recipe, target, tried[1])
    found = _fewest(canvas, FEW, target)
    if found is None:
        return _fewest(canvas, SMOOTH, target) if canvas.has_time else None
    for recipe in PLAIN[: max(how.rivals, int(len(found.palette) <= _SMALL_PALETTE))]:
        if not canvas.has_time:
            break
        rival = canvas.paint(recipe, len(found.palette))
        if rival.score > found.score:
            found = _fewest(canvas, recipe, target, rival) or found
    return found


def _fewest(canvas: Canvas, recipe: Recipe, target: float, tried: Painted | None = None) -> Painted | None:
    """Return the picture in the fewest colours by ``recipe`` that keep the score; ``tried`` is one in some of them."""
    most = min(canvas.most_colours, canvas.count - 1)
    low, high = Tried(_LEAST_SIZE - 1, -inf), Tried(most + 1, inf)
    found, size = None, min(_FIRST_SIZE, most)
    for _ in range(_SIZE_TRIES):
        if tried is None:
            tried = canvas.paint(recipe, size)
        else:
            size = len(tried.palette)
        if tried.score >= target:
            high, found = Tried(size, tried.score), tried
        else:
            low = Tried(size, tried.score)
        if high.size <= low.size + 1 or (found and high.size <= max(low.size * _SIZE_STEP, low.size + _SIZE_GAP)):
            break
        if not canvas.has_time:
            break
        size, tried = next_size(low, high, target, most), None
    return found


def next_size(low: Tried, high: Tried, target: float, most: int) -> int:
    """Return a size between one that failed and one that did, where the target is likely to be met.

    The logarithm of the loss of score is taken to be linear in that of the size.
    """
    known = low if high.score == inf else high
    power = _LOSS_POWER
    if low.score > -inf and high.score < inf and high.score > low.score:
        power = log(_loss(low.score) / _loss(high.score)) / log(high.size / low.size)
    wanted = known.size * pow(_loss(known.score) / _loss(target), 1 / max(power, 0.2))
    if high.score == inf and wanted >= 0.85 * most:
        return most
    margin = (high.size - low.size) * 0.15
    inside = max(low.size + margin, min(high.size - margin, wanted))
    return max(low.size + 1, min(high.size - 1, round(inside)))


def _loss(score: float) -> float:
    return max(0.05, 100.0 - score)


def _dithered(canvas: Canvas, target: float) -> Painted | None:
    """Return the picture in the most colours with as little dithering as reaches the score; None where it is far."""
    best = max((canvas.paint(recipe, canvas.most_colours) for recipe in canvas.recipes), key=lambda made: made.score)
    for strength, gain in _DITHERS:
        if best.score >= target - gain:
            tried = canvas.paint(best.recipe, canvas.most_colours, strength)
            if tried.score >= target:
                return tried
        if not canvas.has_time:
            break
    return None
