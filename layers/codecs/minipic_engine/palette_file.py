"""A palette and an index for each pixel as a PNG: the order of the palette, the bits of an index, the deflating."""

import zlib

import numpy as np
import oxipng

from . import png_chunks
from .palette_native import Bytes

LEAST, QUICKLY, WELL, BEST = 0, 1, 2, 4
"""Levels of oxipng: the last three are libdeflate's levels 10, 11 and 12."""

PLAIN, FILTERED = oxipng.FilterStrategy.none, oxipng.FilterStrategy.bigrams
"""Rows as they are, and each by the filter that leaves the fewest different pairs of bytes."""

_PROMISING = 0.99
_FEW_TO_FILTER = 16
"""Differences of so few indices are no fewer."""

_GLANCE_EFFORT = 6
_GLANCE_PIXELS, _LEAST_ROWS = 150_000, 16
"""How much of a picture is packed to see whether filters help."""

_LUMA = np.array([299, 587, 114])
_OPAQUE = 255
_FEW = 4
"""Up to so many colours nothing is gained by a byte for each index."""


def ordered(palette: Bytes, background: int) -> tuple[Bytes, Bytes]:
    """Return ``palette`` in the order that packs best, and the new index of each old one.

    ``background`` comes first, as 0 is the filter's byte, too; then what is translucent, so that the list of opacities
    is short; each kind by its luma.
    """
    keys = (palette[:, :3] @ _LUMA, palette[:, 3] == _OPAQUE, np.arange(len(palette)) != background)
    order = np.lexsort(keys)
    rank = np.empty(len(palette), np.uint8)
    rank[order] = np.arange(len(palette), dtype=np.uint8)
    return palette[order], rank


def background_of(indices: Bytes) -> int:
    """Return the index that is the most frequent in the first and the last column."""
    return int(np.bincount(np.concatenate([indices[:, 0], indices[:, -1]])).argmax())


def without_unused(palette: Bytes, indices: Bytes) -> tuple[Bytes, Bytes]:
    """Return the palette without colours that no pixel has, and the indices into that."""
    used = np.bincount(indices.ravel(), minlength=len(palette)) > 0
    if used.all():
        return palette, indices
    return palette[used], (np.cumsum(used) - 1).astype(np.uint8)[indices]


def packed(palette: Bytes, indices: Bytes, level: int) -> bytes:
    """Return a PNG without a profile."""
    palette, indices = without_unused(palette, indices)
    rivals = [at_depth(palette, indices, _best_depth(palette, indices), level)]
    if may_be_filtered(palette, indices):
        rivals.append(at_depth(palette, indices, 8, level, FILTERED))
    return min(rivals, key=len)


def _best_depth(palette: Bytes, indices: Bytes) -> int:
    """Return the bits of an index that pack best: as few as there can be, or a whole byte."""
    least = bits_for(len(palette))
    if least == 8 or len(palette) <= _FEW:
        return least
    return min((8, least), key=lambda bits: len(at_depth(palette, indices, bits, QUICKLY)))


def may_be_filtered(palette: Bytes, indices: Bytes) -> bool:
    """Tell whether differences of indices pack better than these: of smooth pictures, as the palette is in order.

    Of graphics they pack worse. Told by a part of the picture, packed with little care.
    """
    if len(palette) <= _FEW_TO_FILTER:
        return False
    rows = max(_LEAST_ROWS, _GLANCE_PIXELS // indices.shape[1])
    top = max(0, (len(indices) - rows) // 2)
    band = indices[top : top + rows]
    plain, left, above = (
        len(zlib.compress(rows.tobytes(), _GLANCE_EFFORT))
        for rows in (band, np.diff(band, axis=1, prepend=np.uint8(0)), np.diff(band, axis=0, prepend=np.uint8(0)))
    )
    return min(left, above) < _PROMISING * plain


def at_depth(
    palette: Bytes, indices: Bytes, bits: int, level: int, filters: oxipng.FilterStrategy = PLAIN
) -> bytes:  # fmt: skip
    """Return a PNG whose indices take so many ``bits``, all colours of the palette kept."""
    height, width = indices.shape
    data = _joined(indices, bits).tobytes()
    colours = [tuple(colour) for colour in (palette if palette[:, 3].min() < _OPAQUE else palette[:, :3]).tolist()]
    image = oxipng.RawImage(width, height, oxipng.ColorType.indexed, bits, data, palette=colours)
    return image.create_optimized_png(
        level=level, filter=filters, interlace=oxipng.Interlacing.off, bit_depth_reduction=False,
        color_type_reduction=False, palette_reduction=False, grayscale_reduction=False,
    )  # fmt: skip


def bits_for(size: int) -> int:
    """Return how many bits an index into ``size`` colours takes."""
    return next(bits for bits in (1, 2, 4, 8) if size <= 1 << bits)


def _joined(indices: Bytes, bits: int) -> Bytes:
    """Return rows of bytes, each of which holds as many indices as go into it."""
    if bits == 8:
        return indices
    per_byte = 8 // bits
    padded = np.pad(indices, ((0, 0), (0, -indices.shape[1] % per_byte)))
    shifts = np.arange(per_byte - 1, -1, -1, dtype=np.uint8) * np.uint8(bits)
    joined: Bytes = np.bitwise_or.reduce(padded.reshape(len(indices), -1, per_byte) << shifts, axis=2)
    return joined


def is_ordered(palette: Bytes) -> bool:
    """Tell whether ``palette`` is in the order of ``ordered``, whatever its first colour, and holds no colour twice."""
    rest = palette[1:]
    keys = (rest[:, :3] @ _LUMA, rest[:, 3] == _OPAQUE)
    is_unique = len(np.unique(palette.view(np.uint32))) == len(palette)
    return is_unique and bool((np.lexsort(keys) == np.arange(len(rest))).all())


def read(data: bytes) -> Bytes:
    """Return the palette in the file ``data``, as rows of RGBA; none where it has none. Raises DecodeError."""
    found = {chunk.name: chunk.payload for chunk in png_chunks.chunks(data) if chunk.name in (b"PLTE", b"tRNS")}
    colours = np.frombuffer(found.get(b"PLTE", b""), np.uint8)
    palette = np.full((min(colours.size // 3, 256), 4), _OPAQUE, np.uint8)
    palette[:, :3] = colours[: 3 * len(palette)].reshape(-1, 3)
    opacity = np.frombuffer(found.get(b"tRNS", b""), np.uint8)[: len(palette)]
    palette[: len(opacity), 3] = opacity
    return palette
