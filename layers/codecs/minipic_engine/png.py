"""PNG: decoded by libvips, reduced to a palette by our own search, packed by oxipng.

A palette that this engine made is known by its order, so that it is reduced once: such a file is only packed again, and
keeps that order. Where another program sorted one alike nothing is lost but a chance.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import oxipng
import pyvips  # type: ignore[import-untyped]

from minipic.errors import DecodeError, ImageTooComplex

from . import (
    effort,
    palette_file,
    palette_png,
    palette_search,
    png_chunks,
    png_packing,
    posterise,
    quick_palette,
    truecolour,
)
from .goal import Encoded, Goal, exact, smaller
from .header import Header
from .kept import NOTHING, Kept
from .level import BEST, interpolate
from .original import Original
from .picture import Picture, decoding, from_vips, to_vips
from .tiff_encode import Samples

MAX_OUTPUT_SIDE = 65_535
_QUICK_QUALITY = ((1, 20.0), (65, 75.0), (80, 90.0), (90, 98.0), (99, 100.0))
_HOPELESS_REPACK = 0.7
"""A palette below this share of a quick lossless packing is not beaten by a thorough one: that gains far less."""

_HOPELESS_ALIKE = 0.85
"""The same where nothing is packed thoroughly, or both are: truecolour with fewer values gains just as much."""

_SAFE_TIMES = 1.5
"""How many times as long as a packing is forecast to take has to be left for it."""

_TIMED_PIXELS = png_packing.TIMED_PIXELS
_QUICK = {"compression": 6, "filter": 0xF8, "keep": "none"}
"""How libvips packs what is too large for oxipng: in half of the time and a fifth of the memory, 1 % larger."""

_PALETTE_TYPE = 3
read_metadata = png_chunks.read_metadata


def read_header(data: bytes) -> Header:
    """Return what the chunks of ``data`` say, and whether its palette is in our order; raises DecodeError."""
    header = png_chunks.read_header(data)
    is_ours = data[25] == _PALETTE_TYPE and palette_file.is_ordered(palette_file.read(data))
    return replace(header, made_at=1) if is_ours else header


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
    return png_packing.pack(png_chunks.rebuild(made, icc=icc, orientation=turned), width * height)


def is_settled(header: Header, stored: Callable[[], Picture], level: int) -> bool:
    """Tell whether the file is only packed again: lossless is asked, it was reduced before, or its range must stay."""
    if level >= BEST or header.is_wide or header.made_at is not None:
        return True
    return not header.is_deep and (not palette_png.is_reducible(stored()) or posterise.is_done(stored()))


def _is_large(pixels: int) -> bool:
    """Tell whether a picture is too large for the time that is left to be worked on with care."""
    return pixels > _TIMED_PIXELS and not effort.is_full(pixels)


def encode(picture: Picture, goal: Goal) -> Encoded:
    """Return ``picture`` as the smaller of a palette PNG (below level 100) and a lossless one."""
    if goal.is_lossless or not palette_png.is_reducible(picture):
        return exact(_lossless(picture))
    if _is_large(picture.pixels):
        return exact(_lossless(picture)) if palette_png.fits(picture) else _quick(picture, goal)
    return _smallest_of(goal, truecolour.plain(picture), picture)


def smallest(data: bytes, header: Header, icc: bytes | None, picture: Picture, goal: Goal) -> Encoded:
    """Return the smallest of ``data`` repacked, ``picture`` as a palette and, if 16 bits were rounded, lossless."""
    try:
        return _smallest(_without_metadata(data, header, icc), header, picture, goal)
    except oxipng.PngError:  # more of its rows than there should be, which decoders forgive: it is no rival, then
        return encode(picture, goal)


def _smallest(own: bytes, header: Header, picture: Picture, goal: Goal) -> Encoded:
    if not palette_png.is_reducible(picture) or (_is_large(picture.pixels) and palette_png.fits(picture)):
        packed = exact(png_packing.pack(own, picture.pixels))
        return packed if _is_large(picture.pixels) else smaller(packed, exact(_lossless(picture)))
    if _is_large(picture.pixels):
        try:
            return smaller(_quick(picture, goal), exact(own))
        except ImageTooComplex:  # no time for even that: the input without its metadata is a result
            effort.lowered()
            return exact(own)
    best = _smallest_of(goal, own, picture)
    return smaller(best, exact(_lossless(picture))) if header.is_deep else best


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
        if quick is not None:
            return min(source, quick, key=len)
        packed = png_packing.pack_alone(source, header.pixels * header.frames)
        is_out_of_order = header.made_at is not None and read_header(packed).made_at is None
        return png_packing.packed(source, 2, keeps_order=True) if is_out_of_order else packed
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


def _palette(picture: Picture, goal: Goal) -> Encoded | None:
    """Return ``picture`` in the fewest bytes that a palette keeps the goal in; None where none does."""
    how = palette_search.BEST if effort.is_best() else palette_search.DEFAULT
    made = palette_png.encode(picture, palette_png.target_of(goal, picture.pixels), how)
    return made and replace(made, data=png_chunks.rebuild(made.data, icc=picture.icc))


def _quick(picture: Picture, goal: Goal) -> Encoded:
    quality = round(interpolate(goal.level, _QUICK_QUALITY))
    return Encoded(png_chunks.rebuild(quick_palette.as_png(picture, quality), icc=picture.icc))


def small_and_quantised(picture: Picture, level: int) -> Picture | None:
    """Return a small picture in the colours of its palette PNG; None for a large one, or one that has few anyhow.

    For formats that have no palette of their own: lettering packs better so than with any loss that they know.
    """
    if picture.pixels >= palette_png.SMALL_PIXELS or palette_png.fits(picture):
        return None
    made = _palette(picture, Goal(level))
    return None if made is None else _pixels(made.data, picture.icc)


def _lossless(picture: Picture) -> bytes:
    if _is_large(picture.pixels) and not palette_png.fits(picture):
        return png_chunks.rebuild(to_vips(picture).pngsave_buffer(**_QUICK), icc=picture.icc)
    return png_packing.pack(truecolour.plain(picture), picture.pixels)


def _smallest_of(goal: Goal, lossless_source: bytes, picture: Picture) -> Encoded:
    """Return the smaller of what keeps ``goal`` and ``lossless_source``, packed with care only where that may win."""
    pixels, fits = picture.pixels, palette_png.fits(picture)
    lossless_bytes, pack_s = _forecast(lossless_source, picture)
    is_quick = pixels > _TIMED_PIXELS and not png_packing.careful_levels(pixels, lossless_bytes)
    lossy, hopeless = _palette(picture, goal), _HOPELESS_ALIKE if is_quick else _HOPELESS_REPACK
    if lossy is None and not fits and effort.has(_SAFE_TIMES * pack_s):
        lossy = truecolour.encode(picture, palette_png.target_of(goal, pixels), lossless_bytes)
        hopeless = _HOPELESS_ALIKE
    if lossy is not None and lossy.size_bytes < hopeless * lossless_bytes:
        return lossy
    if not effort.has(_SAFE_TIMES * pack_s):
        return exact(lossless_source) if lossy is None else smaller(lossy, exact(lossless_source))
    rivals = [lossless_source, truecolour.plain(picture)] if fits else [lossless_source]
    packed = exact(png_packing.pack(min(rivals, key=lambda rival: len(png_packing.quickly(rival)[0])), pixels))
    return packed if lossy is None else smaller(lossy, packed)


def _forecast(lossless_source: bytes, picture: Picture) -> tuple[int, float]:
    """Return how many bytes ``picture`` takes when quickly packed, and for how many seconds; judged by a mosaic."""
    original = Original(picture)
    if not original.is_sampled:
        quick, took_s = png_packing.quickly(lossless_source)
        return len(quick), took_s
    quick, took_s = png_packing.quickly(truecolour.plain(original.sample))
    share = original.sample.pixels / picture.pixels
    return min(len(lossless_source), round(len(quick) / share)), took_s / share
