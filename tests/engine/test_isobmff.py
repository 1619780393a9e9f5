"""The container of HEIF and AVIF: boxes, the items in a meta box, and bounds on both."""

import struct
import time

import pytest

from minipic.errors import DecodeError
from minipic_engine import isobmff
from minipic_engine.isobmff import make_box


def full(name: bytes, content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """Return a box with a version."""
    return make_box(name, bytes([version]) + flags.to_bytes(3, "big") + content)


def meta_of(*parts: bytes) -> isobmff.Meta:
    """Return what a meta box of these parts says."""
    data = full(b"meta", b"".join(parts))
    return isobmff.read_meta(data, next(isobmff.boxes(data, 0, len(data))))


def items_of(count: int) -> bytes:
    """Return a list of ``count`` items."""
    entries = b"".join(full(b"infe", struct.pack(">HH4s", n, 0, b"av01") + b"\0", 2) for n in range(1, count + 1))
    return full(b"iinf", struct.pack(">H", count) + entries)


def test_boxes_are_bounded() -> None:
    """Endless lists of boxes and items, and items outside the file, are a DecodeError."""
    with pytest.raises(DecodeError, match="more boxes"):
        list(isobmff.boxes(b"\0\0\0\x08free" * 30_000, 0, 240_000))
    wide = b"\0\0\0\1free" + struct.pack(">Q", 16) + b"\0\0\0\0last"
    assert [box.name for box in isobmff.boxes(wide, 0, len(wide))] == [b"free", b"last"]
    meta = isobmff.Meta()
    with pytest.raises(DecodeError, match="outside"):
        isobmff.item_bytes(b"abc", meta, isobmff.Item(b"x", extents=[(2, 9)]))
    assert isobmff.item_bytes(b"abc", meta, isobmff.Item(b"x", extents=[(1, 0)])) == b"bc"
    with pytest.raises(DecodeError, match="more parts"):
        meta_of(items_of(5_001))


def test_wide_numbers() -> None:
    """Items, references and links are read in the long form as in the short one; items of the old kind are none."""
    entry = full(b"infe", struct.pack(">IH4s", 70_000, 0, b"mime") + b"\0a/b\0", 3)
    old = full(b"infe", struct.pack(">HH", 9, 0) + b"\0", 0)
    places = b"\x44\x40" + struct.pack(">IIHHIHII", 1, 70_000, 1, 0, 100, 1, 5, 3)
    meta = meta_of(
        full(b"pitm", struct.pack(">I", 70_000), 1),
        full(b"iinf", struct.pack(">I", 2) + entry + old, 1),
        full(b"iloc", places, 2),
        full(b"iref", make_box(b"cdsc", struct.pack(">IHI", 70_000, 1, 70_001)), 1),
        make_box(b"iprp", make_box(b"ipco", make_box(b"ispe", b"size") + make_box(b"irot", b"\1")) + full(
            b"ipma", struct.pack(">IIB2H", 1, 70_000, 2, 0x8002, 0x7FFF), 1, 1)),
    )  # fmt: skip
    assert (meta.primary, list(meta.items)) == (70_000, [70_000])
    item = meta.items[70_000]
    assert (item.kind, item.content_type, item.is_in_meta, item.extents) == (b"mime", b"a/b", True, [(105, 3)])
    assert item.properties == [(2, True), (0x7FFF, False)]
    assert meta.properties_of(70_000) == {b"irot": b"\1"}
    assert meta.properties_of(1) == {}
    assert meta.references == [(b"cdsc", 70_000, (70_001,))]


def test_data_in_the_meta_box() -> None:
    """An item may stand in the meta box itself, counted from where its data begins; a box may say nothing of any."""
    places = full(b"iloc", b"\x44\0" + struct.pack(">HHHHHII", 1, 1, 1, 0, 1, 2, 3), 1)
    data = full(b"meta", items_of(1) + places + make_box(b"idat", b"abcdefg"))
    meta = isobmff.read_meta(data, next(isobmff.boxes(data, 0, len(data))))
    assert isobmff.item_bytes(data, meta, meta.items[1]) == b"cde"
    assert meta_of() == isobmff.Meta()


def repeated(count: int) -> bytes:
    """Return places of items with tens of thousands of parts each, none of which takes a byte."""
    return full(b"iloc", b"\0\0" + struct.pack(">H", count) + struct.pack(">HHH", 1, 0, 65_535) * count)


BOMBS = {
    "places": lambda: items_of(1) + repeated(1_000),
    "references": lambda: full(b"iref", make_box(b"dimg", struct.pack(">HH", 1, 65_535)) * 19_000),
    "links": lambda: items_of(5) + make_box(b"iprp", full(b"ipma", struct.pack(">I", 5_000)) * 9_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_lists_that_are_not_there(name: str) -> None:
    """A list that says to be far longer than its box is told or passed over at once."""
    content = BOMBS[name]()
    started_s = time.monotonic()
    try:
        meta = meta_of(content)
    except DecodeError:
        meta = isobmff.Meta()
    assert sum(len(targets) for _, _, targets in meta.references) == 0
    assert time.monotonic() - started_s < 1


def test_lists_that_end_too_early() -> None:
    """A list that is cut off is a DecodeError, and what is said of an item a second time counts for nothing."""
    for parts in ([full(b"iloc", b"\x44")], [items_of(1), full(b"iloc", b"\x44\0\0\1\0\1")], [make_box(b"iinf", b"")]):
        with pytest.raises(DecodeError, match="ends too early"):
            meta_of(*parts)
    twice = struct.pack(">I", 2) + b"\0\1\1\1" + b"\0\1\2\2\3"
    assert meta_of(items_of(1), make_box(b"iprp", full(b"ipma", twice))).items[1].properties == [(1, False)]
