"""Truecolour with fewer values in each channel: for pictures of so many colours that no palette keeps the score.

A picture whose every value is on one of these scales is taken for one that has been through here; see ``is_done``.
"""

from dataclasses import replace

import numpy as np

from .original import Original
from .palette_build import MOST_COLOURS
from .palette_native import Bytes
from .picture import Picture

_SCALES = (15, 21, 31, 42, 63, 85, 127)
"""Into how many steps the range from 0 to 255 is divided, both of which are kept."""


def posterised(picture: Picture, target: float) -> tuple[Picture, float, int] | None:
    """Return ``picture`` on the coarsest scale that keeps a score of ``target``, the score, and how many were tried.

    None where none does. Opacity is left alone; of a large picture a mosaic is scored.
    """
    original = Original(picture)
    low, high, found, trials = 0, len(_SCALES), None, 0
    while low < high:
        middle = (low + high) // 2
        trials += 1
        score = original.score_of_sample(_on_scale(original.sample, _SCALES[middle]).image)
        if score >= target:
            high, found = middle, score
        else:
            low = middle + 1
    return None if found is None else (_on_scale(picture, _SCALES[high]), found, trials)


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
