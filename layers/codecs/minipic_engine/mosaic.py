"""A quarter or less of a large picture, as a smaller one: what is tried on it tells how the whole will fare.

Every second tile of every second row of tiles (or fewer of an enormous picture) is put side by side. Tiles begin at
multiples of every block size there is, so that encoders treat them as they would in the whole. On most photographs a
score of the mosaic is within a point of the whole's; small or uneven pictures (sheets of many) can be far from it,
which is why results are scored as a whole.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .effort import MEGAPIXEL

WHOLE_PIXELS = 4 * MEGAPIXEL
"""Up to this a picture is its own mosaic."""

_TILE = 256
_MOST_PIXELS = 8 * MEGAPIXEL

SCORED_PIXELS = 25 * MEGAPIXEL
"""Above this a result is scored in parts: the whole would take gigabytes."""


def is_needed(pixels: int) -> bool:
    """Tell whether a picture is so large that a mosaic of it pays."""
    return pixels > WHOLE_PIXELS


def cut(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mosaic of ``pixels`` (rows, columns, perhaps channels), which may be these themselves."""
    height, width = pixels.shape[:2]
    if not is_needed(height * width):
        return pixels
    step = max(2, math.ceil(math.sqrt(height * width / _MOST_PIXELS)))
    both = min(height, width) >= step * _TILE
    rows = _chosen(height, step if both else 1 if height < width else step * step)
    columns = _chosen(width, step if both else 1 if width <= height else step * step)
    return np.ascontiguousarray(pixels[np.ix_(rows, columns)])


def _chosen(length: int, step: int) -> NDArray[np.intp]:
    """Return the numbers of the rows or columns that every ``step``-th tile has, the narrow last one among them."""
    places = np.arange(length)
    return places[(places // _TILE) % step == step // 2] if step > 1 else places
