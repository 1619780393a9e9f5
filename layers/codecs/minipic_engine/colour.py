"""Colour profiles: which are needless, which travel with the pixels, which are applied to them.

A profile that behaves like sRGB is dropped. A small RGB profile (Display P3, Adobe RGB) travels, so that wide gamut
stays faithful; large ones, all of CMYK and all of grey are applied. Grey's are never kept because an encoder may
store grey as a palette, which a grey profile does not fit. A profile that is broken, or made for other channels, is
ignored.
"""

import io
from enum import Enum

import numpy as np
from PIL import Image, ImageCms

from minipic.domain.image import ImageFormat
from minipic.errors import BadRequest, MiniPicError

from .header import Header
from .picture import Picture

_SMALL_PROFILE_BYTES = 4_096
_MAX_PATCH_DIFFERENCE = 2
_SPACES = {"L": "GRAY", "LA": "GRAY", "RGB": "RGB", "RGBA": "RGB", "CMYK": "CMYK"}
_SRGB_TOE = 0.0031308


class Verdict(Enum):
    """What becomes of a profile."""

    DROP = "drop"
    KEEP = "keep"
    APPLY = "apply"


def refusal(header: Header, target: ImageFormat, *, is_changed: bool) -> MiniPicError | None:
    """Return the error of pixels that mean nothing outside their own format; None of all others.

    Those of HDR have brightnesses that no ordinary picture has, and a TIFF's floats have no white.
    """
    if not header.is_wide or (target is header.format and not is_changed):
        return None
    kind = "numbers whose white nobody knows" if header.format is ImageFormat.TIFF else "those of HDR (PQ or HLG)"
    return BadRequest(
        f"The pixels of this {header.format.name} are {kind}. It can be packed again as it is, where its format is"
        " written, but not converted, resized or filled."
    )


def judge(icc: bytes | None, mode: str) -> Verdict:
    """Return what becomes of the profile ``icc`` on pixels of Pillow's ``mode``."""
    if icc is None:
        return Verdict.DROP
    space = _SPACES[mode]
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if profile.profile.xcolor_space.strip() != space:
            return Verdict.DROP
        if space == "CMYK":
            _to_srgb(Image.new("CMYK", (1, 1)), icc)
            return Verdict.APPLY
        patches = _patches(space)
        shown = np.asarray(_to_srgb(patches, icc), dtype=np.int16)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return Verdict.DROP
    if int(np.abs(shown - np.asarray(patches.convert("RGB"), dtype=np.int16)).max()) <= _MAX_PATCH_DIFFERENCE:
        return Verdict.DROP
    return Verdict.KEEP if space == "RGB" and len(icc) <= _SMALL_PROFILE_BYTES else Verdict.APPLY


def _patches(space: str) -> Image.Image:
    """Return a strip of pixels that spans the space: all greys, or a lattice of 6 steps a channel and the greys."""
    greys = np.arange(256, dtype=np.uint8)
    if space == "GRAY":
        return Image.fromarray(greys[None])
    steps = np.arange(0, 256, 51, dtype=np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    return Image.fromarray(np.concatenate([lattice, np.stack([greys] * 3, axis=-1)])[None])


def _to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """Return ``image`` (L, RGB or CMYK) as sRGB in mode RGB; raises PyCMSError where the profile can't be applied."""
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB"), image.mode, "RGB",
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC, flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )  # fmt: skip
    converted = ImageCms.applyTransform(image, transform)
    assert converted is not None
    return converted


def settle(picture: Picture, verdict: Verdict) -> Picture:
    """Return ``picture`` after its profile's verdict: without it, with it, or as sRGB. CMYK becomes RGB in any case."""
    image, icc = picture.image, picture.icc
    if verdict is Verdict.KEEP:
        return picture
    if verdict is Verdict.DROP or icc is None:
        return Picture(image.convert("RGB") if image.mode == "CMYK" else image)
    colours = image.convert(image.mode[:-1]) if picture.has_alpha else image
    shown = _to_srgb(colours, icc)
    if colours.mode == "L":
        shown = shown.getchannel("G")
    if picture.has_alpha:
        shown.putalpha(image.getchannel("A"))
    return Picture(shown)


def in_srgb(picture: Picture) -> Picture:
    """Return ``picture`` without a profile, for a format that holds none."""
    return picture if picture.icc is None else settle(picture, Verdict.APPLY)


def apply_gamma(picture: Picture, gamma: float) -> Picture:
    """Return ``picture``, whose values are light to the power ``gamma``, with sRGB's curve instead."""
    light = np.linspace(0, 1, 256) ** (1 / gamma)
    encoded = np.where(light <= _SRGB_TOE, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    curve = np.rint(encoded * 255).astype(int).tolist()
    bands = len(picture.image.getbands())
    colours = bands - 1 if picture.has_alpha else bands
    return Picture(picture.image.point(curve * colours + list(range(256)) * (bands - colours)), picture.icc)
