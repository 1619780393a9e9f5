"""EXIF: the few tags that are read, and the smallest block that holds what is kept.

A block is a TIFF file: directories of 12-byte entries, of which some point at further directories. Exactly three are
ever visited (the main one, the camera's, the position's), so that no loop of pointers can be followed.
"""

import struct

from .header import UPRIGHT
from .kept import Kept, Tag, tidy_copyright, tidy_time

_ORIENTATION, _COPYRIGHT, _CAMERA, _POSITION = 0x0112, 0x8298, 0x8769, 0x8825
_TAKEN, _DIGITIZED = 0x9003, 0x9004
_BYTE, ASCII, _SHORT, _LONG, RATIONAL = 1, 2, 3, 4, 5
_COUNTED_BYTES = {_BYTE: 1, ASCII: 1, _SHORT: 2, _LONG: 4, RATIONAL: 8}
ORDERED_BYTES = {_BYTE: 1, ASCII: 1, _SHORT: 2, _LONG: 4, RATIONAL: 4}
_MAX_ENTRIES = 512
_MAX_VALUE_BYTES = 16_384

_POSITION_TAGS = {
    0: (_BYTE, 4), 1: (ASCII, 2), 2: (RATIONAL, 24), 3: (ASCII, 2), 4: (RATIONAL, 24), 5: (_BYTE, 1),
    6: (RATIONAL, 8), 16: (ASCII, 2), 17: (RATIONAL, 8), 18: (ASCII, 16), 31: (RATIONAL, 8),
}  # fmt: skip
"""Type and most bytes of what says where: version, latitude, longitude, altitude, direction, datum, error. When the
position was taken, and how it was processed, is not where: those tags go."""

_Directory = dict[int, Tag]


def read_orientation(tiff: bytes) -> int:
    """Return the orientation (1 to 8) in an EXIF block, from its TIFF header on; 1 where it is absent or broken."""
    tag = _main_directory(tiff).get(_ORIENTATION)
    if tag is None or tag.kind != _SHORT or len(tag.value) != 2:
        return UPRIGHT
    value = int.from_bytes(tag.value, "big")
    return value if 1 <= value <= 8 else UPRIGHT


def find(tiff: bytes) -> Kept:
    """Return what an EXIF block holds of the kinds that may be kept; nothing where it is broken."""
    main = _main_directory(tiff)
    camera = _directory(tiff, _pointer(main, _CAMERA))
    position = _directory(tiff, _pointer(main, _POSITION))
    location = tuple(
        position[number]
        for number, (kind, most_bytes) in _POSITION_TAGS.items()
        if number in position and position[number].kind == kind and len(position[number].value) <= most_bytes
    )
    is_complete = {1, 2, 3, 4} <= {tag.number for tag in location}
    return Kept(
        copyright=tidy_copyright(", ".join(filter(str.strip, _text(main, _COPYRIGHT).split("\0")))),
        creation=tidy_time(_text(camera, _TAKEN)) or tidy_time(_text(camera, _DIGITIZED)),
        location=location if is_complete else (),
    )


def tags_of(kept: Kept) -> tuple[list[Tag], dict[int, list[Tag]]]:
    """Return the main directory's tags for what is kept, and the further directories by the tag that points there."""
    main = [Tag(_COPYRIGHT, ASCII, kept.copyright.encode() + b"\0")] if kept.copyright else []
    inner: dict[int, list[Tag]] = {}
    if kept.creation:
        inner[_CAMERA] = [Tag(_TAKEN, ASCII, _exif_time(kept.creation).encode() + b"\0")]
    if kept.location:
        inner[_POSITION] = list(kept.location)
    return main, inner


def block(orientation: int, kept: Kept) -> bytes:
    """Return an EXIF block, from its TIFF header on, with the orientation and what is kept; empty without both."""
    main, inner = tags_of(kept)
    if orientation != UPRIGHT:
        main.append(Tag(_ORIENTATION, _SHORT, struct.pack(">H", orientation)))
    if not main and not inner:
        return b""
    at = 8 + len(_written([*main, *(Tag(number, _LONG, bytes(4)) for number in inner)], 8))
    behind = b""
    for number, tags in inner.items():
        main.append(Tag(number, _LONG, struct.pack(">I", at + len(behind))))
        behind += _written(tags, at + len(behind))
    return b"MM\0*" + struct.pack(">I", 8) + _written(main, 8) + behind


def _main_directory(tiff: bytes) -> _Directory:
    order = _order(tiff)
    return _directory(tiff, struct.unpack_from(order + "I", tiff, 4)[0]) if order and len(tiff) >= 8 else {}


def _order(tiff: bytes) -> str:
    return {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4], "")


def _directory(tiff: bytes, start: int | None) -> _Directory:
    """Return the sound entries of the directory at ``start``, the first of each number."""
    found: _Directory = {}
    if start is None or start + 2 > len(tiff):
        return found
    order = _order(tiff)
    (entries,) = struct.unpack_from(order + "H", tiff, start)
    for index in range(min(entries, _MAX_ENTRIES)):
        at = start + 2 + 12 * index
        if at + 12 > len(tiff):
            break
        number, kind, count = struct.unpack_from(order + "HHI", tiff, at)
        size = count * _COUNTED_BYTES.get(kind, _MAX_VALUE_BYTES)
        value_at = at + 8 if size <= 4 else struct.unpack_from(order + "I", tiff, at + 8)[0]
        if not 0 < size < _MAX_VALUE_BYTES or value_at + size > len(tiff):
            continue
        value = tiff[value_at : value_at + size]
        found.setdefault(number, Tag(number, kind, value if order == ">" else swapped(value, ORDERED_BYTES[kind])))
    return found


def swapped(value: bytes, unit_bytes: int) -> bytes:
    """Return ``value`` with the bytes of every ``unit_bytes`` of it in the other order."""
    return b"".join(value[at : at + unit_bytes][::-1] for at in range(0, len(value), unit_bytes))


def _pointer(directory: _Directory, number: int) -> int | None:
    tag = directory.get(number)
    return int.from_bytes(tag.value, "big") if tag and tag.kind == _LONG and len(tag.value) == 4 else None


def _text(directory: _Directory, number: int) -> str:
    tag = directory.get(number)
    if tag is None or tag.kind not in (ASCII, _BYTE):
        return ""
    try:
        return tag.value.decode()
    except UnicodeDecodeError:
        return tag.value.decode("latin-1")


def _exif_time(time: str) -> str:
    """Return ``time`` in EXIF's form, which has no way to leave out the time of day."""
    date, _, clock = time.partition("T")
    return date.replace("-", ":") + " " + clock + "00:00:00"[len(clock) :]


def _written(tags: list[Tag], at: int) -> bytes:
    """Return the directory of ``tags`` as it stands at the offset ``at``, the values that need room behind it."""
    entries, values = b"", b""
    values_at = at + 2 + 12 * len(tags) + 4
    for tag in sorted(tags, key=lambda tag: tag.number):
        inline = tag.value.ljust(4, b"\0")
        if len(tag.value) > 4:
            inline = struct.pack(">I", values_at + len(values))
            values += tag.value + b"\0" * (len(tag.value) % 2)
        entries += struct.pack(">HHI", tag.number, tag.kind, len(tag.value) // _COUNTED_BYTES[tag.kind]) + inline
    return struct.pack(">H", len(tags)) + entries + bytes(4) + values
