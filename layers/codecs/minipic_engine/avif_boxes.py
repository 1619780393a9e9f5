"""AVIF's container: read and rebuilt in plain Python; no pixel is decoded here."""

import struct

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import avif_film, exif, heif_facts, xmp
from .header import Header
from .isobmff import Box, Item, Meta, Span, item_bytes, make_box, read_meta
from .kept import NOTHING, Kept

_LEVEL = b"mpic"
_SILENT = frozenset({b"udes", b"cclv", b"mdcv", b"clli", b"amve", b"reve", b"ndwt"})
"""Properties that a rebuilt file does without: descriptions, and hints for HDR screens where the picture is none."""

_HDR_HINTS = frozenset({b"cclv", b"mdcv", b"clli", b"amve", b"reve", b"ndwt"})
_PARTS_OF_A_PICTURE = frozenset({b"dimg", b"auxl", b"prem"})
ALPHA_TYPES = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0", b"urn:mpeg:hevc:2015:auxid:1\0")
_GAIN_MAP = b"tmap"
_HANDLER = b"\0\0\0\0\0\0\0\0pict" + bytes(13)


def read_header(data: bytes) -> Header:
    """Return what the boxes of ``data`` say; raises DecodeError, ImageTooComplex."""
    found = heif_facts.top_level(data)
    made_at = None
    if _LEVEL in found and found[_LEVEL].end - found[_LEVEL].content == 1:
        made_at = data[found[_LEVEL].content]
    track = _shown_track(data, found)
    if track is not None:
        return avif_film.header_of(data, track, made_at)
    if b"meta" not in found:
        raise DecodeError("The AVIF is damaged: it has no main picture and no film.")
    facts = heif_facts.read(read_meta(data, found[b"meta"]))
    return Header(
        ImageFormat.AVIF, facts.width, facts.height, orientation=facts.turned, icc=facts.icc, made_at=made_at,
        is_deep=facts.bits > 8, is_wide=facts.is_hdr,
    )  # fmt: skip


def _shown_track(data: bytes, found: dict[bytes, Box]) -> Box | None:
    """Return the track that browsers play, as the main brand decides; None where they show the main picture."""
    return avif_film.picture_track(data) if data[8:12] == b"avis" or b"meta" not in found else None


def marked(data: bytes, made_at: int | None) -> bytes:
    """Return ``data``, which has no mark, with the level that it was made at."""
    return data if made_at is None else data + make_box(_LEVEL, bytes([made_at]))


def rebuild(data: bytes, header: Header, icc: bytes | None, made_at: int | None, kept: Kept = NOTHING) -> bytes:
    """Return ``data`` with the same pixels and no metadata but what is given here; raises DecodeError.

    A film keeps its structure, in which whatever holds metadata is emptied.
    """
    found = heif_facts.top_level(data)
    if _shown_track(data, found) is not None:
        packet = xmp.packet(kept)  # an item would move all samples; a box of its own at the end moves nothing
        told = make_box(b"uuid", heif_facts.XMP_BOX + packet) if packet else b""
        return marked(avif_film.emptied(data) + told, made_at)
    meta = read_meta(data, found[b"meta"])
    block = exif.block(1, kept)
    return marked(still(data, found, meta, header, icc, block), made_at)


def _needed(meta: Meta) -> list[int]:
    """Return the items that the main picture consists of: itself, its tiles, its transparency and the tiles of that."""
    parts: dict[int, list[int]] = {}
    for kind, source, targets in meta.references:
        if kind == b"dimg":
            parts.setdefault(source, []).extend(targets)
        elif kind == b"auxl" and meta.properties_of(source).get(b"auxC", b"")[4:].startswith(ALPHA_TYPES):
            for target in targets:
                parts.setdefault(target, []).append(source)
    needed = {meta.primary: None}
    waiting = [meta.primary]
    for number in waiting:
        found = dict.fromkeys(part for part in parts.get(number, ()) if part in meta.items and part not in needed)
        needed |= found
        waiting += found
    return waiting


def _contents(data: bytes, meta: Meta, items: list[Item]) -> list[bytes]:
    """Return what the items hold; equal tiles, which may stand in a file once, are one object.

    Raises DecodeError where different items overlap, which could make a small file a very large one.
    """
    known: dict[tuple[Span, ...], bytes] = {}
    room = len(data)
    contents = []
    for item in items:
        place = ((item.is_in_meta, 0), *item.extents)
        if place not in known:
            known[place] = item_bytes(data, meta, item)
            room -= len(known[place])
        if room < 0:
            raise DecodeError("The AVIF is damaged: its parts overlap.")
        contents.append(known[place])
    return contents


def _brands(data: bytes, found: dict[bytes, Box]) -> bytes:
    """Return the box of brands without the one of a gain map: without the map, decoders refuse to open what has it."""
    content = data[found[b"ftyp"].content : found[b"ftyp"].end]
    names = (content[at : at + 4] for at in range(8, len(content), 4))
    return make_box(b"ftyp", content[:8] + b"".join(name for name in names if name != _GAIN_MAP))


def still(data: bytes, found: dict[bytes, Box], meta: Meta, header: Header, icc: bytes | None, block: bytes) -> bytes:
    """Return a file of the main item in ``meta`` and what it consists of, all of it in ``data``."""
    numbers = {old: new for new, old in enumerate(_needed(meta), 1)}
    items = [meta.items[old] for old in numbers]
    contents = _contents(data, meta, items)
    references = [
        (kind, numbers[source], [numbers[target] for target in targets if target in numbers])
        for kind, source, targets in meta.references
        if kind in _PARTS_OF_A_PICTURE and source in numbers
    ]
    if block:
        items.append(Item(b"Exif"))
        contents.append(bytes(4) + block)
        references.append((b"cdsc", len(items), [1]))
    hidden = _SILENT - _HDR_HINTS if header.is_wide else _SILENT
    properties, links = _used_properties(meta, items, hidden, has_icc=icc is not None)
    entries = [
        make_box(b"infe", b"\2\0\0" + bytes([index > 1]) + struct.pack(">HH", index, 0) + item.kind + b"\0")
        for index, item in enumerate(items, 1)
    ]
    refers = b"".join(
        make_box(kind, struct.pack(f">HH{len(targets)}H", source, len(targets), *targets))
        for kind, source, targets in references
        if targets
    )
    ipco = b"".join(make_box(name, content) for name, content in properties)
    ipma = struct.pack(">I", len(items)) + b"".join(links)
    wide = b"\0\0\0\1" if len(properties) > 127 else b"\0\0\0\0"
    brands = _brands(data, found)

    def whole(start: int) -> bytes:
        places, starts = b"", dict[bytes, int]()
        for index, content in enumerate(contents, 1):
            if content not in starts:
                starts[content] = start
                start += len(content)
            places += struct.pack(">HHHII", index, 0, 1, starts[content], len(content))
        parts = make_box(b"hdlr", _HANDLER) + make_box(b"pitm", b"\0\0\0\0\0\1")
        parts += make_box(b"iloc", b"\0\0\0\0\x44\0" + struct.pack(">H", len(contents)) + places)
        parts += make_box(b"iinf", struct.pack(">IH", 0, len(entries)) + b"".join(entries))
        if refers:
            parts += make_box(b"iref", bytes(4) + refers)
        parts += make_box(b"iprp", make_box(b"ipco", ipco) + make_box(b"ipma", wide + ipma))
        return brands + make_box(b"meta", bytes(4) + parts)

    return whole(len(whole(0)) + 8) + make_box(b"mdat", b"".join(dict.fromkeys(contents)))


def _used_properties(
    meta: Meta, items: list[Item], hidden: frozenset[bytes], *, has_icc: bool
) -> tuple[list[tuple[bytes, bytes]], list[bytes]]:
    """Return the properties that ``items`` have, and each item's links to them as they stand in a file."""
    places: dict[int, int] = {}
    rows: list[tuple[int, list[tuple[int, bool]]]] = []
    for number, item in enumerate(items, 1):
        row = []
        for index, is_essential in item.properties:
            if not 0 < index <= len(meta.properties):
                continue
            name, content = meta.properties[index - 1]
            if name in hidden or (name == b"colr" and content[:4] in (b"prof", b"rICC") and not has_icc):
                continue
            row.append((places.setdefault(index, len(places) + 1), is_essential))
        rows.append((number, row))
    letter, top = ("H", 1 << 15) if len(places) > 127 else ("B", 1 << 7)
    links = [
        struct.pack(f">HB{len(row)}{letter}", number, len(row), *(index | top * essential for index, essential in row))
        for number, row in rows
    ]
    return [meta.properties[index - 1] for index in places], links
