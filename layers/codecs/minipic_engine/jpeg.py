"""JPEG: decoded by Pillow, encoded by jpegli, repacked without loss by mozjpeg."""

from collections.abc import Callable
from dataclasses import replace

import mozjpeg_lossless_optimization  # type: ignore[import-untyped]

from . import jpeg_loss, jpeg_search, jpeg_segments
from .aside import aside
from .goal import Encoded, Goal, exact, smaller
from .header import Header
from .kept import Kept
from .level import LOSSLESS
from .picture import Picture, decoding, open_with_pillow

MAX_OUTPUT_SIDE = 65_500
"""libjpeg's, below the format's own 65 535."""
_WORTHWHILE_REPACK = 0.8
_WORTHWHILE_LOSS = 0.97

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


def encode(picture: Picture, goal: Goal) -> Encoded:
    """Return ``picture`` (L or RGB) as a JPEG that says at which level it was made."""
    if goal.target is None:
        made = Encoded(jpeg_search.encoded(picture, jpeg_search.at_level(goal.level)))
    else:
        made = jpeg_search.encode(picture, goal.target, goal.above)
    return replace(made, data=jpeg_segments.rebuild(made.data, icc=picture.icc, made_at=goal.level))


def smallest(data: bytes, header: Header, icc: bytes | None, picture: Picture, goal: Goal) -> Encoded:
    """Return the smallest of ``data`` repacked and ``picture`` encoded with respect for what it has lost before.

    The repack saves a few percent and costs several times the encoding: it is only tried where it may win, and an
    encoding that saves hardly more than it is not worth its loss.
    """
    if goal.target is not None and goal.spares_input:
        target = jpeg_loss.target_after(jpeg_loss.score_of(data), goal.target)
        if target > jpeg_loss.UNREACHABLE:
            return exact(repack(data, header, icc))
        goal = replace(goal, target=target)
    encoded = encode(picture, goal)
    if encoded.size_bytes < _WORTHWHILE_REPACK * len(jpeg_segments.rebuild(data, icc=icc)):
        return encoded
    packed = exact(repack(data, header, icc))
    return smaller(packed, encoded) if encoded.size_bytes < _WORTHWHILE_LOSS * packed.size_bytes else packed


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
