"""Indices that repeat themselves, so that deflate finds more: the room that a score leaves is spent on them."""

import time
from collections.abc import Callable
from dataclasses import replace
from math import pow

import numpy as np

from . import palette_native
from .palette_build import Colours
from .palette_canvas import Canvas, Painted
from .palette_native import Bytes, Scene

DEPTH = 4
"""How many earlier places are looked at for a match."""

FADE = 0.35
"""How fast an error of an index vanishes in what is busy."""

_FIRST_PRICE = 4e-6
_PRICE_POWER = 0.8
"""The price of a bit at which a point of score is lost grows with this power of the points."""

_AIM, _SURE_AIM = 0.98, 0.93
"""The share of the room for loss that is aimed at."""

_MORE_TRIES = 2
_FACTORS = (0.1, 8.0)


class Repeats:
    """A picture whose indices are to repeat themselves more than they do in ``start``."""

    def __init__(self, colours: Colours, start: Painted) -> None:
        space = start.recipe.space
        shown = palette_native.places(start.palette, colours.lanes, space)
        self._scene = Scene(colours.numbers, colours.places(space), shown, colours.visibility(FADE))
        self._preferred = np.pad(start.indices, ((0, 0), (1, 0)))
        self._learnt = palette_native.learn(self._preferred, DEPTH)

    def at(self, price: float) -> Bytes:
        """Return the indices chosen where a bit is worth ``price``."""
        return palette_native.choose(self._preferred, self._scene, self._learnt, price, DEPTH)[:, 1:].copy()


def with_repeats(
    canvas: Canvas, start: Painted, target: float, tries: int, chosen_at: Callable[[float], Bytes]
) -> Painted:
    """Return ``start`` at the highest price that keeps ``target`` of so many tries, or as it is.

    Where none of them keeps it a few more are made, as a price is worth far more than they cost. ``chosen_at`` returns
    the indices at a price.
    """
    best, failed = start, None
    price = _FIRST_PRICE * pow(max(1e-3, start.score - target), _PRICE_POWER)
    for left in range(tries - 1, -1 - _MORE_TRIES, -1):
        if left < 0 and best is not start:
            break
        started_s = time.monotonic()
        indices = chosen_at(price)
        canvas.choice_s = time.monotonic() - started_s
        tried = replace(start, indices=indices, score=canvas.score(start.palette, indices), price=price)
        if tried.score >= target:
            best = tried
        else:
            failed = tried
        if not canvas.has_time:
            break
        # The last one has to succeed, so it aims a little higher.
        wanted = start.score - (start.score - target) * (_SURE_AIM if left == 1 else _AIM)
        price = _next_price(best, failed, start.score, wanted)
    return best


def _next_price(kept: Painted, failed: Painted | None, start: float, wanted: float) -> float:
    """Return the price at which a score of ``wanted`` is likely: between what kept the target and what failed."""
    if failed is not None and kept.price:
        share = (kept.score - wanted) / max(1e-3, kept.score - failed.score)
        return kept.price * pow(failed.price / kept.price, max(0.1, min(0.9, share)))
    known = failed or kept
    factor = pow((start - wanted) / max(1e-3, start - known.score), _PRICE_POWER)
    return known.price * (min(_FACTORS[1], max(1.1, factor)) if failed is None else max(_FACTORS[0], min(0.8, factor)))
