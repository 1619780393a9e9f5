"""TIFF's container: a chain of directories, one a page. Read and rebuilt in plain Python; no pixel is decoded here.

A page is taken out of its file whole: its tags that give the pixels their meaning, and its strips or tiles. So no tag
that a stranger made up, no further directory and no pointer out of the file ever reaches a decoder.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from minipic.errors import DecodeError, ImageTooComplex

from .header import MAX_FRAMES

KIND, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
STRIPS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_BYTES = 273, 274, 277, 278, 279
PLANES, PREDICTOR, PALETTE, TILES, TILE_BYTES = 284, 317, 320, 324, 325
EXTRA_SAMPLES, SAMPLE_FORMAT, ICC, XMP, IPTC = 338, 339, 34675, 700, 33723
COPYRIGHT, CAMERA, POSITION = 33432, 34665, 34853
_MEANING = frozenset({
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, 266, ORIENTATION, SAMPLES, ROWS_PER_STRIP, 282, 283, PLANES, 292,
    293, 296, PREDICTOR, PALETTE, 322, 323, 332, 334, 336, EXTRA_SAMPLES, SAMPLE_FORMAT, 340, 341, 347, 529, 530, 531,
    532,
})  # fmt: skip
"""What a decoder needs, and the resolution: a fax's pixels are not square."""

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_UNIT_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q"}
_MAX_ENTRIES = 1_000
_MAX_SEGMENTS = 300_000
_REDUCED_OR_MASK = 1 | 4
FRONT = 8
"""Where what follows the first pointer stands."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag's type and its values as they stand in the file, in the file's byte order."""

    kind: int
    value: bytes

    @property
    def count(self) -> int:
        """The number of values."""
        return len(self.value) // _UNIT_BYTES[self.kind]


@dataclass(frozen=True, slots=True)
class Page:
    """One picture: its tags, and its strips or tiles."""

    order: str
    tags: dict[int, Tag]
    segments: tuple[bytes | memoryview, ...] = ()

    def numbers(self, number: int) -> tuple[int, ...]:
        """Return a tag's values; none where it is absent or no whole number."""
        tag = self.tags.get(number)
        letter = _LETTERS.get(tag.kind, "") if tag else ""
        return struct.unpack(f"{self.order}{tag.count}{letter}", tag.value) if tag and letter else ()

    def number(self, number: int, default: int) -> int:
        """Return a tag's first value."""
        return next(iter(self.numbers(number)), default)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        return self.number(WIDTH, 0), self.number(HEIGHT, 0)

    @property
    def is_tiled(self) -> bool:
        """Whether it comes in tiles."""
        return TILE_BYTES in self.tags or TILES in self.tags


def make_tag(order: str, kind: int, *values: int) -> Tag:
    """Return a tag of whole numbers."""
    return Tag(kind, struct.pack(f"{order}{len(values)}{_LETTERS[kind]}", *values))


def directories(data: bytes) -> list[Page]:
    """Return the pages of ``data`` without their pixels; raises DecodeError, ImageTooComplex.

    A directory that says to be another one's thumbnail or mask is no page, unless there is nothing else.
    """
    order = "<" if data[:2] == b"II" else ">"
    is_big = len(data) > 4 and struct.unpack_from(order + "H", data, 2) == (43,)
    found: list[Page] = []
    seen: set[int] = set()
    values = _Values(data)
    at = _offset(data, order, 8 if is_big else 4, is_big)
    while at and at not in seen:
        seen.add(at)
        tags, at = _directory(values, order, at, is_big)
        found.append(Page(order, tags))
        if len(found) > MAX_FRAMES:
            raise ImageTooComplex(f"The image has more than {MAX_FRAMES} pages; at most {MAX_FRAMES} are worked on.")
    pages = [page for page in found if not page.number(KIND, 0) & _REDUCED_OR_MASK] or found
    if not pages or not all(all(page.size) for page in pages):
        raise DecodeError("The TIFF is damaged: it has no page, or a page without a size.")
    return pages


def _offset(data: bytes, order: str, at: int, is_big: bool) -> int:
    try:
        return int(struct.unpack_from(order + ("Q" if is_big else "I"), data, at)[0])
    except struct.error as error:
        raise DecodeError("The TIFF is damaged: it ends inside its structure.") from error


class _Values:
    """The values of a file's tags, one object for all tags that share one, and in all not much more than the file.

    So that a small file whose directories lie over each other becomes no large one.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._known: dict[tuple[int, int], bytes] = {}
        self._room = 2 * len(data)

    def take(self, length: int) -> None:
        """Count bytes of the file that were read; raises DecodeError when most of them were read before."""
        self._room -= length
        if self._room < 0:
            raise DecodeError("The TIFF is damaged: its directories overlap.")

    def at(self, start: int, length: int) -> bytes:
        """Return the bytes at a place; raises DecodeError."""
        place = start, length
        if place not in self._known:
            self.take(length)
            self._known[place] = self.data[start : start + length]
        return self._known[place]


def _directory(values: _Values, order: str, at: int, is_big: bool) -> tuple[dict[int, Tag], int]:
    """Return the sound tags of the directory at ``at``, and where the next one is (0: nowhere)."""
    data = values.data
    entry, inline = (20, 8) if is_big else (12, 4)
    if at + 8 > len(data):
        raise DecodeError("The TIFF is damaged: a directory lies outside the file.")
    count = struct.unpack_from(order + ("Q" if is_big else "H"), data, at)[0]
    first = at + (8 if is_big else 2)
    if count > _MAX_ENTRIES or first + count * entry > len(data):
        raise DecodeError("The TIFF is damaged: a directory has more entries than any real image.")
    values.take(count * entry)
    tags: dict[int, Tag] = {}
    for place in range(first, first + count * entry, entry):
        number, kind = struct.unpack_from(order + "HH", data, place)
        length = _offset(data, order, place + 4, is_big) * _UNIT_BYTES.get(kind, 0)
        start = place + 4 + inline
        start = start if length <= inline else _offset(data, order, start, is_big)
        if length > 0 and start + length <= len(data):
            tags.setdefault(number, Tag(kind, values.at(start, length)))
    end = first + count * entry
    return tags, _offset(data, order, end, is_big) if end + inline <= len(data) else 0


def with_pixels(data: bytes, page: Page, keep: frozenset[int] = frozenset()) -> Page:
    """Return ``page`` with its strips or tiles, and of its tags those that give them their meaning; raises DecodeError.

    All pieces together are never larger than the file: those of a real image do not overlap.
    """
    offsets = page.numbers(TILES if page.is_tiled else STRIPS)
    lengths = page.numbers(TILE_BYTES if page.is_tiled else STRIP_BYTES)
    if len(offsets) == 1 and not lengths:
        lengths = (max(0, len(data) - offsets[0]),)
    if not offsets or len(offsets) > len(lengths) or len(offsets) > _MAX_SEGMENTS:
        raise DecodeError("The TIFF is damaged: it does not say where its pixels are.")
    pieces = list(zip(offsets, lengths, strict=False))
    if sum(lengths[: len(offsets)]) > len(data) or any(start >= len(data) for start, length in pieces if length):
        raise DecodeError("The TIFF is damaged: its pixels lie outside the file.")
    kept = {number: tag for number, tag in page.tags.items() if number in _MEANING | keep}
    whole = memoryview(data)  # a page may be as large as the file, which there is no need to hold twice
    return Page(page.order, kept, tuple(whole[start : start + length] for start, length in pieces))


def written(pages: Sequence[Page], front: bytes = b"") -> bytes:
    """Return a file of these pages, all in the first one's byte order; ``front`` stands at ``FRONT``."""
    order = pages[0].order
    parts: list[bytes | memoryview] = [b"II*\0" if order == "<" else b"MM\0*", b"\0\0\0\0", front]
    size, link = FRONT + len(front), 1
    for page in pages:
        offsets = []
        for segment in page.segments:
            offsets.append(size)
            padding = b"\0" * (len(segment) % 2)
            parts += (segment, padding)
            size += len(segment) + len(padding)
        lengths = tuple(map(len, page.segments))
        where, how_long = (TILES, TILE_BYTES) if page.is_tiled else (STRIPS, STRIP_BYTES)
        tags = page.tags | {
            where: make_tag(order, LONG, *offsets),
            how_long: make_tag(order, SHORT if max(lengths) < 65_536 else LONG, *lengths),
        }
        body, at = directory_bytes(tags, order, size)
        parts[link] = bytes(parts[link][:-4]) + struct.pack(order + "I", at)
        parts.append(body)
        size += len(body)
        link = len(parts) - 1
    return b"".join(parts)


def directory_bytes(tags: dict[int, Tag], order: str, start: int) -> tuple[bytes, int]:
    """Return the values that need room and then the directory, with a link of 0 at its end, and where it begins."""
    values, entries = b"", b""
    for number, tag in sorted(tags.items()):
        inline = tag.value.ljust(4, b"\0")
        if len(tag.value) > 4:
            inline = struct.pack(order + "I", start + len(values))
            values += tag.value + b"\0" * (len(tag.value) % 2)
        entries += struct.pack(order + "HHI", number, tag.kind, tag.count) + inline
    return values + struct.pack(order + "H", len(tags)) + entries + bytes(4), start + len(values)
