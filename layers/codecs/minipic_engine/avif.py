"""AVIF: decoded and encoded by Pillow (libavif), without loss by libvips."""

import io
from collections.abc import Callable, Sequence

import numpy as np
import pyvips  # type: ignore[import-untyped]
from PIL import Image

from minipic.errors import ImageTooComplex

from . import avif_boxes, avif_film, avif_grid, effort, heic, heif_facts
from .goal import Encoded, Goal, exact, smaller
from .header import Header
from .kept import Kept
from .level import BEST, interpolate
from .picture import Picture, decoding, open_with_pillow, to_vips
from .tiff_encode import Samples
from .timeline import Timeline

MAX_OUTPUT_SIDE = 16_384
"""The encoder's; the format itself allows for four times as much."""

_QUALITY = ((1, 10.0), (65, 52.0), (80, 68.0), (90, 84.0), (99, 97.0))
_SPEEDS = ((16 * effort.MEGAPIXEL, 6), (25 * effort.MEGAPIXEL, 7), (100 * effort.MEGAPIXEL, 9))
_FILM_SPEEDS = ((4 * effort.MEGAPIXEL, 6), (12 * effort.MEGAPIXEL, 8), (100 * effort.MEGAPIXEL, 9))
_HURRIED_SPEED = 9
_LOSSLESS_EFFORT, _HURRIED_EFFORT = 4, 0
_THREADS = 2
_SAMPLE_SIDE, _SAME = 1_000, 3
"""How many pixels a side are compared between two decoders, whose rounding is not the same, and by how much the mean of
a channel may differ (of 255)."""

_WHOLE_PIXELS = effort.FULL_EFFORT_PIXELS
"""Above this a picture is encoded in tiles: in one piece of 100 megapixels the encoder takes 4 GB."""

_LEAN_PIXELS = 50 * effort.MEGAPIXEL
"""Above this with half of the colours' resolution: a third less time."""


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
    level = goal.level
    made = _in_tiles(_mode(picture), level) if picture.pixels > _WHOLE_PIXELS else _still(_mode(picture), level)
    return exact(made) if level >= BEST else Encoded(avif_boxes.marked(made, level))


def _still(picture: Picture, level: int) -> bytes:
    if level < BEST:
        return _saved(picture.image, _settings(level, picture.pixels) | {"icc_profile": picture.icc})
    return _lossless(picture, _LOSSLESS_EFFORT if effort.is_full(picture.pixels) else _HURRIED_EFFORT)


def _in_tiles(picture: Picture, level: int) -> bytes:
    """Return a large picture as a grid, whose tiles are encoded two at a time, each by one thread."""
    image, icc = picture.image, picture.icc
    is_even = not (image.width | image.height) & 1
    settings = _settings(level, picture.pixels) | {"max_threads": 1}
    if picture.pixels > _LEAN_PIXELS and is_even:
        settings["subsampling"] = "4:2:0"

    def encoded(tile: Image.Image) -> bytes:
        if level >= BEST:
            return _lossless(Picture(tile, icc if tile.mode != "L" else None), _HURRIED_EFFORT)
        return _saved(tile, settings | {"icc_profile": icc})

    return avif_grid.encoded(image, encoded, icc)


def encode_frames(pictures: Sequence[Picture], timeline: Timeline, level: int) -> bytes:
    """Return an animation as AVIF; without loss no encoder at hand can, so level 100 is the best there is."""
    images = [_mode(picture).image for picture in pictures]
    if len({image.mode for image in images}) > 1:
        images = [image.convert("RGBA") for image in images]
    film = {"save_all": True, "append_images": images[1:], "duration": list(timeline.durations)}
    settings = _settings(level, sum(picture.pixels for picture in pictures), _FILM_SPEEDS)
    made = _saved(images[0], settings | film | {"icc_profile": pictures[0].icc})
    return avif_boxes.marked(avif_film.with_timeline(made, timeline), min(level, BEST))


def _mode(picture: Picture) -> Picture:
    """Return the picture in a mode that the encoder knows: it has no grey with transparency."""
    return picture if picture.image.mode != "LA" else Picture(picture.image.convert("RGBA"), picture.icc)


def _settings(level: int, pixels: int, speeds: Sequence[tuple[int, int]] = _SPEEDS) -> dict[str, object]:
    speed = next((speed for most, speed in speeds if pixels <= most), _HURRIED_SPEED)
    if not effort.is_full(pixels):
        speed = max(speed, _HURRIED_SPEED if effort.is_short() else speed)
    quality = round(interpolate(level, _QUALITY))
    return {"quality": quality, "speed": speed, "max_threads": _THREADS, "subsampling": "4:4:4"}


def _saved(image: Image.Image, settings: dict[str, object]) -> bytes:
    out = io.BytesIO()
    if image.mode == "L":
        settings = {name: value for name, value in settings.items() if name != "subsampling"}
    try:
        image.save(out, "AVIF", **settings)
    except RuntimeError as error:  # the encoder's word for no memory: it takes many times that of the picture
        raise ImageTooComplex(
            f"The image has {image.width} x {image.height} pixels, more than can be encoded as AVIF. Make it smaller."
        ) from error
    return out.getvalue()


def _lossless(picture: Picture, work: int) -> bytes:
    image = to_vips(picture).copy()
    if picture.icc is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", picture.icc)
    made: bytes = image.heifsave_buffer(compression="av1", lossless=True, effort=work, keep="icc")
    return made


def with_metadata(data: bytes, kept: Kept, *, is_tight: bool) -> bytes:  # noqa: ARG001 - EXIF has one way only
    """Return ``data``, a result, with ``kept`` written into it."""
    header = read_header(data)
    return avif_boxes.rebuild(data, header, header.icc, header.made_at, kept)
