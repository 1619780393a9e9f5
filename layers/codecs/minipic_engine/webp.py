"""WebP: decoded by Pillow, encoded by the same libwebp."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from . import effort, libwebp, palette_png, png, webp_chunks, webp_search
from .goal import IDENTICAL, Encoded, Goal, exact, smaller
from .header import Header
from .kept import Kept
from .level import BEST
from .picture import Picture, decoding, open_with_pillow
from .webp_colours import is_sharp

MAX_OUTPUT_SIDE = 16_383
_METHOD, _HURRIED_METHOD = 6, 2
_MIN_ALPHA_QUALITY, _MAX_ALPHA_QUALITY = 90, 99
"""At 100 libwebp takes 20 times as long for the alpha channel, to save 1 % of it."""

_LOSSLESS_TRIAL_PIXELS = effort.MEGAPIXEL // 2
_FEW_COLOURS = 1_024

read_header = webp_chunks.read_header
read_metadata = webp_chunks.read_metadata


def decode(data: bytes, header: Header) -> Picture:
    """Return the pixels as stored; raises DecodeError, ImageTooComplex."""
    image = open_with_pillow(webp_chunks.rebuild(data), header)
    with decoding():
        image.load()
    return Picture(image.convert("RGBA" if "A" in image.getbands() else "RGB"), header.icc)


def is_settled(header: Header, _stored: Callable[[], Picture], level: int) -> bool:
    """Tell whether the file is only packed again: lossless is asked, or we made it at this level or a lower one."""
    return level >= BEST or (header.made_at is not None and header.made_at <= level)


def encode(picture: Picture, goal: Goal) -> Encoded:
    """Return ``picture`` as WebP: lossless from level 100 on; below, the smallest of lossy, lossless, fewer colours."""
    level = goal.level
    if level >= BEST:
        return exact(_lossless(picture))
    if goal.target is not None:
        return _held(picture, goal, goal.target)
    try:
        data = _lossy(picture, level)
    except ValueError:  # a huge and noisy picture overflows the format's first partition, of at most 512 KiB
        return exact(_lossless(picture))
    candidates = [Encoded(webp_chunks.rebuild(data, icc=picture.icc, made_at=level))]
    if picture.pixels <= _LOSSLESS_TRIAL_PIXELS or picture.image.getcolors(_FEW_COLOURS) is not None:
        candidates.append(exact(_lossless(picture)))
    quantised = png.small_and_quantised(picture, level)
    if quantised is not None:  # lossless of fewer colours is a loss, too: marked, so that it happens once
        candidates.append(Encoded(webp_chunks.rebuild(_lossless(quantised), icc=picture.icc, made_at=level)))
    return smaller(*candidates)


def _held(picture: Picture, goal: Goal, target: float) -> Encoded:
    """Return ``picture`` with a score of at least ``target``, of a small one as strictly as PNG has it."""
    if picture.pixels < palette_png.SMALL_PIXELS:
        target = max(target, palette_png.target_of(goal, picture.pixels))
    made = webp_search.encode(picture, target)
    mark = None if made.score == IDENTICAL else goal.level
    held = replace(made, data=webp_chunks.rebuild(made.data, icc=picture.icc, made_at=mark))
    quantised = png.small_and_quantised(picture, goal.level)
    if quantised is None:
        return held
    data = webp_chunks.rebuild(_lossless(quantised), icc=picture.icc, made_at=goal.level)
    return smaller(held, Encoded(data, trials=1))


def _lossy(picture: Picture, level: int) -> bytes:
    planes = libwebp.Planes(np.asarray(picture.image), is_sharp=is_sharp(picture.image, level))
    method = _HURRIED_METHOD if not effort.is_full(picture.pixels) else _METHOD
    return planes.encoded(libwebp.Settings(level, method, max(_MIN_ALPHA_QUALITY, min(level, _MAX_ALPHA_QUALITY))))


def smallest(data: bytes, header: Header, icc: bytes | None, picture: Picture, goal: Goal) -> Encoded:
    """Return the smaller of ``data`` repacked and ``picture`` encoded."""
    return smaller(exact(repack(data, header, icc)), encode(picture, goal))


def repack(data: bytes, header: Header, icc: bytes | None) -> bytes:
    """Return ``data`` with the same pixels and frames, its orientation as a tag, and ``icc``.

    Lossless stills are packed again, unless they are so large that it takes long; nothing does that for lossy data.
    """
    plain = webp_chunks.rebuild(data, icc=icc, orientation=header.orientation, made_at=header.made_at)
    if not header.is_lossless or header.is_animated or not effort.is_full(header.pixels):
        return plain
    stored = Picture(decode(data, header).image)
    again = webp_chunks.rebuild(_lossless(stored), icc=icc, orientation=header.orientation, made_at=header.made_at)
    return min(plain, again, key=len)


def with_metadata(data: bytes, kept: Kept, *, is_tight: bool) -> bytes:  # noqa: ARG001 - EXIF has one way only
    """Return ``data``, a result, with ``kept`` written into it."""
    header = read_header(data)
    return webp_chunks.rebuild(data, icc=header.icc, orientation=header.orientation, made_at=header.made_at, kept=kept)


def _lossless(picture: Picture) -> bytes:
    how = libwebp.THOROUGHLY if effort.is_full(picture.pixels) else libwebp.QUICKLY
    return webp_chunks.rebuild(libwebp.lossless(np.asarray(picture.image), how), icc=picture.icc)
