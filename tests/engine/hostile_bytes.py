"""Containers put together by hand, so that they can say anything."""

import struct

from minipic_engine.isobmff import make_box
from minipic_engine.webp_chunks import make_chunk
from tests.engine.engine_images import photo, saved

_TIFF_ENTRIES = 9


def jpeg_with(segments: bytes) -> bytes:
    """Return a sound JPEG with ``segments`` behind its first marker."""
    data = saved(photo(), "JPEG")
    return data[:2] + segments + data[2:]


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    """Return a WebP of these chunks."""
    content = b"WEBP" + b"".join(make_chunk(name, payload) for name, payload in chunks)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def gif(screen: tuple[int, int], frames: int, extra: bytes = b"") -> bytes:
    """Return a GIF with ``frames`` of one pixel each."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff" + extra
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return head + frame * frames + b";"


def bmp(
    width: int, height: int, bits: int, *, packing: int = 0, colours: int = 0, pixels_at: int = 54, pixels: bytes = b""
) -> bytes:
    """Return a BMP that says so of itself, with 64 bytes of pixels unless others are given."""
    pixels = pixels or bytes(64)
    palette = bytes(1_024) if bits == 8 else b""
    pixels_at += len(palette) if pixels_at == 54 else 0
    head = struct.pack("<2sIHHI", b"BM", 54 + len(palette) + len(pixels), 0, 0, pixels_at)
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packing, len(pixels), 2_835, 2_835, colours, 0)
    return head + info + palette + pixels


def _directory(next_at: int, width: int, height: int, packing: int, samples: int, where: tuple[int, int]) -> bytes:
    start, length = where
    tags = (
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, packing), (262, 3, 1), (273, 4, start),
        (277, 3, samples), (278, 4, height), (279, 4, length),
    )  # fmt: skip
    entries = b"".join(struct.pack("<HHII", number, kind, 1, value) for number, kind, value in tags)
    return struct.pack("<H", _TIFF_ENTRIES) + entries + struct.pack("<I", next_at)


def tiff(width: int, height: int, *, packing: int = 1, samples: int = 1, pixels: bytes = bytes(64)) -> bytes:
    """Return a grey TIFF of one page that says so of itself."""
    at = 8 + len(_directory(0, 0, 0, 0, 0, (0, 0)))
    return b"II*\0\x08\0\0\0" + _directory(0, width, height, packing, samples, (at, len(pixels))) + pixels


def tiff_chain(links: list[int]) -> bytes:
    """Return a TIFF of as many small pages as there are ``links``, each the place of the next."""
    pages = b"".join(_directory(link, 8, 8, 1, 1, (8, 64)) for link in links)
    return b"II*\0\x08\0\0\0" + pages + bytes(64)


def boxed(brand: bytes, width: int, height: int, extra: bytes = b"", refers: bytes = b"") -> bytes:
    """Return a file in ISO's container, whose main picture is made of nothing, or of others."""
    kind = b"grid" if refers else (b"av01" if brand == b"avif" else b"hvc1")
    grid = bytes(8)
    parts = make_box(b"hdlr", bytes(8) + b"pict" + bytes(13)) + make_box(b"pitm", b"\0\0\0\0\0\1")
    parts += make_box(b"iinf", struct.pack(">IH", 0, 1) + make_box(b"infe", b"\2\0\0\0\0\1\0\0" + kind + b"\0"))
    parts += make_box(b"iloc", b"\1\0\0\0\x44\0\0\1" + struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(grid)))
    if refers:
        parts += make_box(b"iref", bytes(4) + make_box(b"dimg", refers))
    size = make_box(b"ispe", bytes(4) + struct.pack(">II", width, height))
    links = b"\0\0\0\0" + struct.pack(">IHBB", 1, 1, 1, 1)
    parts += make_box(b"iprp", make_box(b"ipco", size) + make_box(b"ipma", links)) + make_box(b"idat", grid)
    return make_box(b"ftyp", brand + bytes(4) + b"mif1") + extra + make_box(b"meta", bytes(4) + parts)


def jpeg_out_of_range() -> bytes:
    """Return a grey JPEG of one block, whose brightness has one bit more than any encoder gives it."""
    tables = b"\xff\xdb\0\x43\0" + b"\1" * 64
    tables += b"\xff\xc4\0\x14\0\1" + bytes(15) + b"\x0c" + b"\xff\xc4\0\x14\x10\1" + bytes(15) + b"\0"
    frame = b"\xff\xc0\0\x0b\x08\0\x08\0\x08\1\1\x11\0"
    return b"\xff\xd8" + tables + frame + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + b"\x7f\xfb" + b"\xff\xd9"
