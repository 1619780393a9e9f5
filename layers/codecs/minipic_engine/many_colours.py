"""Truecolour in fewer colours than the picture has, but more than a palette holds.

Graphics of some thousand colours often need a few hundred. They are merged pair by pair, as those of palettes are, and
each pixel keeps its three or four bytes, which then repeat themselves far more.
"""

from math import inf

import numpy as np

from .palette_build import MANY, MOST_COLOURS, Colours, Merging
from .palette_search import Tried, next_size
from .picture import Picture, as_mode
from .ssimulacra2 import Reference

_MOST = 30_000
"""A picture of more colours is a photograph, which fewer values a channel suit better."""

_MOST_PIXELS = 4_000_000
_TRIES = 6
_FEWER = 0.9
"""The share of the colours above which nothing is won."""

_NEAR = 1.06


def reduced(picture: Picture, target: float) -> tuple[Picture, float, int] | None:
    """Return ``picture`` in the fewest colours that keep a score of ``target``, the score, and how many were tried.

    None where that is no task for this: too large, too many colours, or so few that a palette holds them all, and where
    it takes nearly all.
    """
    if picture.pixels > _MOST_PIXELS:
        return None
    pixels = np.asarray(picture.image.convert("RGBA"))
    colours = Colours(pixels)
    if not MOST_COLOURS < len(colours.rgba) * _FEWER < _MOST * _FEWER:
        return None
    merging = Merging(colours, MANY)
    most = int(merging.most * _FEWER)
    reference = Reference(np.asarray(picture.image))
    low, high, found = Tried(MOST_COLOURS, -inf), Tried(most + 1, inf), None
    size, trials = min(4 * MOST_COLOURS, most), 0
    while trials < _TRIES and high.size > low.size * _NEAR:
        made = merging.of_size(size)[colours.numbers].reshape(pixels.shape)
        shown = as_mode(made, picture)
        score = reference.score(np.asarray(shown.image))
        trials += 1
        if score >= target:
            high, found = Tried(size, score), (shown, score)
        else:
            low = Tried(size, score)
        if high.size <= low.size + 1:
            break
        size = next_size(low, high, target, most)
    return None if found is None else (*found, trials)
