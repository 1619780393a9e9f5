"""AVIF's films: tracks of samples, beside a main picture of their own. Read and patched in place, never rebuilt."""

import struct
from collections.abc import Iterator

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import heif_facts
from .header import Header
from .isobmff import Box, Span, boxes, children, item_bytes, make_box, read_meta
from .timeline import Timeline

_FOR_EVER = 2**64 - 1


def header_of(data: bytes, track: Box, made_at: int | None) -> Header:
    """Return what a film's track says; raises DecodeError, ImageTooComplex."""
    entry = heif_facts.sample_entry(data, track)
    if entry is None:
        raise DecodeError("The AVIF is damaged: its film is not described.")
    width, height = struct.unpack_from(">HH", data, entry[0].content + 24)
    heif_facts.check_size(width, height)
    if not width or not height:
        raise DecodeError("The AVIF is damaged: a side is 0 pixels.")
    colours = (data[box.content : box.end] for name, box in entry[1].items() if name == b"colr")
    icc, is_hdr = heif_facts.profile_of(colours)
    frames = sum(count for count, _ in _times(data, track))
    return Header(
        ImageFormat.AVIF, width, height, frames=max(1, frames), is_animated=frames > 1, icc=icc, made_at=made_at,
        is_wide=is_hdr,
    )  # fmt: skip


def picture_track(data: bytes) -> Box | None:
    """Return the track that is shown, not that of its transparency; None where there is none."""
    for track in _tracks(data):
        handler = _inside(data, track, b"mdia", b"hdlr")
        if handler and data[handler.content + 8 : handler.content + 12] == b"pict":
            return track
    return None


def _tracks(data: bytes) -> Iterator[Box]:
    movie = heif_facts.top_level(data).get(b"moov")
    if movie:
        yield from (box for box in boxes(data, movie.content, movie.end) if box.name == b"trak")


def _inside(data: bytes, box: Box | None, *names: bytes) -> Box | None:
    for name in names:
        box = children(data, box).get(name) if box else None
    return box


def _times(data: bytes, track: Box) -> list[Span]:
    """Return how many samples of a track take how long, in its own unit."""
    table = _inside(data, track, b"mdia", b"minf", b"stbl", b"stts")
    if table is None or table.end - table.content < 8:
        return []
    (count,) = struct.unpack_from(">I", data, table.content + 4)
    count = min(count, (table.end - table.content - 8) // 8)
    numbers = struct.unpack_from(f">{2 * count}I", data, table.content + 8)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def read_plays(data: bytes) -> int:
    """Return how often a film is played (0: for ever, also where nothing is said)."""
    track = picture_track(data)
    edits, head = _inside(data, track, b"edts", b"elst"), _inside(data, track, b"tkhd")
    if edits is None or head is None or edits.end - edits.content < 12 or head.content == head.end:
        return 0
    if not data[edits.content + 3] & 1:
        return 1
    once = _number(data, edits.content + 8, data[edits.content])
    total = _number(data, head.content + (28 if data[head.content] else 20), data[head.content])
    is_endless = total in (_FOR_EVER, 2**32 - 1) or not once
    return 0 if is_endless else -(-total // once)


def _number(data: bytes, at: int, version: int) -> int:
    return int.from_bytes(data[at : at + (8 if version else 4)], "big")


def with_timeline(data: bytes, timeline: Timeline) -> bytes:
    """Return a film as libavif writes it, played as often as ``timeline`` says, and without the time of its making."""
    made = bytearray(data)
    total = sum(timeline.durations) * timeline.plays if timeline.plays else _FOR_EVER
    movie = heif_facts.top_level(data).get(b"moov")
    heads = [_inside(data, movie, b"mvhd")]
    for track in _tracks(data):
        heads += [_inside(data, track, b"tkhd"), _inside(data, track, b"mdia", b"mdhd")]
    for box in heads:
        if box is not None and data[box.content] == 1:
            made[box.content + 4 : box.content + 20] = bytes(16)
            if box.name != b"mdhd":
                at = box.content + (28 if box.name == b"tkhd" else 24)
                made[at : at + 8] = total.to_bytes(8, "big")
    return bytes(made)


def emptied(data: bytes) -> bytes:
    """Return a film with zeros where metadata was, and without what stands behind its last box of a known kind."""
    made = bytearray()
    for part in boxes(data, 0, len(data)):
        if part.name in (b"ftyp", b"meta", b"moov", b"mdat"):
            if len(made) != part.start:  # what was left out in between must not move the rest
                made += make_box(b"free", bytes(part.start - len(made) - 8))
            made += data[part.start : part.end]
    for kind_at, spans in _metadata(data):
        made[kind_at : kind_at + 4] = b"free"
        for start, length in spans:
            made[start : start + length] = bytes(length)
    for holder in [heif_facts.top_level(data).get(b"moov"), *_tracks(data)]:
        for inner in boxes(data, holder.content, holder.end) if holder else ():
            if inner.name in (b"udta", b"uuid"):
                made[inner.start + 4 : inner.end] = b"free" + bytes(inner.end - inner.start - 8)
    return bytes(made)


def _metadata(data: bytes) -> Iterator[tuple[int, list[Span]]]:
    """Yield where a film's items of metadata are named, and where their bytes stand; raises DecodeError."""
    for box in [heif_facts.top_level(data).get(b"meta"), *(_inside(data, track, b"meta") for track in _tracks(data))]:
        meta = read_meta(data, box) if box else None
        for item in meta.items.values() if meta else ():
            if meta and item.kind in (b"Exif", b"mime", b"uri "):
                item_bytes(data, meta, item)  # which proves its places
                first = meta.inner_data[0] if item.is_in_meta else 0
                yield item.kind_at, [(first + start, length) for start, length in item.extents]
