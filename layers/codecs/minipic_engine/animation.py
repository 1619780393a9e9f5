"""Animations: their timeline is kept, in their own format or from one animated format to the other."""

import io
from dataclasses import replace
from typing import TypedDict

from PIL import Image

from minipic.domain.image import ImageFormat, Options
from minipic.errors import BadRequest

from . import colour, png, png_chunks, webp, webp_chunks
from .header import MEGAPIXEL, Header
from .level import BEST
from .picture import decoding, open_with_pillow

_MAX_ENCODED_PIXELS = 100 * MEGAPIXEL
"""Above this over all frames, an animated WebP is repacked as it is: encoding it would outlast the job's time."""


class Timeline(TypedDict):
    """What is shown for how long (ms, one a frame), how often (0: for ever), in Pillow's words."""

    save_all: bool
    duration: list[int]
    loop: int


def check_options(options: Options, target: ImageFormat) -> None:
    """Raise BadRequest for what can't be done to an animation without losing its frames."""
    if target is ImageFormat.JPEG:
        raise BadRequest("An animation can't be kept in JPEG. Choose `format` webp or png, or send a still image.")
    if options.background is not None:
        raise BadRequest("`background` can't fill an animation. Leave it out, or send a still image.")


def compress(data: bytes, header: Header, target: ImageFormat, level: int) -> bytes:
    """Return the animation ``data`` in ``target`` (PNG or WebP), with its frames, durations, loops and transparency."""
    is_needed = any(colour.judge(header.icc, mode) is not colour.Verdict.DROP for mode in ("RGB", "L"))
    icc = header.icc if is_needed else None
    if header.format is ImageFormat.PNG:
        packed = png.repack(data, header, icc)
        return packed if target is ImageFormat.PNG else _png_to_webp(packed, header, icc, level)
    if target is ImageFormat.PNG:
        return _webp_to_png(data, header, icc)
    return _smaller_webp(data, header, icc, level)


def is_effort_reduced(header: Header) -> bool:
    """Tell whether the animation is too long to be encoded at full effort."""
    return header.pixels * header.frames > _MAX_ENCODED_PIXELS


def _timeline(image: Image.Image, frames: int) -> Timeline:
    """Decode all frames once, which proves them sound, and return their timeline."""
    durations = []
    with decoding():
        for index in range(frames):
            image.seek(index)
            image.load()
            durations.append(round(float(image.info.get("duration", 0))))
        image.seek(0)
    return {"save_all": True, "duration": durations, "loop": int(image.info.get("loop", 0))}


def _open(data: bytes, header: Header) -> tuple[Image.Image, int]:
    image = open_with_pillow(data, header)
    return image, int(getattr(image, "n_frames", 1))


def _smaller_webp(data: bytes, header: Header, icc: bytes | None, level: int) -> bytes:
    plain = webp.repack(data, header, icc)
    image, frames = _open(plain, header)
    timeline = _timeline(image, frames)
    is_settled = header.made_at is not None and header.made_at <= level
    if is_settled or is_effort_reduced(header):
        return plain
    return min(plain, _as_webp(image, timeline, header, icc, level), key=len)


def _as_webp(image: Image.Image, timeline: Timeline, header: Header, icc: bytes | None, level: int) -> bytes:
    pixels = header.pixels * header.frames
    made = webp.save(image, level, pixels, **timeline)
    # libwebp forgets a transparent canvas when every frame is an opaque rectangle on it.
    is_transparent = "A" in image.getbands() or "transparency" in image.info
    made_at = level if level < BEST else None
    return webp_chunks.rebuild(
        made, icc=icc, orientation=header.orientation, made_at=made_at, is_transparent=is_transparent
    )


def _png_to_webp(packed: bytes, header: Header, icc: bytes | None, level: int) -> bytes:
    image, frames = _open(packed, header)
    if getattr(image, "default_image", False):
        raise BadRequest("This animated PNG has a still beside its frames, which WebP can't hold. Keep its format.")
    return _as_webp(image, _timeline(image, frames), header, icc, level)


def _webp_to_png(data: bytes, header: Header, icc: bytes | None) -> bytes:
    image, frames = _open(webp.repack(data, header, None), header)
    timeline = _timeline(image, frames)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1, **timeline)
    made = out.getvalue()
    return png.repack(made, replace(png_chunks.read_header(made), orientation=header.orientation), icc)
