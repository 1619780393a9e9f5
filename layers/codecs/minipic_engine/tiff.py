"""TIFF: read by libvips, by Pillow what that can't; written here, always without loss, every page of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyvips  # type: ignore[import-untyped]
from PIL import Image, ImageCms

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import effort, exif, iptc, tiff_encode, tiff_pages
from .header import MAX_ICC_BYTES, Header
from .kept import Kept, Metadata
from .kept import Tag as ExifTag
from .orientation import UPRIGHT
from .picture import Picture, decoding, open_with_pillow
from .tiff_encode import Samples
from .tiff_pages import Page

MAX_OUTPUT_SIDE = 65_535
_ORDER = "<"
_UNSIGNED = 1
_DEEP_BITS = 16
_LOSSY = frozenset({6, 7, 34712, 50001, 50002})
"""Compressions whose pixels can't be packed smaller than they came: JPEG of both kinds, JPEG 2000, WebP, JPEG XL."""

_PREMULTIPLIED, _STRAIGHT = 1, 2
_GREY, _RGB, _CMYK = 1, 3, 4
_CARRIED = frozenset({tiff_pages.ORIENTATION, 282, 283, 296})


@dataclass(frozen=True, slots=True)
class _Pixels:
    """A page's samples, colours first; ``colours`` is 1, 3 or 4, what follows is transparency."""

    samples: Samples
    colours: int


def read_header(data: bytes) -> Header:
    """Return what the directories of ``data`` say; raises DecodeError, ImageTooComplex."""
    pages = tiff_pages.directories(data)
    header = _header_of(pages[0])
    if len(pages) == 1:
        return header
    return Header(
        ImageFormat.TIFF, header.width, header.height, frames=len(pages), orientation=header.orientation,
        icc=header.icc, is_deep=header.is_deep, is_lossless=True, pages=tuple(page.size for page in pages),
    )  # fmt: skip


def _header_of(page: Page) -> Header:
    turned = page.number(tiff_pages.ORIENTATION, UPRIGHT)
    profile = page.tags.get(tiff_pages.ICC)
    formats = set(page.numbers(tiff_pages.SAMPLE_FORMAT)) or {_UNSIGNED}
    return Header(
        ImageFormat.TIFF, *page.size,
        orientation=turned if 1 <= turned <= 8 else UPRIGHT,
        icc=profile.value if profile and len(profile.value) <= MAX_ICC_BYTES else None,
        is_deep=max(page.numbers(tiff_pages.BITS), default=1) == _DEEP_BITS and formats == {_UNSIGNED},
        is_lossless=True,
    )  # fmt: skip


def read_metadata(data: bytes) -> Metadata:
    """Return the parts of the first page that may hold something to keep; raises DecodeError."""
    tags = tiff_pages.directories(data)[0].tags
    packet, records = (tags[number].value if number in tags else b"" for number in (tiff_pages.XMP, tiff_pages.IPTC))
    return Metadata(exif=data, xmp=packet, iptc=iptc.swapped_back(records))


def decode(data: bytes, header: Header) -> Picture:
    """Return the first page, 16 bits rounded to 8; raises DecodeError, ImageTooComplex."""
    return _picture(tiff_pages.with_pixels(data, tiff_pages.directories(data)[0]), header.icc)


def each_page(data: bytes) -> Iterator[tuple[Header, Picture]]:
    """Yield every page as a picture of its own; raises DecodeError, ImageTooComplex."""
    for page in tiff_pages.directories(data):
        header = _header_of(page)
        yield header, _picture(tiff_pages.with_pixels(data, page), header.icc)


def decode_deep(data: bytes, _header: Header) -> Samples | None:
    """Return the first page's samples of 16 bits; None where it has none that PNG holds, too."""
    pixels = _pixels(tiff_pages.with_pixels(data, tiff_pages.directories(data)[0]))
    return pixels.samples if pixels and pixels.samples.dtype == np.uint16 and pixels.colours != _CMYK else None


def _loaded(page: Page) -> pyvips.Image:
    return pyvips.Image.tiffload_buffer(tiff_pages.written([page]), fail_on="error")


def _pixels(page: Page) -> _Pixels | None:
    """Return a page's samples as they are; None where that would change what they mean."""
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
    return _Pixels(samples.reshape(image.height, image.width, image.bands), colours)


def _picture(page: Page, icc: bytes | None) -> Picture:
    with decoding():
        try:
            image = _loaded(page)
            return Picture(_in_eight_bits(image, page), icc)
        except pyvips.Error:
            return Picture(_by_pillow(page), icc)


def _in_eight_bits(image: pyvips.Image, page: Page) -> Image.Image:
    if image.format == "char":  # signed by mistake, as every viewer takes it
        image = image.copy(format="uchar")
    if image.format == "ushort":
        image = (image / 257).rint().cast("uchar")
    elif image.format != "uchar":
        image = image.colourspace("srgb").cast("uchar")
    is_cmyk = image.interpretation == "cmyk"
    colours = _CMYK if is_cmyk else _RGB if image.bands >= _RGB else _GREY
    has_alpha = next(iter(page.numbers(tiff_pages.EXTRA_SAMPLES)), 0) in (_PREMULTIPLIED, _STRAIGHT) and not is_cmyk
    image = image[: colours + has_alpha] if image.bands > colours + has_alpha else image
    mode = "CMYK" if is_cmyk else {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[image.bands]
    return Image.frombuffer(mode, (image.width, image.height), image.write_to_memory(), "raw", mode, 0, 1)


def _by_pillow(page: Page) -> Image.Image:
    image = open_with_pillow(tiff_pages.written([page]), _header_of(page))
    image.load()
    if image.mode.startswith("I;16"):
        most = (1 << page.number(tiff_pages.BITS, _DEEP_BITS)) - 1
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


def is_settled(_header: Header, _picture: Picture, /, level: int) -> bool:  # noqa: ARG001 - no level loses anything
    """Tell that the file is only packed again, at every level."""
    return True


def smallest(data: bytes, header: Header, icc: bytes | None, _picture: Picture, /, level: int) -> bytes:  # noqa: ARG001
    """Return ``data`` repacked."""
    return repack(data, header, icc)


def repack(data: bytes, _header: Header, icc: bytes | None) -> bytes:
    """Return ``data`` with the same pixels on every page in fewer bytes, the first page with ``icc``."""
    pages = []
    for index, page in enumerate(tiff_pages.directories(data)):
        own = tiff_pages.with_pixels(data, page, frozenset({tiff_pages.ICC}))
        if index == 0 and icc is None:
            own.tags.pop(tiff_pages.ICC, None)
        pages.append(_packed(own))
    return tiff_pages.written(pages)


def _packed(own: Page) -> Page:
    candidates = [own]
    pixels = None if own.number(tiff_pages.COMPRESSION, 1) in _LOSSY else _pixels(own)
    # Of a large page the samples alone are packed: that mostly wins, and takes half of the time.
    stored = tiff_encode.deflated_as_stored(own) if pixels is None or _is_full(own) else None
    if stored is not None:
        candidates.append(stored)
    if pixels is not None:
        again = tiff_encode.encoded(pixels.samples, own.order, is_cmyk=pixels.colours == _CMYK)
        carried = _CARRIED | {tiff_pages.ICC}
        again.tags.update({number: tag for number, tag in own.tags.items() if number in carried})
        candidates.append(again)
    return min(candidates, key=tiff_encode.size_of)


def _is_full(page: Page) -> bool:
    return effort.is_full(page.size[0] * page.size[1])


def encode(picture: Picture, _level: int) -> bytes:
    """Return ``picture`` as a TIFF of one page."""
    return encode_pages([picture])


def encode_pages(pictures: Iterable[Picture]) -> bytes:
    """Return ``pictures`` as a TIFF of as many pages."""
    return tiff_pages.written([tiff_encode.encoded(_samples_of(one), _ORDER, icc=one.icc) for one in pictures])


def _samples_of(picture: Picture) -> Samples:
    samples = np.asarray(picture.image)
    return samples if samples.ndim == 3 else samples[..., None]


def encode_deep(samples: Samples, icc: bytes | None, turned: int) -> bytes:
    """Return samples of 16 bits as a TIFF with an orientation."""
    page = tiff_encode.encoded(samples, _ORDER, icc=icc)
    if turned != UPRIGHT:
        page.tags[tiff_pages.ORIENTATION] = tiff_pages.make_tag(_ORDER, tiff_pages.SHORT, turned)
    return tiff_pages.written([page])


def with_metadata(data: bytes, kept: Kept, *, is_tight: bool) -> bytes:  # noqa: ARG001 - EXIF has one way only
    """Return ``data``, a result, with ``kept`` written into its first page."""
    found = tiff_pages.directories(data)
    pages = [tiff_pages.with_pixels(data, page, frozenset({tiff_pages.ICC})) for page in found]
    order, front = pages[0].order, b""
    main, inner = exif.tags_of(kept)
    for number, tags in inner.items():
        body, at = tiff_pages.directory_bytes(_in_order(tags, order), order, tiff_pages.FRONT + len(front))
        pages[0].tags[number] = tiff_pages.make_tag(order, tiff_pages.LONG, at)
        front += body + b"\0" * (len(body) % 2)
    pages[0].tags.update(_in_order(main, order))
    return tiff_pages.written(pages, front)


def _in_order(tags: list[ExifTag], order: str) -> dict[int, tiff_pages.Tag]:
    """Return EXIF's tags, which are big-endian, in ``order``."""
    return {
        tag.number: tiff_pages.Tag(
            tag.kind, tag.value if order == ">" else exif.swapped(tag.value, exif.ORDERED_BYTES[tag.kind])
        )
        for tag in tags
    }
