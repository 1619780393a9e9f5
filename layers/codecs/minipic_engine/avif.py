"""AVIF: decoded and encoded by Pillow (libavif), without loss by libvips; stills with loss at a promised score."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pyvips  # type: ignore[import-untyped]

from minipic.errors import ImageTooComplex

from . import avif_boxes, avif_film, avif_search, avif_still, effort, heic, heif_facts
from .goal import Encoded, Goal, exact, smaller
from .header import Header
from .kept import Kept
from .level import BEST, interpolate
from .picture import Picture, decoding, open_with_pillow
from .tiff_encode import Samples
from .timeline import Timeline

MAX_OUTPUT_SIDE = 16_384
"""The encoder's; the format itself allows for four times as much."""

_FILM_QUALITY = ((1, 10.0), (65, 52.0), (80, 68.0), (90, 84.0), (99, 97.0))
_FILM_SPEEDS = ((4 * effort.MEGAPIXEL, 6), (12 * effort.MEGAPIXEL, 8))
_SAMPLE_SIDE, _SAME = 1_000, 3
"""How many pixels a side are compared between two decoders, whose rounding is not the same, and by how much the mean of
a channel may differ (of 255)."""

read_header = avif_boxes.read_header
read_metadata = heif_facts.read_metadata


def decode(data: bytes, header: Header) -> Picture:
    """Return the main picture as stored, 10 and 12 bits rounded to 8; raises DecodeError, ImageTooComplex."""
    image = open_with_pillow(data, header)
    with decoding():
        image.load()
    return Picture(image.copy(), header.icc)


def decode_deep(data: bytes, header: Header) -> Samples | None:
    """Return the samples, as stored, filled up to 16 bits; None where libvips has them in 8, turned or otherwise."""
    if header.orientation != 1:
        return None
    try:
        image = pyvips.Image.heifload_buffer(data)
        if image.format != "ushort" or (image.width, image.height) != (header.width, header.height):
            return None
        samples: Samples = np.frombuffer(image.write_to_memory(), np.uint16)
    except pyvips.Error:
        return None
    samples = heic.filled_up(samples.reshape(image.height, image.width, image.bands), heic.header_bits(data))
    return samples if _is_same(samples, decode(data, header)) else None


def _is_same(deep: Samples, picture: Picture) -> bool:
    """Tell whether libvips sees the colours that libavif sees, as it does not where a file leaves their range open."""
    step = 1 + max(deep.shape) // _SAMPLE_SIDE
    ours = (deep[::step, ::step] >> 8).astype(np.int16)
    theirs = np.atleast_3d(np.asarray(picture.image)[::step, ::step]).astype(np.int16)
    if theirs.shape[2] not in (1, ours.shape[2]):
        return False
    return float(np.abs(ours - theirs).mean(axis=(0, 1)).max()) < _SAME


def is_settled(header: Header, _stored: Callable[[], Picture], level: int) -> bool:
    """Tell whether the file is only packed again: lossless is asked, it is HDR, or we made it at such a level."""
    return level >= BEST or header.is_wide or (header.made_at is not None and header.made_at <= level)


def repack(data: bytes, header: Header, icc: bytes | None) -> bytes:
    """Return ``data`` with the same pixels, without what else there was; nothing packs them any better."""
    return avif_boxes.rebuild(data, header, icc, header.made_at)


def smallest(data: bytes, header: Header, icc: bytes | None, picture: Picture, goal: Goal) -> Encoded:
    """Return the smaller of ``data`` repacked and ``picture`` encoded."""
    packed = exact(repack(data, header, icc))
    try:
        return smaller(packed, encode(picture, goal))
    except ImageTooComplex:
        return packed


def encode(picture: Picture, goal: Goal) -> Encoded:
    """Return ``picture`` as AVIF, from level 100 on without loss; raises ImageTooComplex where memory runs out."""
    picture = _mode(picture)
    if goal.is_lossless:
        return exact(avif_still.lossless(picture))
    if goal.target is not None:
        made = avif_search.encode(picture, goal.target)
    else:
        settings = avif_still.Settings(avif_search.usual_step(goal.level), avif_still.speed_for(picture.pixels))
        made = Encoded(avif_still.lossy(picture, settings))
    return replace(made, data=avif_boxes.marked(made.data, goal.level))


def encode_frames(pictures: Sequence[Picture], timeline: Timeline, level: int) -> bytes:
    """Return an animation as AVIF; without loss no encoder at hand can, so level 100 is the best there is."""
    images = [_mode(picture).image for picture in pictures]
    if len({image.mode for image in images}) > 1:
        images = [image.convert("RGBA") for image in images]
    film: dict[str, object] = {"save_all": True, "append_images": images[1:], "duration": list(timeline.durations)}
    pixels = sum(picture.pixels for picture in pictures)
    film |= {"quality": round(interpolate(level, _FILM_QUALITY)), "speed": _film_speed(pixels)}
    film |= {"max_threads": avif_still.THREADS, "subsampling": "4:4:4", "icc_profile": pictures[0].icc}
    made = avif_still.saved(images[0], film)
    return avif_boxes.marked(avif_film.with_timeline(made, timeline), min(level, BEST))


def _film_speed(pixels: int) -> int:
    if not effort.is_full(pixels) and effort.is_short():
        return avif_still.QUICK_SPEED
    return next((speed for most, speed in _FILM_SPEEDS if pixels <= most), avif_still.QUICK_SPEED)


def _mode(picture: Picture) -> Picture:
    """Return the picture in a mode that the encoder knows: it has no grey with transparency."""
    return picture if picture.image.mode != "LA" else Picture(picture.image.convert("RGBA"), picture.icc)


def with_metadata(data: bytes, kept: Kept, *, is_tight: bool) -> bytes:  # noqa: ARG001 - EXIF has one way only
    """Return ``data``, a result, with ``kept`` written into it."""
    header = read_header(data)
    return avif_boxes.rebuild(data, header, header.icc, header.made_at, kept)
