"""Truecolour with fewer values in each channel: for pictures of so many colours that no palette keeps the score.

A picture whose every value is on one of these scales is taken for one that has been through here; see ``is_done``.
"""

from dataclasses import replace

import numpy as np

from . import effort
from .original import Original
from .palette_build import MOST_COLOURS
from .palette_native import Bytes
from .picture import Picture

_SCORE_S_PER_PIXEL, _PACK_S_PER_PIXEL = 0.1 / effort.MEGAPIXEL, 0.16 / effort.MEGAPIXEL
_SCALES = (15, 21, 31, 42, 63, 85, 127)
"""Into how many steps the range from 0 to 255 is divided, both of which are kept."""


def posterised(picture: Picture, target: float) -> tuple[Picture, float | None, int] | None:
    """Return ``picture`` on the coarsest scale that keeps a score of ``target``, the score, and how many were tried.

    None where none does. Opacity is left alone. A large picture is tried on a mosaic of it, then scored as a whole;
    where there is no time for that, it gets one scale finer than its mosaic asks for, and no score.
    """
    original = Original(picture)
    low, high, reached, trials = 0, len(_SCALES), None, 0
    while low < high:
        middle = (low + high) // 2
        trials += 1
        score = original.score_of_sample(_on_scale(original.sample, _SCALES[middle]).image)
        if score >= target:
            high, reached = middle, score
        else:
            low = middle + 1
    if not original.is_sampled:
        return None if reached is None else (_on_scale(picture, _SCALES[high]), reached, trials)
    for number in range(high, len(_SCALES)):
        if not _can_be_scored(original):
            finer = min(number + 1, len(_SCALES) - 1) if number == high else number
            return _on_scale(picture, _SCALES[finer]), None, trials
        made = _on_scale(picture, _SCALES[number])
        trials += 1
        score = original.score(made.image)
        if score >= target:
            return made, score, trials
    return None


def _can_be_scored(original: Original) -> bool:
    """Tell whether there is time to score the whole, and to pack it then; with opacity it is scored twice."""
    grounds = 2 if original.picture.has_alpha else 1
    return effort.has(original.picture.pixels * (grounds * _SCORE_S_PER_PIXEL + _PACK_S_PER_PIXEL))


def is_done(picture: Picture) -> bool:
    """Tell whether ``picture`` has more colours than a palette, every one of them on one of the scales."""
    if picture.image.getcolors(MOST_COLOURS) is not None:
        return False
    histogram = picture.image.convert("RGB").histogram()
    used = {value % 256 for value, count in enumerate(histogram) if count}
    return any(used <= set(_values(steps).tolist()) for steps in _SCALES)


def _values(steps: int) -> Bytes:
    """Return for each value from 0 to 255 the nearest one on a scale."""
    return np.rint(np.rint(np.arange(256) * steps / 255) * 255 / steps).astype(np.uint8)


def _on_scale(picture: Picture, steps: int) -> Picture:
    table = _values(steps).tolist()
    same = list(range(256)) if picture.has_alpha else []
    channels = len(picture.image.getbands()) - picture.has_alpha
    return replace(picture, image=picture.image.point(table * channels + same))
