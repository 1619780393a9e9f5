"""A very large picture in 256 colours, in a tenth of the time that a careful choice takes.

The palette is made for a sample of the pixels, every pixel finds its colour in a table, and an even pattern of small
differences stands for careful dithering. Bands of rows are worked on side by side, so that memory stays low, too.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import effort, palette_file, png_chunks
from .picture import Picture, to_vips

_SAMPLE_PIXELS = effort.MEGAPIXEL // 2
_BAND_PIXELS = effort.MEGAPIXEL
_AT_ONCE = 2
_SAMPLE_EFFORT = 4
_DEFLATE = 6
_HALF, _SOLID = 128, 250
_BITS = {3: (6, 6, 6), 4: (5, 5, 5, 4)}
"""How finely the table tells the values of each channel apart, by the number of channels."""

_PATTERN = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.int16) // 2 - 4

Values = NDArray[np.uint8]
_T = TypeVar("_T")


def as_png(picture: Picture, quality: int) -> bytes:
    """Return ``picture`` as a PNG without a profile; raises ImageTooComplex when the time is over."""
    pixels: Values = np.asarray(_with_colours(picture))
    height, width, channels = pixels.shape
    palette = palette_file.ordered(_palette_of(pixels, quality), background=0)[0]
    table = _table(palette[:, :channels])
    body, total = [b"\x78\x9c"], 1
    for raw, packed in _each_band(pixels, lambda band: _packed(_found(band, table))):
        total = zlib.adler32(raw, total)
        body.append(packed)
    body.append(b"\x03\0" + struct.pack(">I", total))
    return _file((width, height), palette, b"".join(body))


def painted(picture: Picture, quality: int) -> Image.Image:
    """Return ``picture`` in mode P, where a colour is transparent or it is not; raises as ``as_png`` does."""
    pixels: Values = np.asarray(_with_colours(picture))
    if pixels.shape[2] == 4:
        pixels = np.where(pixels[..., 3:] < _HALF, np.uint8(0), pixels | np.array([0, 0, 0, 255], np.uint8))
    palette = _palette_of(pixels, quality)
    table = _table(palette[:, : pixels.shape[2]])
    clear = np.flatnonzero(palette[:, 3] < _HALF)
    table = np.where(np.isin(table, clear), clear[:1].astype(np.uint8), table) if clear.size else table
    made = Image.fromarray(np.concatenate(list(_each_band(pixels, lambda band: _found(band, table)))))
    made.putpalette(palette[:, :3].tobytes())
    if clear.size:
        made.info["transparency"] = int(clear[0])
    return made


def _each_band(pixels: Values, work: Callable[[Values], _T]) -> Iterator[_T]:
    """Yield what ``work`` makes of the rows, some of them at a time, in order."""
    rows = max(4, _BAND_PIXELS // pixels.shape[1] // 4 * 4)
    tops = range(0, len(pixels), rows)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        for first in range(0, len(tops), _AT_ONCE):
            yield from threads.map(work, [pixels[top : top + rows] for top in tops[first : first + _AT_ONCE]])
            effort.check()


def _with_colours(picture: Picture) -> Image.Image:
    if picture.image.mode in ("RGB", "RGBA"):
        return picture.image
    return picture.image.convert("RGBA" if picture.has_alpha else "RGB")


def _palette_of(pixels: Values, quality: int) -> Values:
    """Return the colours that suit ``pixels``, as rows of RGBA."""
    step = max(1, round((pixels.shape[0] * pixels.shape[1] / _SAMPLE_PIXELS) ** 0.5))
    made = to_vips(Picture(Image.fromarray(pixels[::step, ::step]))).pngsave_buffer(
        palette=True, Q=quality, dither=0, effort=_SAMPLE_EFFORT, compression=0, keep="none"
    )
    found = {chunk.name: chunk.payload for chunk in png_chunks.chunks(made)}
    colours = np.frombuffer(found[b"PLTE"], np.uint8).reshape(-1, 3)
    alpha = np.full((len(colours), 1), 255, np.uint8)
    opacity = np.frombuffer(found.get(b"tRNS", b""), np.uint8)
    alpha[: len(opacity), 0] = opacity
    alpha[alpha >= _SOLID] = 255  # a mean of opaque neighbours and a fading one must not let the ground through
    return np.concatenate([colours, alpha], axis=-1)


def _levels(bits: int) -> Values:
    """Return the values that so many bits tell apart, the first and the last among them exactly."""
    return np.rint(np.linspace(0, 255, 1 << bits)).astype(np.uint8)


def _table(colours: Values) -> Values:
    """Return the number of the nearest of ``colours`` for every cell of the space that they are in."""
    bits = _BITS[colours.shape[1]]
    cells = np.stack(np.meshgrid(*map(_levels, bits), indexing="ij"), axis=-1).reshape(-1, len(bits))
    wanted, there = _seen(cells), _seen(colours)
    nearest = np.empty(len(cells), np.uint8)
    lengths = (there**2).sum(axis=1)
    for first in range(0, len(cells), 1 << 14):
        part = slice(first, first + (1 << 14))
        nearest[part] = (lengths - 2 * wanted[part] @ there.T).argmin(axis=1)
    return nearest


def _seen(colours: Values) -> NDArray[np.float32]:
    """Return colours as they differ for the eye: what is transparent by its transparency alone."""
    values = colours.astype(np.float32)
    if values.shape[1] == 4:
        values[:, :3] *= values[:, 3:] / 255
        values[:, 3] *= 2
    return values


def _found(band: Values, table: Values) -> Values:
    """Return the number of each pixel's colour."""
    bits = _BITS[band.shape[2]]
    height, width = band.shape[:2]
    pattern = np.tile(_PATTERN, (-(-height // 4), -(-width // 4)))[:height, :width]
    cell = np.zeros((height, width), np.int32)
    for channel, depth in enumerate(bits):
        values = band[..., channel].astype(np.int16)
        if channel < 3:
            values += pattern
        np.clip(values, 0, 255, out=values)
        cell <<= depth
        cell |= (values * ((1 << depth) - 1) + 127) // 255 if depth < 5 else values >> (8 - depth)
    return table[cell]


def _packed(numbers: Values) -> tuple[bytes, bytes]:
    """Return rows as PNG has them, and the same deflated, so that the next band's can follow."""
    raw = np.pad(numbers, ((0, 0), (1, 0))).tobytes()
    packer = zlib.compressobj(_DEFLATE, zlib.DEFLATED, -zlib.MAX_WBITS)
    return raw, packer.compress(raw) + packer.flush(zlib.Z_FULL_FLUSH)


def _file(size: tuple[int, int], palette: Values, body: bytes) -> bytes:
    chunk = png_chunks.make_chunk
    parts = [png_chunks.SIGNATURE, chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 3, 0, 0, 0))]
    parts.append(chunk(b"PLTE", palette[:, :3].tobytes()))
    if int(palette[:, 3].min()) < 255:
        parts.append(chunk(b"tRNS", palette[:, 3].tobytes()))
    return b"".join([*parts, chunk(b"IDAT", body), chunk(b"IEND", b"")])
