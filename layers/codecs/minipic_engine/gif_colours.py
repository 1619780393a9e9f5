"""The colours of an animation: how far apart they look, and which of them are enough.

A pixel is one number here: red, green, blue and alpha in this order of bytes, and 0 wherever nothing is seen.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .gif_lzw import SYMBOLS, Bytes, Words

Floats = NDArray[np.float32]

FORBIDDEN = 255
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_CHROMA = 0.6
_SCALE = 2.0
"""Costs are twice the difference of two colours, so that small ones are told apart."""

_MOST = SYMBOLS - 1
_WIDER = 1.4
_NARROWEST = 2.0


def seen(image: Image.Image) -> Words:
    """Return the pixels of an RGBA image."""
    words: Words = np.ascontiguousarray(np.asarray(image)).view(np.uint32)[..., 0].copy()
    words[words >> 24 == 0] = 0
    return words


def channels(colours: Words) -> Bytes:
    """Return red, green, blue and alpha, a row a colour."""
    return colours.view(np.uint8).reshape(-1, 4)


def places(colours: Words) -> Floats:
    """Return where colours stand: lightness, and how far blue and red are from it, less in weight."""
    rgba = channels(colours).astype(np.float32)
    luma = rgba[:, :3] @ _LUMA
    return np.stack([luma, (rgba[:, 2] - luma) * _CHROMA, (rgba[:, 0] - luma) * _CHROMA], axis=1)


def costs(left: Floats, right: Floats) -> Bytes:
    """Return what it costs to show the one for the other, whatever shape the two make: at most 254."""
    far = np.sqrt(((left - right) ** 2).sum(axis=-1)) * _SCALE
    rounded: Bytes = np.minimum(np.rint(far), FORBIDDEN - 1).astype(np.uint8)
    return rounded


def leaders(standing: Floats, softness: Floats, tolerance: float) -> NDArray[np.intp]:
    """Return which of some colours, the most important first, are enough for all: no more than a palette can hold.

    A colour is not needed where a more important one is as near as ``tolerance`` times its ``softness`` (0 to 1: how
    much goes on around its pixels). Where too many are needed, more is tolerated.
    """
    while True:
        found = _leaders(standing, softness * tolerance / _SCALE)
        if found is not None:
            return found
        tolerance = max(_NARROWEST, tolerance * _WIDER)


def _leaders(standing: Floats, reach: Floats) -> NDArray[np.intp] | None:
    chosen: list[int] = []
    at = np.empty((_MOST, 3), np.float32)
    for number, place in enumerate(standing):
        count = len(chosen)
        if count and ((at[:count] - place) ** 2).sum(axis=1).min() <= reach[number] ** 2:
            continue
        if count == _MOST:
            return None
        at[count] = place
        chosen.append(number)
    return np.array(chosen, np.intp)
