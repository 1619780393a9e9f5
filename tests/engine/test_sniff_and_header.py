"""Formats by their first bytes, headers in plain Python, limits before decoding."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minipic.domain.image import ImageFormat, Options
from minipic.errors import DecodeError, ImageTooComplex, UnsupportedMediaType
from minipic_engine import jpeg_segments, png_chunks, sniff, webp_chunks
from minipic_engine.exif import block, read_orientation
from minipic_engine.header import MAX_ICC_BYTES, Header, check_limits, too_long
from minipic_engine.kept import NOTHING
from minipic_engine.pipeline import compress
from tests.engine.engine_images import WEB, deep_png, exif, graphic, photo, raw_png, saved, with_chunks

READERS = {
    ImageFormat.PNG: png_chunks.read_header,
    ImageFormat.JPEG: jpeg_segments.read_header,
    ImageFormat.WEBP: webp_chunks.read_header,
}
REBUILDERS: dict[ImageFormat, Callable[..., bytes]] = {
    ImageFormat.PNG: png_chunks.rebuild,
    ImageFormat.JPEG: jpeg_segments.rebuild,
    ImageFormat.WEBP: webp_chunks.rebuild,
}


@pytest.mark.parametrize("kind", WEB)
def test_sniff_finds_a_format(kind: ImageFormat) -> None:
    """The first bytes decide, and what follows does not matter."""
    data = saved(photo(), kind.value)
    assert sniff(data) is kind
    assert sniff(data[:12]) is kind


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"GIF88a", b"BM", b"\0\0\0\x18ftypisom", b"RIFF\0\0\0\0WAVE", b"<svg/>", b"%PDF-1.7"]
)
def test_sniff_refuses_the_rest(data: bytes) -> None:
    """Anything else is UnsupportedMediaType, the empty file included."""
    with pytest.raises(UnsupportedMediaType):
        sniff(data)


def test_import_is_light() -> None:
    """The parent's side loads no codec."""
    code = (
        "import sys, minipic_engine; print(sorted({'PIL', 'pyvips', 'numpy', 'ajpegli', 'oxipng'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("kind", WEB)
@pytest.mark.parametrize("lossless", [False, True])
def test_header_gives_the_size(kind: ImageFormat, lossless: bool) -> None:
    """Width, height and the frame count are read without decoding, in each of a format's variants."""
    data = saved(photo(61, 47), kind.value, lossless=lossless, exif=exif(6))
    header = READERS[kind](data)
    assert (header.width, header.height, header.frames, header.orientation) == (61, 47, 1, 6)
    assert header.shown_size == (47, 61)


@pytest.mark.parametrize("kind", WEB)
@settings(max_examples=150)
@given(st.data())
def test_header_of_damaged_bytes(kind: ImageFormat, data: st.DataObject) -> None:
    """Whatever is cut or overwritten, reading a header and rebuilding a file raise DecodeError or nothing."""
    base = bytearray(saved(graphic(20, 20), kind.value, exif=exif(3)))
    for _ in range(data.draw(st.integers(0, 6))):
        base[data.draw(st.integers(12, len(base) - 1))] = data.draw(st.integers(0, 255))
    broken = bytes(base[: data.draw(st.integers(12, len(base)))])
    for read in (READERS[kind], REBUILDERS[kind]):
        try:
            read(broken)
        except DecodeError:
            continue


@given(st.binary(max_size=80), st.sampled_from([b"II*\0", b"MM\0*", b""]))
def test_orientation_of_any_bytes(tail: bytes, start: bytes) -> None:
    """Reading an orientation never fails, and never leaves 1 to 8."""
    assert 1 <= read_orientation(start + tail) <= 8


@pytest.mark.parametrize(
    "tiff",
    [b"MM\0*\0\0\xff\0", b"II*\0\x08\0\0\0\x05\0" + bytes(12), block(9, NOTHING), b"MM\0*\0\0"],
)
def test_orientation_of_broken_exif(tiff: bytes) -> None:
    """A directory outside the block, one cut short, a value out of range: upright."""
    assert read_orientation(tiff) == 1


def test_gamma_out_of_range_is_none() -> None:
    """A gAMA that says sRGB, or nothing that a camera could have meant, is ignored."""
    for gamma in (0, 45_455, 2**31):
        chunk = png_chunks.make_chunk(b"gAMA", struct.pack(">I", gamma))
        assert png_chunks.read_header(with_chunks(saved(graphic(), "PNG"), chunk)).gamma is None


def header_of(width: int, height: int, frames: int = 1) -> Header:
    """Make a header of a PNG."""
    return Header(ImageFormat.PNG, width, height, frames)


@pytest.mark.parametrize(
    ("header", "side", "words"),
    [
        (header_of(10_001, 10_000), 65_535, ("10001 x 10000", "100 megapixels")),
        (header_of(10, 10, 2_001), 65_535, ("2001 frames", "2000")),
        (header_of(10_000, 5_001, 20), 65_535, ("20 frames", "1000 megapixels")),
        (header_of(65_536, 1), 70_000, ("65536", "65535")),
        (header_of(65_501, 1), 65_500, ("65501", "jpeg holds at most 65500")),
        (header_of(1, 16_384), 16_383, ("16384", "16383")),
    ],
)
def test_limits_name_the_value(header: Header, side: int, words: tuple[str, ...]) -> None:
    """Each limit's message names the limit and what was found."""
    error = too_long(header.shown_size, side, ImageFormat.JPEG)
    if error is None:
        with pytest.raises(ImageTooComplex) as caught:
            check_limits(header)
        error = caught.value
    assert all(word in error.message for word in words)


def test_limits_hold_at_their_edge() -> None:
    """100 megapixels, 2 000 frames and 1 000 megapixels over all frames are still worked on."""
    check_limits(header_of(10_000, 10_000, 10))
    check_limits(header_of(10, 10, 2_000))
    assert too_long((10_000, 10), 10_000, ImageFormat.PNG) is None


def test_limits_come_before_decoding() -> None:
    """A PNG that announces 200 megapixels is refused although it has not one row of them."""
    bomb = raw_png(struct.pack(">IIBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0), zlib.compress(b""))
    with pytest.raises(ImageTooComplex, match="100 megapixels"):
        compress(bomb, Options())


def test_webp_limit_depends_on_the_output() -> None:
    """A long PNG can stay a PNG, and can't become a WebP."""
    long = saved(graphic(17_000, 2), "PNG")
    assert compress(long, Options()).width == 17_000
    with pytest.raises(ImageTooComplex, match="webp holds at most 16383"):
        compress(long, Options(formats=(ImageFormat.WEBP,)))


def test_metadata_bombs_stay_packed() -> None:
    """Texts are never inflated, and a profile only up to its limit."""
    zeros = zlib.compress(bytes(64 * 1024 * 1024), 9)
    text = png_chunks.make_chunk(b"zTXt", b"Comment\0\0" + zeros)
    profile = png_chunks.make_chunk(b"iCCP", b"x\0\0" + zeros)
    data = with_chunks(saved(graphic(), "PNG"), text, profile)
    assert png_chunks.read_header(data).icc is None
    assert MAX_ICC_BYTES < 64 * 1024 * 1024
    assert len(compress(data, Options()).data) < 2_000


@pytest.mark.parametrize("packed", [b"x\0\0" + zlib.compress(b"short")[:-3], b"x\0\0no zlib", b"\0\0", b"noend"])
def test_broken_profile_chunk_is_no_profile(packed: bytes) -> None:
    """A profile that does not unpack is as good as none."""
    data = with_chunks(saved(graphic(), "PNG"), png_chunks.make_chunk(b"iCCP", packed))
    assert png_chunks.read_header(data).icc is None


def test_deep_png_is_seen() -> None:
    """16 bits a sample stand in the header."""
    assert png_chunks.read_header(deep_png(np.zeros((2, 2, 3), np.uint16), 2)).is_deep


SOI, EOI = b"\xff\xd8", b"\xff\xd9"
FRAME = b"\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0"


@pytest.mark.parametrize(
    "data",
    [
        SOI + EOI,
        SOI + FRAME + FRAME + EOI,
        SOI + FRAME.replace(b"\0\x10", b"\0\0") + EOI,
        SOI + b"\xff\xfe\0\x01",
        SOI + b"\xff\xff\xff",
        SOI + b"\0",
        SOI + b"\xff\xfe\0\x02" * 20_001,
        SOI + b"\xff\xda\0\x02" * 201,
    ],
)
def test_hostile_jpeg_headers(data: bytes) -> None:
    """No frame, two frames, no height, segments that overrun, garbage, too many segments, too many scans."""
    with pytest.raises(DecodeError):
        jpeg_segments.read_header(data)


IHDR = struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "data",
    [
        png_chunks.SIGNATURE,
        raw_png(IHDR, b"")[:40],
        raw_png(IHDR[:8], b""),
        raw_png(bytes(13), b""),
        raw_png(IHDR, b"", png_chunks.make_chunk(b"IHDR", IHDR)),
        png_chunks.SIGNATURE + png_chunks.make_chunk(b"IHDR", IHDR) + png_chunks.make_chunk(b"IEND", b""),
        raw_png(IHDR, b"", png_chunks.make_chunk(b"tEXt", b"") * 250_001),
    ],
)
def test_hostile_png_headers(data: bytes) -> None:
    """No chunk, a cut one, a short header, no size, two headers, no data, too many chunks."""
    with pytest.raises(DecodeError):
        png_chunks.read_header(data)


def test_unknown_critical_chunk_is_refused() -> None:
    """A chunk that must be understood, and is not, makes the file undecodable instead of silently different."""
    with pytest.raises(DecodeError, match="must be understood"):
        compress(with_chunks(saved(graphic(), "PNG"), png_chunks.make_chunk(b"CgBI", b"")), Options())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"VP8L\x05\0\0\0\0\0\0\0\0\0",
        b"VP8 \xff\0\0\0",
        b"VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\0\0\0\0",
        b"junk\0\0\0\0" * 20_001,
    ],
)
def test_hostile_webp_headers(body: bytes) -> None:
    """No image, a wrong magic, a chunk that overruns, no size, too many chunks."""
    with pytest.raises(DecodeError):
        webp_chunks.read_header(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body)
