"""What HEIF and AVIF say of their main picture: size, turns, colours, depth, metadata."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from minipic.errors import DecodeError, ImageTooComplex

from . import effort, profiles
from .header import MAX_FRAME_PIXELS, MAX_ICC_BYTES, UPRIGHT
from .isobmff import Box, Meta, boxes, children, item_bytes, read_meta
from .kept import Metadata
from .xmp import MAX_XMP_BYTES

_MAX_EXIF_BYTES = 1024 * 1024
_SIDEWAYS = 5
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""The name of a box that holds XMP, in films above all."""
_TURNS = {
    (0, None): 1, (1, None): 8, (2, None): 3, (3, None): 6,
    (0, 0): 4, (1, 0): 5, (2, 0): 2, (3, 0): 7, (0, 1): 2, (1, 1): 7, (2, 1): 4, (3, 1): 5,
}  # fmt: skip
"""EXIF's orientation for quarter turns to the left, and then a mirror: 0 top to bottom, 1 left to right."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The main picture's: its stored size, how it is turned (EXIF's number), its colours and its bits a sample."""

    width: int
    height: int
    turned: int
    icc: bytes | None
    is_hdr: bool
    bits: int
    cut: tuple[int, int] | None = None

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height after the cut, if there is one, and the turn."""
        width, height = self.cut or (self.width, self.height)
        return (height, width) if self.turned >= _SIDEWAYS else (width, height)


def top_level(data: bytes) -> dict[bytes, Box]:
    """Return the file's outermost boxes, the first of each name; raises DecodeError.

    What follows them without being a box is no part of the file; a last box that is cut off is damage.
    """
    found: dict[bytes, Box] = {}
    for box in boxes(data, 0, len(data)):
        found.setdefault(box.name, box)
    return found


def main_meta(data: bytes) -> Meta | None:
    """Return the file's meta box; None where it has none. Raises DecodeError."""
    box = top_level(data).get(b"meta")
    return read_meta(data, box) if box else None


def read(meta: Meta) -> Facts:
    """Return the main item's facts; raises DecodeError, and ImageTooComplex for a size no part of it may have."""
    for name, content in meta.properties:
        if name == b"ispe" and len(content) >= 12:
            check_size(*struct.unpack_from(">II", content, 4))
    found = meta.properties_of(meta.primary)
    if len(found.get(b"ispe", b"")) < 12:
        raise DecodeError("The image is damaged: its main picture has no size.")
    width, height = struct.unpack_from(">II", found[b"ispe"], 4)
    if not width or not height:
        raise DecodeError("The image is damaged: a side is 0 pixels.")
    turns = found[b"irot"][0] & 3 if found.get(b"irot") else 0
    mirror = found[b"imir"][0] & 1 if found.get(b"imir") else None
    colours = [meta.properties[index - 1] for index, _ in meta.items[meta.primary].properties
               if 0 < index <= len(meta.properties)]  # fmt: skip
    icc, is_hdr = profile_of(content for name, content in colours if name == b"colr")
    return Facts(width, height, _TURNS.get((turns, mirror), UPRIGHT), icc, is_hdr, _bits(found), _cut(found))


def check_size(width: int, height: int) -> None:
    """Raise ImageTooComplex for what is larger than a frame may be; tiles and thumbnails are decoded, too."""
    if width * height > MAX_FRAME_PIXELS:
        raise ImageTooComplex(
            f"The image has a part of {width} x {height} pixels;"
            f" at most {MAX_FRAME_PIXELS // effort.MEGAPIXEL} megapixels are worked on."
        )


def profile_of(descriptions: Iterable[bytes]) -> tuple[bytes | None, bool]:
    """Return the profile that ``colr`` boxes hold or name, and whether they say HDR; a real profile goes first."""
    named: bytes | None = None
    is_hdr = False
    for content in descriptions:
        kind, rest = content[:4], content[4:]
        if kind in (b"prof", b"rICC") and 0 < len(rest) <= MAX_ICC_BYTES:
            return rest, False
        if kind == b"nclx" and len(rest) >= 6:
            primaries, transfer = struct.unpack_from(">HH", rest)
            is_hdr = transfer in profiles.HDR_TRANSFERS
            named = None if is_hdr else profiles.named(primaries, transfer)
    return named, is_hdr


def _bits(found: dict[bytes, bytes]) -> int:
    pixi, av1 = found.get(b"pixi", b""), found.get(b"av1C", b"")
    if len(pixi) >= 6:
        return max(pixi[5:])
    if len(av1) >= 4 and av1[2] & 0x40:
        return 12 if av1[2] & 0x20 else 10
    return 8


def _cut(found: dict[bytes, bytes]) -> tuple[int, int] | None:
    """Return the size of what is shown of the main picture; None for all of it."""
    if len(found.get(b"clap", b"")) < 16:
        return None
    width, width_parts, height, height_parts = struct.unpack_from(">4I", found[b"clap"])
    return (width // width_parts, height // height_parts) if width_parts and height_parts else None


def read_metadata(data: bytes) -> Metadata:
    """Return the parts of the main picture that may hold something to keep; raises DecodeError."""
    found = top_level(data)
    meta = read_meta(data, found[b"meta"]) if b"meta" in found else Meta()
    block, packet = b"", b""
    if b"uuid" in found and data[found[b"uuid"].content :][:16] == XMP_BOX:
        packet = data[found[b"uuid"].content + 16 : found[b"uuid"].end][: MAX_XMP_BYTES + 1]
    for item in meta.items.values():
        if item.kind == b"Exif" and not block:
            content = item_bytes(data, meta, item)[:_MAX_EXIF_BYTES]
            block = content[4 + int.from_bytes(content[:4], "big") :]
        elif item.content_type == b"application/rdf+xml" and not packet:
            packet = item_bytes(data, meta, item)[: MAX_XMP_BYTES + 1]
    return Metadata(exif=block.removeprefix(b"Exif\0\0"), xmp=packet)


def sample_entry(data: bytes, track: Box) -> tuple[Box, dict[bytes, Box]] | None:
    """Return a track's description of its samples, and the boxes inside; None where it has none."""
    place: Box | None = track
    for name in (b"mdia", b"minf", b"stbl", b"stsd"):
        place = children(data, place).get(name) if place else None
    if place is None:
        return None
    entry = next(iter(boxes(data, place.content + 8, place.end)), None)
    if entry is None or entry.end - entry.content < 78:
        return None
    return entry, children(data, entry, 78)
