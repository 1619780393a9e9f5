"""Every container by its head: what names it, its limits and damage to it, before a pixel is decoded."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minipic.domain.image import ImageFormat, Options, Preset, Quality
from minipic.errors import DecodeError, ImageTooComplex, MiniPicError, UnsupportedMediaType
from minipic_engine import avif_boxes, bmp, gif_blocks, heic, sniff, tiff
from minipic_engine.header import Header, check_limits
from minipic_engine.pipeline import compress
from tests.engine.engine_images import animation, bmp_of, exif, gif_of, graphic, saved, tiff_of
from tests.engine.test_matrix import PHOTO
from tests.engine.test_matrix import heic as made_heic

SMALL = graphic(20, 16)


FILES: dict[str, bytes] = {
    "avif": saved(SMALL, "AVIF", exif=exif(6)),
    "avif-film": animation("AVIF"),
    "gif": saved(SMALL, "GIF"),
    "gif-film": animation("GIF"),
    "tiff": saved(SMALL, "TIFF", compression="tiff_lzw"),
    "heic": made_heic(PHOTO),
    "bmp": saved(SMALL, "BMP"),
}


READERS: dict[str, Callable[[bytes], Header]] = {
    "avif": avif_boxes.read_header, "gif": gif_blocks.read_header, "tiff": tiff.read_header,
    "heic": heic.read_header, "bmp": bmp.read_header,
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=60)
@given(st.data())
def test_damage(name: str, data: st.DataObject) -> None:
    """Whatever is cut or overwritten ends in a header or in an error that tells the client, and so does the rest."""
    broken = bytearray(FILES[name])
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, min(len(broken) - 1, 1_000)))
        broken[at] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]))
    cut = bytes(broken[: data.draw(st.integers(len(broken) // 2, len(broken)))])
    try:
        header = READERS[name.partition("-")[0]](cut)
        check_limits(header)
        if header.all_pixels < 20_000:
            qualities: list[Quality] = [Preset.LOSSLESS, 50]
            compress(cut, Options(quality=data.draw(st.sampled_from(qualities))))
    except MiniPicError:
        return


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1", ImageFormat.AVIF), (b"\0\0\0\x18ftypmif1\0\0\0\0avif", ImageFormat.AVIF),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heic", ImageFormat.HEIC), (b"\0\0\0\x14ftypheic\0\0\0\0", ImageFormat.HEIC),
        (b"\0\0\0\x18ftypmsf1\0\0\0\0avis", ImageFormat.AVIF), (b"GIF87a", ImageFormat.GIF),
        (b"II+\0\x08\0\0\0", ImageFormat.TIFF), (b"MM\0*", ImageFormat.TIFF),
        (b"BM" + bytes(12) + b"\x28\0\0\0", ImageFormat.BMP),
    ],
)  # fmt: skip
def test_brands_and_magic(start: bytes, expected: ImageFormat) -> None:
    """Each format is told by its first bytes, those in ISO's container by their brands."""
    assert sniff(start) is expected


def test_unknown_brands() -> None:
    """A film, and a text that begins like a BMP, are no images."""
    for data in (b"\0\0\0\x18ftypisom\0\0\0\0mp42", b"BM" + bytes(12) + b"\x29\0\0\0", b"BMW is a maker of cars"):
        with pytest.raises(UnsupportedMediaType):
            sniff(data)


@pytest.mark.parametrize(
    "data",
    [
        tiff_of(20_000, 20_000), tiff_of(70_000, 10), tiff_of(9_000, 9_000, 14), tiff_of(1, 1, 2_001),
        gif_of(20_000, 20_000), gif_of(9_000, 9_000, 14), gif_of(1, 1, 2_001), bmp_of(20_000, 20_000),
        bmp_of(20_000, -20_000), FILES["avif"].replace(b"ispe\0\0\0\0\0\0\0\x14", b"ispe\0\0\0\0\0\xff\xff\xff"),
        FILES["heic"].replace(b"ispe\0\0\0\0\0\0", b"ispe\0\0\0\0\0\x7f"),
    ],
)  # fmt: skip
def test_limits_come_before_decoding(data: bytes) -> None:
    """Too many pixels, sides, frames or pages are told from the header."""
    with pytest.raises(ImageTooComplex):
        compress(data, Options())


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a", b"GIF89a" + bytes(7) + b";", gif_of(0, 0)[:-6], b"II*\0", b"II*\0\x08\0\0\0",
        b"II*\0\x08\0\0\0\xff\xff",
        tiff_of(0, 5), b"BM" + bytes(12) + b"\x28\0\0\0", bmp_of(0, 9), bmp_of(-3, 9), bmp_of(9, 9),
        b"\0\0\0\x14ftypavif\0\0\0\0", b"\0\0\0\x14ftypheic\0\0\0\0",
        b"\0\0\0\x14ftypavif\0\0\0\0\0\0\0\x0cmeta\0\0\0\0", b"\0\0\0\x14ftypavif\0\0\0\0\0\0\0\xffmeta\0\0\0\0",
        b"\0\0\0\x14ftypavis\0\0\0\0\0\0\0\x08moov", FILES["gif"].replace(b",\0\0\0\0\x14\0", b",\0\0\0\0\0\0", 1),
    ],
)  # fmt: skip
def test_hollow_files(data: bytes) -> None:
    """A file that ends in its header, or says of itself what can't be, is a DecodeError."""
    with pytest.raises(DecodeError):
        compress(data, Options())
