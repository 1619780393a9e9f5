"""Animations: their timeline is kept, in their own format or from one animated format to the other."""

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import NotRequired, TypedDict

import numpy as np
from PIL import Image

from minipic.domain.image import ImageFormat
from minipic.errors import BadRequest, ImageTooComplex, MiniPicError

from . import colour, orientation, png, png_chunks, webp, webp_chunks
from .header import MEGAPIXEL, Header
from .level import BEST
from .picture import Picture, decoding, open_with_pillow
from .resize import Plan, resized

_MAX_ENCODED_PIXELS = 100 * MEGAPIXEL
"""Above this over all frames, an animated WebP is repacked as it is: encoding it would outlast the job's time. For the
same reason, and for the memory that all frames take, nothing that stays above it gets a new size."""


class Timeline(TypedDict):
    """What is shown for how long (ms, one a frame), how often (0: for ever), in Pillow's words."""

    save_all: bool
    duration: list[int]
    loop: int
    append_images: NotRequired[Sequence[Image.Image]]
    default_image: NotRequired[bool]


def refusal(header: Header, target: ImageFormat, plan: Plan | None) -> MiniPicError | None:
    """Return the error of an animation that can't be kept whole in ``target``; None where it can."""
    if target is ImageFormat.JPEG:
        return BadRequest("An animation can't be kept in JPEG. Choose `format` webp or png, or send a still image.")
    if header.has_still_apart and target is not ImageFormat.PNG:
        return BadRequest("This animated PNG has a still beside its frames, which WebP can't hold. Keep its format.")
    if plan is not None and plan.size[0] * plan.size[1] * header.frames > _MAX_ENCODED_PIXELS:
        return ImageTooComplex(
            f"{header.frames} frames of {plan.size[0]} x {plan.size[1]} pixels are too many to give them a new size;"
            f" at most {_MAX_ENCODED_PIXELS // MEGAPIXEL} megapixels over all frames are. Choose a smaller one."
        )
    return None


def compress(data: bytes, header: Header, target: ImageFormat, level: int, plan: Plan | None) -> bytes:
    """Return the animation ``data`` in ``target`` (PNG or WebP), with its frames, durations, loops and transparency."""
    is_needed = any(colour.judge(header.icc, mode) is not colour.Verdict.DROP for mode in ("RGB", "L"))
    icc = header.icc if is_needed else None
    if plan is None and header.is_deep and target is ImageFormat.WEBP:
        plan = Plan(header.shown_size, header.shown_size)  # 16 bits of grey must become 8 frame by frame
    if plan is not None:
        return _resized(data, header, icc, target, level, plan)
    if header.format is ImageFormat.PNG:
        packed = png.repack(data, header, icc)
        return packed if target is ImageFormat.PNG else _png_to_webp(packed, header, icc, level)
    if target is ImageFormat.PNG:
        return _webp_to_png(data, header, icc)
    return _smaller_webp(data, header, icc, level)


def is_effort_reduced(header: Header) -> bool:
    """Tell whether the animation is too long to be encoded at full effort."""
    return header.pixels * header.frames > _MAX_ENCODED_PIXELS


def _open(data: bytes, header: Header) -> tuple[Image.Image, Timeline]:
    """Return the animation at its first frame, and its timeline, for which all frames are decoded: that proves them.

    Each of the two has its own decoder: Pillow's forgets a palette when it is wound back.
    """
    trial = open_with_pillow(data, header)
    durations = []
    with decoding():
        for index in range(int(getattr(trial, "n_frames", 1))):
            trial.seek(index)
            trial.load()
            durations.append(round(float(trial.info.get("duration", 0))))
    timeline: Timeline = {"save_all": True, "duration": durations, "loop": int(trial.info.get("loop", 0))}
    return open_with_pillow(data, header), timeline


def _resized(data: bytes, header: Header, icc: bytes | None, target: ImageFormat, level: int, plan: Plan) -> bytes:
    """Return the animation with every frame, upright, in a new size."""
    is_png = header.format is ImageFormat.PNG
    plain = png_chunks.rebuild(data, keep_frames=True) if is_png else webp_chunks.rebuild(data)
    image, timeline = _open(plain, header)
    stills = [_new_still(image, index, header, plan) for index in range(len(timeline["duration"]))]
    if len({still.mode for still in stills}) > 1:
        stills = [still.convert("RGBA") for still in stills]
    timeline["append_images"] = stills[1:]
    if header.has_still_apart:
        timeline["default_image"] = True
        timeline["duration"] = timeline["duration"][1:]
    width, height = plan.size
    facts = replace(header, width=width, height=height, orientation=orientation.UPRIGHT, made_at=None)
    if target is ImageFormat.PNG:
        return _as_png(stills[0], timeline, facts, icc)
    return _as_webp(stills[0], timeline, facts, icc, level)


def _new_still(image: Image.Image, index: int, header: Header, plan: Plan) -> Image.Image:
    with decoding():
        image.seek(index)
        image.load()
    still: Image.Image = image
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
        still = Image.fromarray(np.rint(np.asarray(image).astype(float) / 257).astype(np.uint8))
    elif image.mode not in ("L", "LA", "RGB", "RGBA") or image.has_transparency_data:
        still = image.convert("RGBA" if image.has_transparency_data else "RGB")
    picture = Picture(orientation.upright(still, header.orientation))
    if header.gamma is not None:
        picture = colour.apply_gamma(picture, header.gamma)
    return resized(picture, plan).image


def _smaller_webp(data: bytes, header: Header, icc: bytes | None, level: int) -> bytes:
    plain = webp.repack(data, header, icc)
    image, timeline = _open(plain, header)
    is_settled = header.made_at is not None and header.made_at <= level
    if is_settled or is_effort_reduced(header):
        return plain
    return min(plain, _as_webp(image, timeline, header, icc, level), key=len)


def _as_webp(image: Image.Image, timeline: Timeline, header: Header, icc: bytes | None, level: int) -> bytes:
    pixels = header.pixels * header.frames
    try:
        made = webp.save(image, level, pixels, **timeline)
    except (ValueError, RuntimeError, OSError):  # a huge and noisy frame overflows the format's first partition
        level = BEST
        made = webp.save(image, level, pixels, **timeline)
    # libwebp forgets a transparent canvas when every frame is an opaque rectangle on it.
    is_transparent = "A" in image.getbands() or "transparency" in image.info
    made_at = level if level < BEST else None
    return webp_chunks.rebuild(
        made, icc=icc, orientation=header.orientation, made_at=made_at, is_transparent=is_transparent
    )


def _png_to_webp(packed: bytes, header: Header, icc: bytes | None, level: int) -> bytes:
    image, timeline = _open(packed, header)
    return _as_webp(image, timeline, header, icc, level)


def _webp_to_png(data: bytes, header: Header, icc: bytes | None) -> bytes:
    image, timeline = _open(webp.repack(data, header, None), header)
    return _as_png(image, timeline, header, icc)


def _as_png(image: Image.Image, timeline: Timeline, header: Header, icc: bytes | None) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1, **timeline)
    made = out.getvalue()
    return png.repack(made, replace(png_chunks.read_header(made), orientation=header.orientation), icc)
