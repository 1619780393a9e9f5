"""TIFF's pixels: read by libvips, by Pillow what that can't."""

from dataclasses import dataclass

import numpy as np
import pyvips  # type: ignore[import-untyped]
from PIL import Image, ImageCms

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import tiff_pages
from .header import Header
from .picture import Picture, decoding, open_with_pillow
from .tiff_encode import Samples
from .tiff_pages import Page

OLD_JPEG, _JPEG = 6, 7
_YCC, _SUBSAMPLING, _IN_PLANES = 6, 530, 2
_MOST_BITS = 16
_PREMULTIPLIED, _STRAIGHT = 1, 2
_GREY, _RGB, _CMYK = 1, 3, 4


@dataclass(frozen=True, slots=True)
class Pixels:
    """A page's samples, colours first; ``colours`` is 1, 3 or 4, what follows is transparency."""

    samples: Samples
    colours: int

    @property
    def is_cmyk(self) -> bool:
        """Whether the colours are inks."""
        return self.colours == _CMYK


def _loaded(page: Page) -> pyvips.Image:
    return pyvips.Image.tiffload_buffer(tiff_pages.written([page]), fail_on="error")


def _is_misread(page: Page) -> bool:
    """Tell whether libvips would show a page wrongly without a word.

    It makes black of JPEG of the old style, and takes luma and differences of colour, where they are as many, for RGB.
    """
    packing = page.number(tiff_pages.COMPRESSION, 1)
    are_many = page.numbers(_SUBSAMPLING) == (1, 1) or page.number(tiff_pages.PLANES, 1) == _IN_PLANES
    return packing == OLD_JPEG or (packing != _JPEG and are_many and page.number(tiff_pages.PHOTOMETRIC, 0) == _YCC)


def pixels_of(page: Page) -> Pixels | None:
    """Return a page's samples as they are; None where that would change what they mean."""
    if _is_misread(page):
        return None
    extra = page.numbers(tiff_pages.EXTRA_SAMPLES)
    try:
        image = _loaded(page)
        colours = {"b-w": _GREY, "grey16": _GREY, "srgb": _RGB, "rgb16": _RGB, "cmyk": _CMYK}.get(image.interpretation)
        if image.format not in ("uchar", "ushort") or colours is None or extra not in ((), (_STRAIGHT,)):
            return None
        if image.bands != colours + len(extra) or (colours == _CMYK and extra):
            return None
        kind = np.uint8 if image.format == "uchar" else np.uint16
        samples = np.frombuffer(image.write_to_memory(), kind)
    except pyvips.Error:
        return None
    return Pixels(samples.reshape(image.height, image.width, image.bands), colours)


def picture_of(page: Page, icc: bytes | None) -> Picture:
    """Return a page in 8 bits a sample; raises DecodeError, ImageTooComplex."""
    with decoding():
        if _is_misread(page):
            return Picture(by_pillow(page), icc)
        try:
            image = _loaded(page)
            return Picture(_in_eight_bits(image, page), icc)
        except pyvips.Error:
            return Picture(by_pillow(page), icc)


def _in_eight_bits(image: pyvips.Image, page: Page) -> Image.Image:
    if image.format == "char":  # signed by mistake, as every viewer takes it
        image = image.copy(format="uchar")
    if image.format == "ushort":
        image = (image / 257).rint().cast("uchar")
    elif image.format != "uchar":
        image = image.colourspace("srgb").cast("uchar")
    is_cmyk = image.interpretation == "cmyk"
    colours = _CMYK if is_cmyk else _RGB if image.bands >= _RGB else _GREY
    # A channel too many that is not described is transparency for every program.
    has_alpha = next(iter(page.numbers(tiff_pages.EXTRA_SAMPLES)), _STRAIGHT) in (_PREMULTIPLIED, _STRAIGHT)
    has_alpha = has_alpha and image.bands > colours and not is_cmyk
    image = image[: colours + has_alpha] if image.bands > colours + has_alpha else image
    mode = "CMYK" if is_cmyk else {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[image.bands]
    return Image.frombuffer(mode, (image.width, image.height), image.write_to_memory(), "raw", mode, 0, 1)


def by_pillow(page: Page) -> Image.Image:
    """Return a page in 8 bits a sample as Pillow reads it; raises what that raises, and DecodeError."""
    image = open_with_pillow(tiff_pages.written([page]), Header(ImageFormat.TIFF, *page.size))
    image.load()
    if image.mode.startswith("I;16"):
        most = (1 << page.number(tiff_pages.BITS, _MOST_BITS)) - 1
        return Image.fromarray(np.rint(np.asarray(image).astype(float) * 255 / most).astype(np.uint8))
    if image.mode == "LAB":
        lab = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        shown = ImageCms.applyTransform(image, lab)
        assert shown is not None
        return shown
    if image.mode in ("I", "F"):
        raise DecodeError("This kind of TIFF is not supported: its samples have no known range.")
    if image.mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")
