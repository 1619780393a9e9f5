"""GIF's container: a screen, then blocks. Read and rebuilt in plain Python; no pixel is decoded here."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import xmp
from .header import Header
from .kept import NOTHING, Kept, Metadata

_MAX_BLOCKS = 100_000
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_XMP = b"XMP DataXMP"
_XMP_TRAILER = b"\1" + bytes(range(0xFF, -1, -1)) + b"\0"
"""An XMP packet is not cut into sub-blocks: whoever skips it by its bytes as lengths lands in here, and then at a 0."""

_LEVEL = re.compile(rb"minipic:([0-9]{1,3})")
_TICK_MS = 10


@dataclass(frozen=True, slots=True)
class Block:
    """An extension (``label`` and joined content) or a frame (no label), and where it stands in the file."""

    label: int
    start: int
    end: int
    content: bytes = b""


def blocks(data: bytes) -> Iterator[Block]:
    """Yield the blocks of ``data`` up to its trailer or its end; raises DecodeError where one is cut off."""
    position = screen_end(data)
    for _ in range(_MAX_BLOCKS):
        kind = data[position : position + 1]
        if not kind or kind[0] == _TRAILER:
            return
        start = position
        if kind[0] == _EXTENSION:
            label = data[position + 1] if position + 1 < len(data) else 0
            content, position = _sub_blocks(data, position + 2, label in (_COMMENT, _APPLICATION, CONTROL))
            if label:  # an extension that has none must not pass for a frame
                yield Block(label, start, position, content)
        elif kind[0] == _IMAGE:
            if position + 11 > len(data):
                raise DecodeError("The GIF is damaged: it ends inside a frame's header.")
            flags = data[position + 9]
            position += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
            _, position = _sub_blocks(data, position, False)
            yield Block(0, start, position)
        else:
            return  # padding or rubbish behind the last frame, which every viewer ignores
    raise DecodeError("The GIF is damaged: it has more blocks than any real image.")


def screen_end(data: bytes) -> int:
    """Return where the screen's description and palette end; raises DecodeError."""
    if len(data) < 13:
        raise DecodeError("The GIF is damaged: it ends inside its header.")
    return 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)


def _sub_blocks(data: bytes, position: int, is_wanted: bool) -> tuple[bytes, int]:
    """Return the joined sub-blocks from ``position`` on, if they are wanted, and where they end."""
    parts: list[bytes] = []
    while True:
        if position >= len(data):
            raise DecodeError("The GIF is damaged: it ends inside a block.")
        length = data[position]
        if length == 0:
            return b"".join(parts), position + 1
        if is_wanted:
            parts.append(data[position + 1 : position + 1 + length])
        position += 1 + length


def read_header(data: bytes) -> Header:
    """Return what the blocks of ``data`` say; raises DecodeError."""
    width, height = struct.unpack_from("<HH", data, 6) if len(data) >= 13 else (0, 0)
    frames, made_at = 0, None
    for block in blocks(data):
        if block.label == 0:
            frames += 1
            left, top, right, bottom = struct.unpack_from("<HHHH", data, block.start + 1)
            width, height = max(width, left + right), max(height, top + bottom)  # nothing is cut off
        elif block.label == _COMMENT and (match := _LEVEL.fullmatch(block.content)):
            made_at = int(match[1])
    if not frames or not width or not height:
        raise DecodeError("The GIF is damaged: it has no frame, or a side of 0 pixels.")
    return Header(
        ImageFormat.GIF, width, height, frames=frames, is_animated=frames > 1, made_at=made_at, is_lossless=True
    )


def read_timeline(data: bytes) -> tuple[list[int], int]:
    """Return how long each frame is shown (ms), and how often all are (0: for ever)."""
    durations: list[int] = []
    delay, plays = 0, 1
    for block in blocks(data):
        if block.label == CONTROL and len(block.content) >= 4:
            delay = int.from_bytes(block.content[1:3], "little") * _TICK_MS
        elif block.label == _APPLICATION and block.content[:11] in _LOOPS and len(block.content) >= 14:
            repeats = int.from_bytes(block.content[12:14], "little")
            plays = repeats + 1 if repeats else 0  # the block counts what comes after the first time
        elif block.label == 0:
            durations.append(delay)
            delay = 0
    return durations, plays


def read_metadata(data: bytes) -> Metadata:
    """Return the parts of ``data`` that may hold something to keep; raises DecodeError."""
    for block in blocks(data):
        if block.label == _APPLICATION and block.content[:11] == _XMP:
            packet = data[block.start + 14 : block.end]  # as it stands: its text is not in sub-blocks
            return Metadata(xmp=packet[: max(0, len(packet) - len(_XMP_TRAILER))])
    return Metadata()


def rebuild(
    data: bytes, *, size: tuple[int, int] | None = None, made_at: int | None = None, kept: Kept = NOTHING
) -> bytes:
    """Return ``data`` with the same frames and timeline, and no metadata but what is given here.

    ``size`` is the screen's where it has to be another one. Raises DecodeError.
    """
    end = screen_end(data)
    parts = [b"GIF89a" + (data[6:10] if size is None else struct.pack("<HH", *size)) + data[10:end]]
    if made_at is not None:
        mark = b"minipic:%d" % made_at
        parts.append(bytes([_EXTENSION, _COMMENT, len(mark)]) + mark + b"\0")
    packet = xmp.packet(kept)
    if packet:
        parts.append(bytes([_EXTENSION, _APPLICATION, len(_XMP)]) + _XMP + packet + _XMP_TRAILER)
    for block in blocks(data):
        is_loop = block.label == _APPLICATION and block.content[:11] in _LOOPS
        if block.label in (0, CONTROL) or is_loop:
            parts.append(data[block.start : block.end])
    return b"".join([*parts, bytes([_TRAILER])])
