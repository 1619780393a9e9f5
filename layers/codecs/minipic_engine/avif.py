"""AVIF: decoded and encoded by Pillow (libavif), without loss by libvips."""

import io
from collections.abc import Sequence

import numpy as np
import pyvips  # type: ignore[import-untyped]
from PIL import Image

from minipic.errors import ImageTooComplex

from . import avif_boxes, avif_film, effort, heic, heif_facts
from .header import Header
from .kept import Kept
from .level import BEST, interpolate
from .picture import Picture, decoding, open_with_pillow, to_vips
from .tiff_encode import Samples
from .timeline import Timeline

MAX_OUTPUT_SIDE = 16_384
"""The encoder's; the format itself allows for four times as much."""

_QUALITY = ((1, 10.0), (65, 52.0), (80, 68.0), (90, 84.0), (99, 97.0))
_SPEEDS = ((25 * effort.MEGAPIXEL, 6), (50 * effort.MEGAPIXEL, 8), (100 * effort.MEGAPIXEL, 9))
_FILM_SPEEDS = ((4 * effort.MEGAPIXEL, 6), (12 * effort.MEGAPIXEL, 8), (100 * effort.MEGAPIXEL, 9))
_HURRIED_SPEED = 9
_LOSSLESS_EFFORT, _HURRIED_EFFORT = 4, 0
_THREADS = 2

read_header = avif_boxes.read_header
read_metadata = heif_facts.read_metadata


def decode(data: bytes, header: Header) -> Picture:
    """Return the main picture as stored, 10 and 12 bits rounded to 8; raises DecodeError, ImageTooComplex."""
    image = open_with_pillow(data, header)
    with decoding():
        image.load()
    return Picture(image.copy(), header.icc)


def decode_deep(data: bytes, header: Header) -> Samples | None:
    """Return the samples, as stored, filled up to 16 bits; None where libvips has them in 8, turned or in one size."""
    if header.orientation != 1:
        return None
    try:
        image = pyvips.Image.heifload_buffer(data)
        if image.format != "ushort" or (image.width, image.height) != (header.width, header.height):
            return None
        samples: Samples = np.frombuffer(image.write_to_memory(), np.uint16)
    except pyvips.Error:
        return None
    return heic.filled_up(samples.reshape(image.height, image.width, image.bands), heic.header_bits(data))


def is_settled(header: Header, _picture: Picture, level: int) -> bool:
    """Tell whether the file is only packed again: lossless is asked, it is HDR, or we made it at such a level."""
    return level >= BEST or header.is_wide or (header.made_at is not None and header.made_at <= level)


def repack(data: bytes, header: Header, icc: bytes | None) -> bytes:
    """Return ``data`` with the same pixels, without what else there was; nothing packs them any better."""
    return avif_boxes.rebuild(data, header, icc, header.made_at)


def smallest(data: bytes, header: Header, icc: bytes | None, picture: Picture, level: int) -> bytes:
    """Return the smaller of ``data`` repacked and ``picture`` encoded at ``level``."""
    packed = repack(data, header, icc)
    try:
        return min(packed, encode(picture, level), key=len)
    except ImageTooComplex:
        return packed


def encode(picture: Picture, level: int) -> bytes:
    """Return ``picture`` as AVIF, from level 100 on without loss; raises ImageTooComplex where memory runs out."""
    if level >= BEST:
        return _lossless(picture)
    return avif_boxes.marked(_saved(_mode(picture).image, level, picture.pixels, icc_profile=picture.icc), level)


def encode_frames(pictures: Sequence[Picture], timeline: Timeline, level: int) -> bytes:
    """Return an animation as AVIF; without loss no encoder at hand can, so level 100 is the best there is."""
    images = [_mode(picture).image for picture in pictures]
    if len({image.mode for image in images}) > 1:
        images = [image.convert("RGBA") for image in images]
    made = _saved(
        images[0], level, sum(picture.pixels for picture in pictures), icc_profile=pictures[0].icc, save_all=True,
        append_images=images[1:], duration=list(timeline.durations),
    )  # fmt: skip
    return avif_boxes.marked(avif_film.with_timeline(made, timeline), min(level, BEST))


def _mode(picture: Picture) -> Picture:
    """Return the picture in a mode that the encoder knows: it has no grey with transparency."""
    return picture if picture.image.mode != "LA" else Picture(picture.image.convert("RGBA"), picture.icc)


def _saved(image: Image.Image, level: int, pixels: int, **more: object) -> bytes:
    speeds = _FILM_SPEEDS if "save_all" in more else _SPEEDS
    speed = next((speed for most, speed in speeds if pixels <= most), _HURRIED_SPEED)
    if not effort.is_full(pixels):
        speed = max(speed, _HURRIED_SPEED if effort.is_short() else speed)
    out = io.BytesIO()
    colours = {} if image.mode == "L" else {"subsampling": "4:4:4"}
    quality = round(interpolate(level, _QUALITY))
    try:
        image.save(out, "AVIF", quality=quality, speed=speed, max_threads=_THREADS, **colours, **more)
    except RuntimeError as error:  # the encoder's word for no memory: it takes many times that of the picture
        raise ImageTooComplex(
            f"The image has {image.width} x {image.height} pixels, more than can be encoded as AVIF. Make it smaller."
        ) from error
    return out.getvalue()


def _lossless(picture: Picture) -> bytes:
    image = to_vips(_mode(picture)).copy()
    if picture.icc is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", picture.icc)
    work = _LOSSLESS_EFFORT if effort.is_full(picture.pixels) else _HURRIED_EFFORT
    made: bytes = image.heifsave_buffer(compression="av1", lossless=True, effort=work, keep="icc")
    return made


def with_metadata(data: bytes, kept: Kept, *, is_tight: bool) -> bytes:  # noqa: ARG001 - EXIF has one way only
    """Return ``data``, a result, with ``kept`` written into it."""
    header = read_header(data)
    return avif_boxes.rebuild(data, header, header.icc, header.made_at, kept)
