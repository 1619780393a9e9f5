"""HEIC and HEIF: read by libheif through pillow-heif, never written.

What there is beside the main picture goes: thumbnails, depth, an HDR picture's gain map, the other shots of a burst.
"""

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import heif_facts
from .header import Header
from .picture import Picture, decoding
from .tiff_encode import Samples

if TYPE_CHECKING:
    from pillow_heif import HeifImage

read_metadata = heif_facts.read_metadata


def read_header(data: bytes) -> Header:
    """Return what the boxes of ``data`` say; raises DecodeError, ImageTooComplex."""
    meta = heif_facts.main_meta(data)
    if meta is None:
        raise DecodeError("The HEIF has no main picture: films and bursts without one are not supported.")
    facts = heif_facts.read(meta)
    return Header(ImageFormat.HEIC, *facts.shown_size, icc=facts.icc, is_deep=facts.bits > 8, is_wide=facts.is_hdr)


def _main_picture(data: bytes, *, is_deep: bool) -> "HeifImage":
    """Return the main picture, which is decoded, turned and cut when its pixels are asked for."""
    from pillow_heif import open_heif  # noqa: PLC0415 - only a HEIC pays for loading it

    found = open_heif(io.BytesIO(data), convert_hdr_to_8bit=not is_deep)
    return found[found.primary_index]


def decode(data: bytes, header: Header) -> Picture:
    """Return the main picture upright, 10 and 12 bits rounded to 8; raises DecodeError, ImageTooComplex."""
    with decoding():
        image = _main_picture(data, is_deep=False).to_pillow()
        _check(image.size, header)
        if image.mode.startswith("I"):  # grey, which stays at 16 bits whatever is asked
            image = Image.fromarray(np.rint(np.asarray(image).astype(float) / 257).astype(np.uint8))
        elif image.mode == "RGBa":
            image = image.convert("RGBA")
        return Picture(image, header.icc)


def decode_deep(data: bytes, header: Header) -> Samples | None:
    """Return the main picture's samples, filled up to 16 bits; raises DecodeError."""
    with decoding():
        found = _main_picture(data, is_deep=True)
        samples = np.asarray(found)
        _check(found.size, header)
        if samples.dtype != np.uint16:
            return None
        deep: Samples = samples if samples.ndim == 3 else samples[..., None]
        return filled_up(deep, header_bits(data))


def header_bits(data: bytes) -> int:
    """Return the bits a sample of the main picture."""
    meta = heif_facts.main_meta(data)
    return heif_facts.read(meta).bits if meta else 8


def filled_up(samples: Samples, bits: int) -> Samples:
    """Return samples whose upper ``bits`` count with the others filled, so that white is white."""
    filled: Samples = samples | (samples >> bits)
    return filled


def _check(size: tuple[int, int], header: Header) -> None:
    if size != (header.width, header.height):
        raise DecodeError("The image is damaged: it gives two different sizes.")
