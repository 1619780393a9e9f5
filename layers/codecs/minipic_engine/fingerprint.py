"""PDQ: a hash of what a picture looks like, 256 bits that change little when it is scaled or compressed again.

Written from its authors' description (Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing
Algorithm", 2019): luma, two passes of a box filter each way, 64 by 64 samples, the 16 by 16 lowest frequencies of their
cosine transform but the constant one, each compared with the median of all.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SAMPLES = 64
_FREQUENCIES = 16
_PASSES = 2
_MAX_SIDE_PIXELS = 512  # larger pictures are scaled down first, as its authors do
_LEAST_DETAIL = 50  # below that its authors discard a hash: all plain pictures look alike

Plane = NDArray[np.float64]


def fingerprint(image: Image.Image) -> str:
    """Return the PDQ hash of a picture as 64 hexadecimal digits, or "" for one too plain to have a look of its own.

    Transparency counts as black.
    """
    flat = image.convert("RGBA")
    canvas = Image.new("RGB", flat.size)
    canvas.paste(flat, mask=flat.getchannel("A"))
    canvas.thumbnail((_MAX_SIDE_PIXELS, _MAX_SIDE_PIXELS), Image.Resampling.BILINEAR, reducing_gap=2.0)
    red, green, blue = np.moveaxis(np.asarray(canvas, dtype=np.float64), -1, 0)
    luma: Plane = 0.299 * red + 0.587 * green + 0.114 * blue
    for axis in (1, 0):
        window = -(-luma.shape[axis] // (2 * _SAMPLES))
        for _ in range(_PASSES):
            luma = _box_filtered(luma, window, axis)
    samples = _decimated(luma)
    if _detail(samples) < _LEAST_DETAIL:
        return ""
    frequencies = _cosine_transform(samples).ravel()
    bits = frequencies > np.median(frequencies)
    value = sum(1 << index for index, is_set in enumerate(bits) if is_set)
    return f"{value:064x}"


def _box_filtered(plane: Plane, window: int, axis: int) -> Plane:
    """Return the mean over ``window`` pixels around each; near an edge over those that there are."""
    length = plane.shape[axis]
    sums = np.concatenate([np.zeros_like(plane.take([0], axis)), plane.cumsum(axis)], axis)
    half = (window + 2) // 2
    last = np.minimum(np.arange(length) + half, length)
    first = np.maximum(np.arange(length) + half - window, 0)
    counts = np.expand_dims((last - first).astype(np.float64), 1 - axis)
    means: Plane = (sums.take(last, axis) - sums.take(first, axis)) / counts
    return means


def _decimated(plane: Plane) -> Plane:
    height, width = plane.shape
    centres = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    return plane[np.ix_((centres * height).astype(int), (centres * width).astype(int))]


def _detail(samples: Plane) -> float:
    """Return the hash's quality from 0: the sum of the steps between neighbours, in percent of the range, by 90."""
    steps = [np.abs(np.trunc(np.diff(samples, axis=axis) * 100 / 255)).sum() for axis in (0, 1)]
    return float(sum(steps)) / 90


def _cosine_transform(samples: Plane) -> Plane:
    frequency = np.arange(1, _FREQUENCIES + 1)[:, None]
    place = np.arange(_SAMPLES)[None, :]
    matrix = np.sqrt(2 / _SAMPLES) * np.cos(np.pi / 2 / _SAMPLES * frequency * (2 * place + 1))
    transformed: Plane = matrix @ samples @ matrix.T
    return transformed
