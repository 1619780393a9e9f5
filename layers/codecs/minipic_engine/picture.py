"""Decoded pixels, and the guard around every decoder.

A decoder is fed the file rebuilt without its metadata, so that no hostile tag, profile or text reaches a library.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pyvips  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image

from minipic.domain.image import Rgb
from minipic.errors import DecodeError, ImageTooComplex

from .header import Header

# Pillow's own bomb check warns and raises by other numbers than the limits in `header`, which are checked before it.
Image.MAX_IMAGE_PIXELS = None
# libvips would keep what it did last, with the files that it did it to; no job does the same twice.
pyvips.cache_set_max(0)


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame: 8-bit pixels in Pillow's mode L, LA, RGB, RGBA (or CMYK, until its colours are converted).

    ``icc`` is the profile that has to travel with the pixels; None means sRGB (or grey with sRGB's curve).
    """

    image: Image.Image
    icc: bytes | None = None

    @property
    def pixels(self) -> int:
        """The number of pixels."""
        return self.image.width * self.image.height

    @property
    def has_alpha(self) -> bool:
        """Whether there is an alpha channel."""
        return self.image.mode in ("LA", "RGBA")


@contextmanager
def decoding() -> Iterator[None]:
    """Turn what a decoder raises into DecodeError, or ImageTooComplex where memory ran out. For decoders only."""
    try:
        yield
    except (DecodeError, ImageTooComplex):
        raise
    except MemoryError as error:
        raise ImageTooComplex from error
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, EOFError, OverflowError, RuntimeError,
            struct.error, pyvips.Error) as error:  # fmt: skip
        raise DecodeError from error


def open_with_pillow(data: bytes, header: Header) -> Image.Image:
    """Open ``data`` by Pillow's decoder of its format; raises DecodeError, also when the size is not the header's."""
    with decoding():
        image = Image.open(io.BytesIO(data), formats=[header.format.value.upper()])
        if image.size != (header.width, header.height):
            raise DecodeError("The image is damaged: it gives two different sizes.")
        return image


def _least_alpha(picture: Picture) -> int:
    return int(np.asarray(picture.image.getchannel("A")).min())


def without_full_alpha(picture: Picture) -> Picture:
    """Return ``picture`` without an alpha channel that is opaque everywhere."""
    if picture.has_alpha and _least_alpha(picture) == 255:
        return replace(picture, image=picture.image.convert(picture.image.mode[:-1]))
    return picture


def filled(picture: Picture, background: Rgb) -> Picture:
    """Return ``picture`` without transparency, composed on ``background``; grey stays grey on a grey background."""
    red, green, blue = background
    mode = "RGB" if picture.image.mode == "RGBA" or not red == green == blue else "L"
    base = Image.new(mode, picture.image.size, background if mode == "RGB" else red)
    base.paste(picture.image.convert(mode), mask=picture.image.getchannel("A"))
    return replace(picture, image=base)


def without_hidden_colours(picture: Picture) -> Picture:
    """Return ``picture`` with every fully transparent pixel black, which costs nothing to look at and fewer bytes."""
    if not picture.has_alpha or _least_alpha(picture) > 0:
        return picture
    pixels = np.array(picture.image)
    pixels[pixels[..., -1] == 0] = 0
    return replace(picture, image=Image.fromarray(pixels))


def as_mode(rgba: NDArray[np.uint8], picture: Picture) -> Picture:
    """Return pixels (rows, columns, 4) in the mode of ``picture`` and with its profile; what that lacks is dropped."""
    image = Image.fromarray(rgba)
    return replace(picture, image=image if picture.image.mode == "RGBA" else image.convert(picture.image.mode))


def to_vips(picture: Picture) -> pyvips.Image:
    """Return the same pixels as an image of libvips."""
    image = picture.image
    interpretation = "b-w" if image.mode in ("L", "LA") else "srgb"
    made = pyvips.Image.new_from_memory(image.tobytes(), image.width, image.height, len(image.getbands()), "uchar")
    return made.copy(interpretation=interpretation)


def from_vips(image: pyvips.Image, icc: bytes | None) -> Picture:
    """Return the same pixels, 8 bits a sample and one to four bands, as a picture; here libvips does its work."""
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[image.bands]
    pixels = image.write_to_memory()
    return Picture(Image.frombuffer(mode, (image.width, image.height), pixels, "raw", mode, 0, 1), icc)
