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
_SCALE = 4.0
"""Costs are four times the difference of two colours, so that small ones are told apart."""

MOST = SYMBOLS - 1
"""The colours of a palette, beside the transparent one."""


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


def leaders(standing: Floats, reach: Floats) -> NDArray[np.intp] | None:
    """Return which of some colours, the most important first, are enough for all; None for more than a palette holds.

    A colour is not needed where a more important one that is costs no more than its ``reach``.
    """
    chosen: list[int] = []
    at = np.empty((MOST, 3), np.float32)
    for number, (place, farthest) in enumerate(zip(standing, (reach / _SCALE) ** 2, strict=True)):
        count = len(chosen)
        if count and ((at[:count] - place) ** 2).sum(axis=1).min() <= farthest:
            continue
        if count == MOST:
            return None
        at[count] = place
        chosen.append(number)
    return np.array(chosen, np.intp)
