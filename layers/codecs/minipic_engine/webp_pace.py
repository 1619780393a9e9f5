"""How much longer one way to encode WebP takes than another, which depends on the picture: tried on a corner of it."""

import time

from . import libwebp
from .ssimulacra2 import Pixels

_SIDE = 512


def times_of(slow: libwebp.Settings, quick: libwebp.Settings, pixels: Pixels) -> float:
    """Return how many times as long as ``quick`` a large picture takes by ``slow``, by a corner of ``pixels``."""
    planes = libwebp.Planes(pixels[:_SIDE, :_SIDE], is_sharp=False)
    spent_s = []
    for settings in (quick, slow):
        started_s = time.monotonic()
        planes.encoded(settings)
        spent_s.append(time.monotonic() - started_s)
    return spent_s[1] / spent_s[0]
