"""Files that mean harm, made here: what each claims, repeats, nests or points at is more than it should."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import pillow_heif

from minipic_engine.gif_blocks import CONTROL
from minipic_engine.isobmff import make_box
from minipic_engine.png_chunks import SIGNATURE, make_chunk
from tests.engine.engine_images import animation, exif, graphic, photo, raw_png, saved, transparent, with_chunks
from tests.engine.hostile_bytes import bmp, boxed, gif, jpeg_with, tiff, tiff_chain, webp

LONGEST = 2**31 - 1
_ZEROS = bytes(40_000_000)


def ordinary() -> dict[str, bytes]:
    """Return a sound file of every format, and of every format's way to hold several pictures."""
    small, faded = photo(48, 32), transparent(48, 32)
    out = io.BytesIO()
    pillow_heif.from_pillow(small).save(out, quality=70)
    return {
        "png": saved(small, "PNG"), "png-film": animation("PNG"), "jpeg": saved(small, "JPEG"),
        "jpeg-progressive": saved(small, "JPEG", progressive=True), "webp": saved(faded, "WEBP"),
        "webp-lossless": saved(small, "WEBP", lossless=True), "webp-film": animation("WEBP"),
        "gif": saved(graphic(48, 32), "GIF"), "gif-film": animation("GIF"), "bmp": saved(small, "BMP"),
        "bmp-palette": saved(graphic(48, 32).quantize(16), "BMP"), "tiff": saved(small, "TIFF"),
        "tiff-lzw": saved(small, "TIFF", compression="tiff_lzw"),
        "tiff-pages": saved(small, "TIFF", save_all=True, append_images=[faded]),
        "avif": saved(faded, "AVIF"), "avif-film": animation("AVIF"), "heic": out.getvalue(),
    }  # fmt: skip


def cut(data: bytes, pieces: int = 12) -> Iterator[bytes]:
    """Yield ``data`` cut off within its first bytes, at even distances, and one byte before its end."""
    for end in {*range(8, 40, 9), *(len(data) * n // pieces for n in range(1, pieces)), len(data) - 1}:
        yield data[:end]


def flipped(data: bytes, times: int = 20) -> Iterator[bytes]:
    """Yield ``data`` with some bits turned over, most of them in what describes the picture."""
    rng = np.random.default_rng(len(data))
    for turn in range(times):
        changed = bytearray(data)
        for place in rng.integers(4, len(data) if turn % 2 else min(len(data), 400), 1 + turn % 5):
            changed[place] ^= 1 << int(rng.integers(8))
        yield bytes(changed)


def _png_claiming(width: int, height: int, depth: int = 8, kind: int = 6, interlaced: int = 0) -> bytes:
    return raw_png(struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced), zlib.compress(bytes(64)))


def _png_texts() -> bytes:
    packed = zlib.compress(_ZEROS, 9)
    texts = [make_chunk(b"zTXt", b"Copyright\0\0" + packed), make_chunk(b"zTXt", b"Comment\0\0" + packed)]
    texts.append(make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + packed))
    return with_chunks(saved(photo(), "PNG"), *texts * 20)


def _png_film_claiming(frames: int) -> bytes:
    made = animation("PNG")
    at = made.index(b"acTL")
    return made[: at - 4] + make_chunk(b"acTL", struct.pack(">II", frames, 0)) + made[at + 16 :]


def _laughing_xmp() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 30))
    return f'<!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><x xmlns:d="http://purl.org/dc/elements/1.1/">&l29;</x>'.encode()


def _with_xmp(packet: bytes) -> bytes:
    return with_chunks(saved(photo(), "PNG"), make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet))


def _looping_exif() -> bytes:
    entry = struct.pack(">HHII", 0x8769, 4, 1, 8) + struct.pack(">HHII", 0x8825, 4, 1, 8)
    block = b"MM\0*" + struct.pack(">IH", 8, 2) + entry + struct.pack(">I", 8)
    return with_chunks(saved(photo(), "PNG"), make_chunk(b"eXIf", block))


def _heic_changed(old: bytes, new: bytes) -> bytes:
    data = ordinary()["heic"]
    assert old in data
    return data.replace(old, new, 1)


def _avif_claiming(width: int, height: int) -> bytes:
    data = ordinary()["avif"]
    at = data.index(b"ispe") + 8
    return data[:at] + struct.pack(">II", width, height) + data[at + 8 :]


def _jpeg_claiming(width: int, height: int, scans: int = 1) -> bytes:
    data = saved(photo(32, 32), "JPEG", progressive=scans > 1)
    at = data.index(b"\xff\xc2" if scans > 1 else b"\xff\xc0") + 5
    data = data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + b"\xff\xd9"


def _polyglots() -> dict[str, Callable[[], bytes]]:
    page = b"<html><script>alert(1)</script></html>"
    archive = b"PK\x03\x04" + bytes(26) + b"PK\x05\x06" + bytes(18)
    return {
        "gif and script": lambda: b"GIF89a/*" + saved(graphic(), "GIF")[8:] + b"*/=1;" + page,
        "png and archive": lambda: saved(graphic(), "PNG") + archive,
        "jpeg and archive": lambda: saved(photo(), "JPEG") + archive,
        "jpeg in a png's text": lambda: with_chunks(
            saved(photo(), "PNG"), make_chunk(b"tEXt", b"Comment\0" + saved(photo(), "JPEG"))
        ),
        "png behind a jpeg's first bytes": lambda: b"\xff\xd8\xff" + saved(photo(), "PNG"),
        "bmp that is a program": lambda: bmp(8, 8, 24) + b"MZ" + bytes(64),
        "webp behind a webp": lambda: saved(photo(), "WEBP") * 2,
        "avif brand on a heic": lambda: _heic_changed(b"heic", b"avif"),
        "heic brand on an avif": lambda: saved(photo(), "AVIF").replace(b"ftypavif", b"ftypheic", 1),
        "page alone": lambda: page,
        "archive alone": lambda: archive,
        "vector image": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "pdf": lambda: b"%PDF-1.7\n" + bytes(100),
    }


HOSTILE: dict[str, Callable[[], bytes]] = {
    "png of the longest sides": lambda: _png_claiming(LONGEST, LONGEST),
    "png of 100 MP and no pixels": lambda: _png_claiming(10_000, 10_000),
    "png of 100 MP in 16 bits, interlaced, and no pixels": lambda: _png_claiming(10_000, 10_000, 16, 6, 1),
    "png whose rows never end": lambda: raw_png(struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0), zlib.compress(_ZEROS)),
    "png with a bomb as profile": lambda: with_chunks(
        saved(photo(), "PNG"), make_chunk(b"iCCP", b"x\0\0" + zlib.compress(_ZEROS, 9))
    ),
    "png with bombs as texts": _png_texts,
    "png of too many chunks": lambda: with_chunks(saved(photo(), "PNG"), make_chunk(b"tEXt", b"a\0b") * 260_000),
    "png of many chunks": lambda: with_chunks(saved(photo(), "PNG"), make_chunk(b"tEXt", b"Copyright\0b") * 100_000),
    "png film of 2^31 frames": lambda: _png_film_claiming(LONGEST),
    "png film of 1 999 missing frames": lambda: _png_film_claiming(1_999),
    "png with a laughing xmp": lambda: _with_xmp(_laughing_xmp()),
    "png with a deep xmp": lambda: _with_xmp(b"<a>" * 300_000),
    "png with exif that points at itself": _looping_exif,
    "png with nothing": lambda: SIGNATURE + make_chunk(b"IEND", b""),
    "jpeg of the longest sides": lambda: _jpeg_claiming(65_535, 65_535),
    "jpeg of 16 MP and one block": lambda: _jpeg_claiming(4_000, 4_000),
    "jpeg of 4 MP and 150 scans": lambda: _jpeg_claiming(2_000, 2_000, 150),
    "jpeg of too many scans": lambda: _jpeg_claiming(64, 64, 1_000),
    "jpeg of thousands of segments": lambda: jpeg_with(b"\xff\xe5\0\x04ab" * 15_000),
    "jpeg of too many segments": lambda: jpeg_with(b"\xff\xe5\0\x02" * 30_000),
    "jpeg with exif in each of 300 segments": lambda: jpeg_with(
        (b"\xff\xe1" + struct.pack(">H", 8 + len(exif(6))) + b"Exif\0\0" + exif(6)) * 300
    ),
    "jpeg with padding for a megabyte": lambda: jpeg_with(b"\xff" * 1_000_000),
    "webp of 268 MP without loss": lambda: webp((b"VP8L", b"\x2f" + b"\xff\xff\xff\x0f" + bytes(20))),
    "webp of the longest sides": lambda: webp((b"VP8X", bytes(4) + b"\xff" * 6), (b"VP8L", b"\x2f" + bytes(24))),
    "webp with a canvas of another size": lambda: webp(
        (b"VP8X", bytes(4) + b"\x0f\x27\0\x0f\x27\0"), (b"VP8L", saved(photo(), "WEBP", lossless=True)[20:])
    ),
    "webp film with a frame outside": lambda: webp(
        (b"VP8X", b"\x02\0\0\0\x0f\0\0\x0f\0\0"),
        (b"ANIM", bytes(6)),
        (b"ANMF", b"\xff" * 12 + bytes(4) + b"VP8L\x08\0\0\0\x2f" + bytes(7)),
    ),
    "webp film of 1 900 empty frames": lambda: webp(
        (b"VP8X", b"\x02\0\0\0\xff\x01\0\xff\x01\0"), (b"ANIM", bytes(6)), *[(b"ANMF", bytes(16))] * 1_900
    ),
    "webp whose length is 0": lambda: saved(photo(), "WEBP")[:4] + bytes(4) + saved(photo(), "WEBP")[8:],
    "webp whose length is 4 GB": lambda: saved(photo(), "WEBP")[:4] + b"\xff" * 4 + saved(photo(), "WEBP")[8:],
    "webp of too many chunks": lambda: webp(*[(b"abcd", b"")] * 25_000),
    "gif of 100 000 frames": lambda: gif((8, 8), 100_000),
    "gif of 2 000 frames on 100 MP": lambda: gif((10_000, 10_000), 2_000),
    "gif of 1 frame on 9 MP": lambda: gif((3_000, 3_000), 1),
    "gif of the longest sides": lambda: gif((65_535, 65_535), 1),
    "gif of endless controls": lambda: gif((8, 8), 1, bytes([0x21, CONTROL, 4, 0, 0, 0, 0, 0]) * 120_000),
    "gif with a comment of a megabyte": lambda: gif((8, 8), 1, b"\x21\xfe" + (b"\xff" + bytes(255)) * 4_000 + b"\0"),
    "bmp of the longest sides": lambda: bmp(LONGEST, LONGEST, 24),
    "bmp upside down by 2^31": lambda: bmp(8, -(2**31), 24),
    "bmp of a negative width": lambda: bmp(-8, 8, 24),
    "bmp of 100 MP and no pixels": lambda: bmp(10_000, 10_000, 24),
    "bmp of 65 535 bits a pixel": lambda: bmp(8, 8, 65_535),
    "bmp of 2^32 colours": lambda: bmp(8, 8, 8, colours=2**32 - 1),
    "bmp with pixels at 4 GB": lambda: bmp(8, 8, 24, pixels_at=2**32 - 1),
    "bmp run-length coded over its edge": lambda: bmp(64, 64, 8, packing=1, pixels=b"\xff\1" * 4_000),
    "bmp run-length coded on 9 MP": lambda: bmp(3_000, 3_000, 8, packing=1, pixels=b"\0\2\xff\xff" * 4_000),
    "tiff that is its own next page": lambda: tiff_chain([8]),
    "tiff of a loop of two pages": lambda: tiff_chain([8 + 6 + 9 * 12, 8]),
    "tiff of 5 000 pages": lambda: tiff_chain([8 + n * (6 + 9 * 12) for n in range(1, 5_000)] + [0]),
    "tiff of the longest sides": lambda: tiff(2**32 - 1, 2**32 - 1),
    "tiff of 100 MP and no pixels": lambda: tiff(10_000, 10_000),
    "tiff of 100 MP, deflated, and no pixels": lambda: tiff(10_000, 10_000, packing=8),
    "tiff of 4 MP in a strip ten times as long": lambda: tiff(2_000, 2_000, packing=8, pixels=zlib.compress(_ZEROS)),
    "tiff of a side of 0": lambda: tiff(0, 8),
    "tiff of 65 535 samples": lambda: tiff(8, 8, samples=65_535),
    "tiff with a directory at its end": lambda: b"II*\0\xff\xff\xff\x7f",
    "tiff of 64 bits without end": lambda: b"II+\0\x08\0\0\0" + b"\x10" + bytes(7) + b"\xff" * 40,
    "heic of the longest sides": lambda: boxed(b"heic", 2**32 - 1, 2**32 - 1),
    "heic of 100 MP and no pixels": lambda: boxed(b"heic", 10_000, 10_000),
    "heic of deep boxes": lambda: boxed(b"heic", 8, 8, _deep(b"free", 4_000)),
    "heic of deep metas": lambda: boxed(b"heic", 8, 8, _deep(b"meta", 4_000)),
    "heic of too many boxes": lambda: boxed(b"heic", 8, 8, make_box(b"free", b"") * 30_000),
    "avif of the longest sides": lambda: boxed(b"avif", 2**32 - 1, 2**32 - 1),
    "avif of 4 MP in the pixels of a small one": lambda: _avif_claiming(2_000, 2_000),
    "avif of deep boxes": lambda: boxed(b"avif", 8, 8, _deep(b"moov", 4_000)),
    "avif that is made of itself": lambda: boxed(b"avif", 8, 8, refers=struct.pack(">HHH", 1, 1, 1)),
    "heic that is made of itself": lambda: boxed(b"heic", 8, 8, refers=struct.pack(">HHH", 1, 1, 1)),
    **_polyglots(),
}


def _deep(name: bytes, levels: int) -> bytes:
    content = b""
    for _ in range(levels):
        content = make_box(name, content)
    return content
