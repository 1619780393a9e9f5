"""ISO's container (HEIF, AVIF): nested boxes. Read in plain Python; no pixel is decoded here.

Only boxes that are known to hold others are entered, each at one place, so that no nesting of a stranger's is followed.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from minipic.errors import DecodeError

_MAX_BOXES = 20_000
_MAX_ITEMS = 5_000
_MAX_ITEM_BYTES = 64 * 1024 * 1024
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its name, and where it and its content stand in the file."""

    name: bytes
    start: int
    content: int
    end: int


@dataclass(slots=True)
class Item:
    """One item of a meta box: what it is, where that and its bytes stand, and its properties by their place."""

    kind: bytes
    kind_at: int = 0
    content_type: bytes = b""
    is_in_meta: bool = False
    extents: list[Span] = field(default_factory=list)
    properties: list[tuple[int, bool]] = field(default_factory=list)


@dataclass(slots=True)
class Meta:
    """What a meta box says: the main item, all items, their shared properties (from 1 on), and who refers to whom."""

    primary: int = 0
    items: dict[int, Item] = field(default_factory=dict)
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)
    references: list[tuple[bytes, int, tuple[int, ...]]] = field(default_factory=list)
    inner_data: Span = (0, 0)

    def properties_of(self, number: int) -> dict[bytes, bytes]:
        """Return an item's properties by name, the first of each."""
        found: dict[bytes, bytes] = {}
        for index, _ in self.items[number].properties if number in self.items else ():
            if 0 < index <= len(self.properties):
                found.setdefault(*self.properties[index - 1])
        return found


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two places; raises DecodeError where one is longer than what it stands in."""
    for _ in range(_MAX_BOXES):
        if start + 8 > end:
            return
        size, name = struct.unpack_from(">I4s", data, start)
        content = start + 8
        if size == 1 and start + 16 <= end:
            size, content = int.from_bytes(data[start + 8 : start + 16], "big"), start + 16
        elif size == 0:
            size = end - start
        if size < content - start or start + size > end:
            raise DecodeError("The image is damaged: one of its boxes is longer than what it stands in.")
        yield Box(name, start, content, start + size)
        start += size
    raise DecodeError("The image is damaged: it has more boxes than any real image.")


def children(data: bytes, box: Box, skipped: int = 0) -> dict[bytes, Box]:
    """Return the boxes inside ``box``, the first of each name."""
    found: dict[bytes, Box] = {}
    for inner in boxes(data, box.content + skipped, box.end):
        found.setdefault(inner.name, inner)
    return found


def make_box(name: bytes, content: bytes) -> bytes:
    """Return a box as it stands in a file."""
    return struct.pack(">I4s", len(content) + 8, name) + content


def read_meta(data: bytes, box: Box) -> Meta:
    """Return what a meta box says; raises DecodeError."""
    parts = children(data, box, 4)
    meta = Meta()
    try:
        if b"pitm" in parts:
            head = parts[b"pitm"].content
            wide = data[head] > 0
            meta.primary = int.from_bytes(data[head + 4 : head + (8 if wide else 6)], "big")
        if b"iinf" in parts:
            _read_items(data, parts[b"iinf"], meta)
        if b"iloc" in parts:
            _read_places(data, parts[b"iloc"], meta)
        if b"iref" in parts:
            _read_references(data, parts[b"iref"], meta)
        if b"iprp" in parts:
            _read_properties(data, parts[b"iprp"], meta)
    except (struct.error, IndexError, ValueError) as error:
        raise DecodeError("The image is damaged: a list of its parts ends too early.") from error
    if b"idat" in parts:
        meta.inner_data = (parts[b"idat"].content, parts[b"idat"].end)
    return meta


def _read_items(data: bytes, box: Box, meta: Meta) -> None:
    for entry in boxes(data, box.content + (8 if data[box.content] else 6), box.end):
        version = data[entry.content]
        at = entry.content + 4
        if entry.name != b"infe" or version < 2:
            continue
        wide = 4 if version > 2 else 2
        number, kind = int.from_bytes(data[at : at + wide], "big"), data[at + wide + 2 : at + wide + 6]
        texts = data[at + wide + 6 : entry.end].split(b"\0")
        meta.items.setdefault(
            number, Item(kind, at + wide + 2, texts[1] if kind == b"mime" and len(texts) > 1 else b"")
        )
        if len(meta.items) > _MAX_ITEMS:
            raise DecodeError("The image is damaged: it has more parts than any real image.")


def _read_places(data: bytes, box: Box, meta: Meta) -> None:
    version, (sizes, more) = data[box.content], data[box.content + 4 : box.content + 6]
    offset_bytes, length_bytes, base_bytes = sizes >> 4, sizes & 15, more >> 4
    index_bytes = more & 15 if version else 0
    at, room = box.content + 6, _MAX_BOXES

    def number(length: int) -> int:
        nonlocal at
        if at + length > box.end:
            raise IndexError
        value = int.from_bytes(data[at : at + length], "big")
        at += length
        return value

    for _ in range(min(number(4 if version > 1 else 2), _MAX_ITEMS)):
        item = meta.items.get(number(4 if version > 1 else 2)) or Item(b"")
        item.is_in_meta = bool(number(2) & 15) if version else False
        number(2)
        base = number(base_bytes)
        count = number(2)
        room -= count  # which bounds those that take no byte in the file, too
        if room < 0:
            raise DecodeError("The image is damaged: it has more parts than any real image.")
        for _ in range(count):
            number(index_bytes)
            start = base + number(offset_bytes)
            item.extents.append((start, number(length_bytes)))


def _read_references(data: bytes, box: Box, meta: Meta) -> None:
    wide = 4 if data[box.content] else 2
    for entry in boxes(data, box.content + 4, box.end):
        at = entry.content + wide + 2
        count = min(int.from_bytes(data[at - 2 : at], "big"), (entry.end - at) // wide)
        ids = [int.from_bytes(data[at + n * wide : at + (n + 1) * wide], "big") for n in range(count)]
        source = int.from_bytes(data[entry.content : entry.content + wide], "big")
        meta.references.append((entry.name, source, tuple(ids)))


def _read_properties(data: bytes, box: Box, meta: Meta) -> None:
    for part in boxes(data, box.content, box.end):
        if part.name == b"ipco":
            meta.properties += [(inner.name, data[inner.content : inner.end]) for inner in boxes(
                data, part.content, part.end)]  # fmt: skip
        elif part.name == b"ipma":
            _read_links(data, part, meta)


def _read_links(data: bytes, part: Box, meta: Meta) -> None:
    """Read which item has which properties; what is said of an item a second time counts for nothing."""
    version, flags = data[part.content], data[part.content + 3]
    wide, index_bytes = (4 if version else 2), (2 if flags & 1 else 1)
    top = 1 << 8 * index_bytes - 1
    (count,) = struct.unpack_from(">I", data, part.content + 4)
    at = part.content + 8
    for _ in range(min(count, _MAX_ITEMS)):
        item = meta.items.get(int.from_bytes(data[at : at + wide], "big"))
        first, links = at + wide + 1, data[at + wide]
        at = first + links * index_bytes
        if at > part.end:
            raise IndexError
        if item and not item.properties:
            values = (int.from_bytes(data[n : n + index_bytes], "big") for n in range(first, at, index_bytes))
            item.properties += [(value & top - 1, bool(value & top)) for value in values]


def item_bytes(data: bytes, meta: Meta, item: Item) -> bytes:
    """Return an item's bytes, of which none lies outside the file; raises DecodeError."""
    first, end = meta.inner_data if item.is_in_meta else (0, len(data))
    parts, total = [], 0
    for start, given in item.extents:
        length = given or end - first - start  # 0: to the end
        total += length
        if start + length > end - first or length < 0 or total > max(len(data), _MAX_ITEM_BYTES):
            raise DecodeError("The image is damaged: a part of it lies outside the file.")
        parts.append(data[first + start : first + start + length])
    return b"".join(parts)
