"""PNG: decoded by libvips, reduced to a palette by libimagequant inside libvips, packed by oxipng."""

import time
from collections.abc import Callable

import numpy as np
import oxipng
import pyvips  # type: ignore[import-untyped]

from minipic.errors import DecodeError

from . import effort, png_chunks, quick_palette
from .header import Header
from .kept import NOTHING, Kept
from .level import BEST, interpolate
from .picture import Picture, decoding, from_vips, to_vips
from .tiff_encode import Samples

MAX_OUTPUT_SIDE = 65_535
_PALETTE_QUALITY = ((1, 20.0), (65, 75.0), (80, 90.0), (90, 98.0), (99, 100.0))
_PALETTE_COLOURS = 256
_DITHER = 0.5
_GENTLE_PIXELS = 10_000
_GENTLE_QUALITY = 97
"""For small pictures, whose palette is a large part of the file: nothing is seen of it, and 100 costs a third more."""
_MANY_COLOURS = 400_000
"""The careful choice of a palette takes time by the number of colours: at a million, as grain makes them, 10 s."""

_CAREFUL, _PLAIN, _HASTY = 7, 4, 1
_CAREFUL_PIXELS = 4 * effort.MEGAPIXEL
"""Above this a careful palette of such a photo takes too long, and is neither smaller nor closer than a quick one."""

_HOPELESS_REPACK = 0.6
"""A palette below this share of a quick lossless packing is not beaten by a thorough one: that gains far less."""

_TIMED_PIXELS = 4 * effort.MEGAPIXEL
_QUICK = {"compression": 6, "filter": 0xF8, "keep": "none"}
"""How libvips packs what is too large for oxipng: in half of the time and a fifth of the memory, 1 % larger."""

_PALETTE_TYPE = 3
_REPACKS = ((2, 14), (1, 8))
"""How many times as long as at level 0 oxipng takes, measured on large photographs, the worst there are."""

read_header = png_chunks.read_header
read_metadata = png_chunks.read_metadata


def decode(data: bytes, header: Header) -> Picture:
    """Return the pixels as stored, 16 bits rounded to 8; raises DecodeError, ImageTooComplex."""
    return _pixels(data, header.icc)


def _pixels(data: bytes, icc: bytes | None) -> Picture:
    with decoding():
        image = pyvips.Image.pngload_buffer(png_chunks.rebuild(data), fail_on="error")
        if image.format == "ushort":
            image = (image / 257).rint().cast("uchar")
        return from_vips(image, icc)


def decode_deep(data: bytes, _header: Header) -> Samples | None:
    """Return the samples of 16 bits, as stored; None where they have fewer. Raises DecodeError, ImageTooComplex."""
    with decoding():
        image = pyvips.Image.pngload_buffer(png_chunks.rebuild(data), fail_on="error")
        if image.format != "ushort":
            return None
        samples = np.frombuffer(image.write_to_memory(), np.uint16)
    return samples.reshape(image.height, image.width, image.bands)


def encode_deep(samples: Samples, icc: bytes | None, turned: int) -> bytes:
    """Return samples of 16 bits as a PNG with an orientation."""
    height, width, bands = samples.shape
    image = pyvips.Image.new_from_memory(samples.tobytes(), width, height, bands, "ushort")
    image = image.copy(interpretation="grey16" if bands < 3 else "rgb16")
    if _is_large(width * height):
        return png_chunks.rebuild(image.pngsave_buffer(**_QUICK, bitdepth=16), icc=icc, orientation=turned)
    made: bytes = image.pngsave_buffer(compression=1, bitdepth=16, keep="none")
    return _pack(png_chunks.rebuild(made, icc=icc, orientation=turned), width * height)


def is_settled(header: Header, stored: Callable[[], Picture], level: int) -> bool:
    """Tell whether the file is only packed again: lossless is asked, a palette holds it, or its range must stay."""
    return level >= BEST or header.is_wide or (not header.is_deep and _fits_palette(stored()))


def _fits_palette(picture: Picture) -> bool:
    return picture.image.getcolors(_PALETTE_COLOURS) is not None


def _is_large(pixels: int) -> bool:
    """Tell whether a picture is too large for the time that is left to be worked on with care."""
    return pixels > _TIMED_PIXELS and not effort.is_full(pixels)


def encode(picture: Picture, level: int) -> bytes:
    """Return ``picture`` as the smaller of a palette PNG (below level 100) and a lossless one."""
    if level >= BEST or _fits_palette(picture):
        return _lossless(picture)
    if _is_large(picture.pixels):
        return _palette(picture, level)
    return _smaller(_palette(picture, level), _lossless_source(picture), picture.pixels)


def smallest(data: bytes, header: Header, icc: bytes | None, picture: Picture, level: int) -> bytes:
    """Return the smallest of ``data`` repacked, ``picture`` as a palette and, if 16 bits were rounded, lossless."""
    try:
        return _smallest(_without_metadata(data, header, icc), header, picture, level)
    except oxipng.PngError:  # more of its rows than there should be, which decoders forgive: it is no rival, then
        return encode(picture, level)


def _smallest(own: bytes, header: Header, picture: Picture, level: int) -> bytes:
    if _fits_palette(picture):
        packed = _pack(own, picture.pixels)
        return packed if _is_large(picture.pixels) else min(packed, _lossless(picture), key=len)
    palette = _palette(picture, level)
    if _is_large(picture.pixels):
        return min(palette, own, key=len)
    best = _smaller(palette, own, picture.pixels)
    return min(best, _lossless(picture), key=len) if header.is_deep else best


def _without_metadata(
    data: bytes, header: Header, icc: bytes | None, kept: Kept = NOTHING, *, is_tight: bool = False
) -> bytes:
    return png_chunks.rebuild(
        data, icc=icc, orientation=header.orientation, keep_frames=header.is_animated,
        colour_chunks=png_chunks.colour_chunks(header, icc), kept=kept, is_tight=is_tight,
    )  # fmt: skip


def repack(data: bytes, header: Header, icc: bytes | None) -> bytes:
    """Return ``data`` with the same pixels and frames in fewer bytes, its orientation as a tag, and ``icc``.

    Raises DecodeError: every pixel is read.
    """
    source = _without_metadata(data, header, icc)
    try:
        quick = _quickly_repacked(source, header, icc)
        return _pack(source, header.pixels * header.frames) if quick is None else min(source, quick, key=len)
    except oxipng.PngError as error:
        if header.is_animated:
            raise DecodeError("The animated PNG is damaged: its frames are incomplete or out of order.") from error
        decode(data, header)  # more or less of its rows than there should be, which most decoders forgive
        return source


def _quickly_repacked(source: bytes, header: Header, icc: bytes | None) -> bytes | None:
    """Return a large picture packed row by row; None where that would change more than its packing, or not pay."""
    is_plain = not header.is_animated and not header.is_wide and header.gamma is None
    depth, colours = source[24:26]
    if not is_plain or depth < 8 or colours == _PALETTE_TYPE or not _is_large(header.pixels):
        return None
    with decoding():
        image = pyvips.Image.pngload_buffer(source, access="sequential", fail_on="error")
        made = image.pngsave_buffer(**_QUICK, bitdepth=depth)
    return png_chunks.rebuild(made, icc=icc, orientation=header.orientation)


def with_metadata(data: bytes, kept: Kept, *, is_tight: bool) -> bytes:
    """Return ``data``, a result, with ``kept`` written into it; its texts deflated if ``is_tight``."""
    header = read_header(data)
    return _without_metadata(data, header, header.icc, kept, is_tight=is_tight)


def _palette(picture: Picture, level: int) -> bytes:
    if picture.pixels < _GENTLE_PIXELS:
        quality, effort_level = _GENTLE_QUALITY, 10
    else:
        quality = round(interpolate(level, _PALETTE_QUALITY))
        if picture.pixels > _CAREFUL_PIXELS or _is_large(picture.pixels):
            return png_chunks.rebuild(quick_palette.as_png(picture, quality), icc=picture.icc)
        effort_level = _HASTY
        if effort.is_full(picture.pixels):
            effort_level = _PLAIN if picture.image.getcolors(_MANY_COLOURS) is None else _CAREFUL
    source = to_vips(picture if picture.image.mode != "LA" else Picture(picture.image.convert("RGBA")))
    made: bytes = source.pngsave_buffer(
        palette=True, Q=quality, dither=_DITHER, effort=effort_level, compression=1, keep="none"
    )
    return _pack(png_chunks.rebuild(made, icc=picture.icc), picture.pixels)


def small_and_quantised(picture: Picture, level: int) -> Picture | None:
    """Return a small picture in the colours of its palette PNG; None for a large one, or one that has few anyhow.

    For formats that have no palette of their own: lettering packs better so than with any loss that they know.
    """
    if picture.pixels >= _GENTLE_PIXELS or _fits_palette(picture):
        return None
    return _pixels(_palette(picture, level), picture.icc)


def _lossless_source(picture: Picture) -> bytes:
    made: bytes = to_vips(picture).pngsave_buffer(compression=1, keep="none")
    return png_chunks.rebuild(made, icc=picture.icc)


def _lossless(picture: Picture) -> bytes:
    if _is_large(picture.pixels) and not _fits_palette(picture):
        return png_chunks.rebuild(to_vips(picture).pngsave_buffer(**_QUICK), icc=picture.icc)
    return _pack(_lossless_source(picture), picture.pixels)


def _smaller(palette: bytes, lossless_source: bytes, pixels: int) -> bytes:
    """Return the smaller of ``palette`` and ``lossless_source`` packed, which is spared where it can't win."""
    quick = _pack(lossless_source, pixels, level=0)
    if not effort.is_full(pixels) or len(palette) < _HOPELESS_REPACK * len(quick):
        return min(palette, quick, key=len)
    return min(palette, _pack(lossless_source, pixels), key=len)


def _pack(data: bytes, pixels: int, level: int = 2) -> bytes:
    """Return ``data`` packed; a large one first with little care, which tells how long more of it would take."""
    if level == 0 or not effort.is_full(pixels):
        return _packed(data, 0)
    if pixels > _TIMED_PIXELS:
        started_s = time.monotonic()
        quick = _packed(data, 0)
        took_s = time.monotonic() - started_s
        possible = (work for work, times in _REPACKS if work <= level and effort.has(times * took_s))
        level = next(possible, 0)
        return _packed(data, level) if level else quick
    return _packed(data, level)


def _packed(data: bytes, level: int) -> bytes:
    packed = oxipng.optimize_from_memory(
        data, level=level, interlace=oxipng.Interlacing.off, strip=oxipng.StripChunks.none
    )
    return min(data, packed, key=len)
