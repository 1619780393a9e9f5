"""What WebP does to colours: halves their resolution, with care or quickly, or takes fewer of them without loss."""

import numpy as np
import pyvips  # type: ignore[import-untyped]
from PIL import Image

from .level import interpolate
from .picture import Picture, from_vips, to_vips
from .ssimulacra2 import Pixels

_SHARP_ABOVE = ((65, 3.0), (75, 1.8), (80, 1.3), (86, 0.0))
"""From what loss of colour on, by target, libwebp's careful way to halve it costs less than it gains."""

_SAMPLED_ROWS = 4
"""One of so many rows is looked at, or pair of rows."""

_QUANTISER_EFFORT = 4


def is_sharp(image: Image.Image, target: float) -> bool:
    """Tell whether colours are better halved with care: the finer they are, and the higher the target, the sooner."""
    if image.mode in ("L", "LA"):
        return False
    least = interpolate(target, _SHARP_ABOVE)
    return least == 0 or _colour_loss(image) > least


def _colour_loss(image: Image.Image) -> float:
    """Return by how much, of 255 and on average, both colour differences change when their resolution is halved."""
    pixels = np.asarray(image.convert("RGB"))
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    if not height or not width:
        return 0.0
    pairs = pixels[:height, :width].reshape(height // 2, 2, width, 3)[::_SAMPLED_ROWS]
    values = np.asarray(Image.fromarray(pairs.reshape(-1, width, 3)).convert("YCbCr"))[..., 1:].astype(np.int16)
    blocks = values.reshape(-1, 2, width // 2, 2, 2)
    return float(2 * np.abs(4 * blocks - blocks.sum(axis=(1, 3), keepdims=True, dtype=np.int16)).mean() / 4)


def repeated_share(pixels: Pixels) -> float:
    """Return how many of the pixels, of 1, are the same as their left neighbour: few in photographs."""
    rows = pixels[::_SAMPLED_ROWS].reshape(-(-len(pixels) // _SAMPLED_ROWS), pixels.shape[1], -1)
    return float((rows[:, 1:] == rows[:, :-1]).all(axis=-1).mean()) if pixels.shape[1] > 1 else 1.0


def in_fewer_colours(picture: Picture, quality: int) -> Picture:
    """Return ``picture`` in at most 256 colours, of which libimagequant takes as few as ``quality`` (1 to 100) allows.

    Flat areas stay flat: nothing is dithered.
    """
    made = to_vips(picture).pngsave_buffer(
        palette=True, bitdepth=8, Q=quality, dither=0, effort=_QUANTISER_EFFORT, compression=0, keep="none"
    )
    return from_vips(pyvips.Image.pngload_buffer(made), picture.icc)
