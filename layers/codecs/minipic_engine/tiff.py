"""TIFF: every page of it is read, and written without loss."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from minipic.domain.image import ImageFormat

from . import effort, exif, iptc, tiff_decode, tiff_encode, tiff_pages
from .goal import Encoded, Goal, exact
from .header import MAX_ICC_BYTES, UPRIGHT, Header
from .kept import Kept, Metadata
from .kept import Tag as ExifTag
from .picture import Picture
from .tiff_encode import Samples
from .tiff_pages import Page

MAX_OUTPUT_SIDE = 65_535
_ORDER = "<"
_WITHOUT_SIGN = frozenset({1, 4})
_BYTE_BITS, _DEEP_BITS = 8, 16
_LOSSY = frozenset({tiff_decode.OLD_JPEG, 7, 34712, 50001, 50002})
"""Compressions whose pixels can't be packed smaller than they came: JPEG of both kinds, JPEG 2000, WebP, JPEG XL."""

_CARRIED = frozenset({tiff_pages.ORIENTATION, 282, 283, 296})


def read_header(data: bytes) -> Header:
    """Return what the directories of ``data`` say; raises DecodeError, ImageTooComplex."""
    pages = tiff_pages.directories(data)
    header = _header_of(pages[0])
    if len(pages) == 1:
        return header
    return Header(
        ImageFormat.TIFF, header.width, header.height, frames=len(pages), orientation=header.orientation,
        icc=header.icc, is_deep=header.is_deep, is_wide=any(map(_is_open_ended, pages)), is_lossless=True,
        pages=tuple(page.size for page in pages),
    )  # fmt: skip


def _header_of(page: Page) -> Header:
    turned = page.number(tiff_pages.ORIENTATION, UPRIGHT)
    profile = page.tags.get(tiff_pages.ICC)
    return Header(
        ImageFormat.TIFF, *page.size,
        orientation=turned if 1 <= turned <= 8 else UPRIGHT,
        icc=profile.value if profile and len(profile.value) <= MAX_ICC_BYTES else None,
        is_deep=_bits(page) == _DEEP_BITS and not _is_open_ended(page),
        is_wide=_is_open_ended(page),
        is_lossless=True,
    )  # fmt: skip


def _bits(page: Page) -> int:
    return max(page.numbers(tiff_pages.BITS), default=1)


def _is_open_ended(page: Page) -> bool:
    """Tell whether nothing says which sample is white: floats, large numbers, and numbers with a sign.

    Of 8 bits with a sign every program makes 8 bits without.
    """
    has_sign = not set(page.numbers(tiff_pages.SAMPLE_FORMAT)) <= _WITHOUT_SIGN
    return _bits(page) > _DEEP_BITS or (has_sign and _bits(page) > _BYTE_BITS)


def read_metadata(data: bytes) -> Metadata:
    """Return the parts of the first page that may hold something to keep; raises DecodeError."""
    tags = tiff_pages.directories(data)[0].tags
    packet, records = (tags[number].value if number in tags else b"" for number in (tiff_pages.XMP, tiff_pages.IPTC))
    return Metadata(exif=data, xmp=packet, iptc=iptc.swapped_back(records))


def decode(data: bytes, header: Header) -> Picture:
    """Return the first page, 16 bits rounded to 8; raises DecodeError, ImageTooComplex."""
    return tiff_decode.picture_of(tiff_pages.with_pixels(data, tiff_pages.directories(data)[0]), header.icc)


def each_page(data: bytes) -> Iterator[tuple[Header, Picture]]:
    """Yield every page as a picture of its own; raises DecodeError, ImageTooComplex."""
    for page in tiff_pages.directories(data):
        header = _header_of(page)
        yield header, tiff_decode.picture_of(tiff_pages.with_pixels(data, page), header.icc)


def decode_deep(data: bytes, _header: Header) -> Samples | None:
    """Return the first page's samples of 16 bits; None where it has none that PNG holds, too."""
    pixels = tiff_decode.pixels_of(tiff_pages.with_pixels(data, tiff_pages.directories(data)[0]))
    return pixels.samples if pixels and pixels.samples.dtype == np.uint16 and not pixels.is_cmyk else None


def is_settled(_header: Header, _stored: Callable[[], Picture], /, level: int) -> bool:  # noqa: ARG001 - no loss
    """Tell that the file is only packed again, at every level."""
    return True


def smallest(data: bytes, header: Header, icc: bytes | None, _picture: Picture, _goal: Goal) -> Encoded:
    """Return ``data`` repacked."""
    return exact(repack(data, header, icc))


def repack(data: bytes, _header: Header, icc: bytes | None) -> bytes:
    """Return ``data`` with the same pixels on every page in fewer bytes, the first page with ``icc``.

    Further pages that there is no time for stay as they came.
    """
    pages = []
    for index, page in enumerate(tiff_pages.directories(data)):
        effort.check()
        own = tiff_pages.with_pixels(data, page, frozenset({tiff_pages.ICC}))
        if index == 0 and icc is None:
            own.tags.pop(tiff_pages.ICC, None)
        if index and effort.is_short():
            effort.lowered()
            pages.append(own)
        else:
            pages.append(_packed(own, is_proof_needed=index == 0))
    return tiff_pages.written(pages)


def _packed(own: Page, *, is_proof_needed: bool) -> Page:
    candidates = [own]
    pixels = None if own.number(tiff_pages.COMPRESSION, 1) in _LOSSY else tiff_decode.pixels_of(own)
    if pixels is None and is_proof_needed:
        tiff_decode.picture_of(own, None)
    # Of a large page the samples alone are packed: that mostly wins, and takes half of the time.
    stored = tiff_encode.deflated_as_stored(own) if pixels is None or _is_full(own) else None
    if stored is not None:
        candidates.append(stored)
    if pixels is not None:
        again = tiff_encode.encoded(pixels.samples, own.order, is_cmyk=pixels.is_cmyk)
        carried = _CARRIED | {tiff_pages.ICC}
        again.tags.update({number: tag for number, tag in own.tags.items() if number in carried})
        candidates.append(again)
    return min(candidates, key=tiff_encode.size_of)


def _is_full(page: Page) -> bool:
    return effort.is_full(page.size[0] * page.size[1])


def encode(picture: Picture, _goal: Goal) -> Encoded:
    """Return ``picture`` as a TIFF of one page."""
    return exact(encode_pages([picture]))


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
