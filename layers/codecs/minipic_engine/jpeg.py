"""JPEG: decoded by Pillow, encoded by jpegli, repacked without loss by mozjpeg."""

from collections.abc import Callable

import ajpegli
import mozjpeg_lossless_optimization  # type: ignore[import-untyped]
import numpy as np

from . import jpeg_segments
from .aside import aside
from .header import Header
from .kept import Kept
from .level import HIGH, LOSSLESS, interpolate
from .picture import Picture, decoding, open_with_pillow

MAX_OUTPUT_SIDE = 65_500
"""libjpeg's, below the format's own 65 535."""
_DISTANCE = ((1, 15.0), (65, 4.0), (80, 2.3), (90, 1.0), (100, 0.1))
_PROGRESSIVE = 2
_WORTHWHILE_REPACK = 0.8

read_header = jpeg_segments.read_header
read_metadata = jpeg_segments.read_metadata


def decode(data: bytes, header: Header) -> Picture:
    """Return the pixels as stored; raises DecodeError, ImageTooComplex."""
    image = open_with_pillow(jpeg_segments.rebuild(data), header)
    with decoding():
        image.load()
    return Picture(image, header.icc)


def is_settled(header: Header, _stored: Callable[[], Picture], level: int) -> bool:
    """Tell whether the file must not be encoded again at ``level``: we made it at a level as low, or it is lossless."""
    return level == LOSSLESS or (header.made_at is not None and header.made_at <= level)


def encode(picture: Picture, level: int) -> bytes:
    """Return ``picture`` (L or RGB) as a JPEG that says at which level it was made."""
    made = ajpegli.encode(
        np.asarray(picture.image),
        distance=interpolate(level, _DISTANCE, log=True),
        subsampling="444" if level >= HIGH else "420",
        progressive=_PROGRESSIVE,
    )
    return jpeg_segments.rebuild(made, icc=picture.icc, made_at=level)


def smallest(data: bytes, header: Header, icc: bytes | None, picture: Picture, level: int) -> bytes:
    """Return the smallest of ``data`` repacked and ``picture`` encoded at ``level``.

    The repack saves a few percent and costs three times the encoding: it is only tried where it may win.
    """
    encoded = encode(picture, level)
    if len(encoded) < _WORTHWHILE_REPACK * len(data):
        return encoded
    return min(repack(data, header, icc), encoded, key=len)


def repack(data: bytes, header: Header, icc: bytes | None) -> bytes:
    """Return ``data`` with the same coefficients in fewer bytes, its orientation as a tag, and ``icc``."""
    plain = jpeg_segments.rebuild(data, icc=icc, orientation=header.orientation, made_at=header.made_at)
    stripped = jpeg_segments.rebuild(data)
    packed = aside(lambda: mozjpeg_lossless_optimization.optimize(stripped))
    if packed is None:  # a process that mozjpeg does not know, or values out of its range, though the decoder has none
        return plain
    repacked = jpeg_segments.rebuild(packed, icc=icc, orientation=header.orientation, made_at=header.made_at)
    return min(plain, repacked, key=len)


def with_metadata(data: bytes, kept: Kept, *, is_tight: bool) -> bytes:  # noqa: ARG001 - EXIF has one way only
    """Return ``data``, a result, with ``kept`` written into it."""
    header = read_header(data)
    return jpeg_segments.rebuild(
        data, icc=header.icc, orientation=header.orientation, made_at=header.made_at, kept=kept
    )
