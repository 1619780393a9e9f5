"""What is kept of a file's metadata when it is asked for, and that nothing else is."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from minipic.domain.image import ImageFormat, Options, Preserve, Preset, Resize, ResizeMethod
from minipic_engine import exif as engine_exif
from minipic_engine import kept as engine_kept
from minipic_engine import metadata, png_chunks, png_texts, xmp
from minipic_engine.formats import CODECS
from minipic_engine.kept import Kept, Metadata
from minipic_engine.pipeline import compress
from tests.engine.engine_images import (
    GPS_TEXT,
    WEB,
    animation,
    frames,
    opened,
    photo,
    saved,
    shown,
    wide_profile,
    with_chunks,
)

JPEG, PNG, WEBP = ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP
COPYRIGHT, CREATION, LOCATION = Preserve.COPYRIGHT, Preserve.CREATION, Preserve.LOCATION
ALL = frozenset(Preserve)
RIGHTS = "© 2026 Ada Lovelace, all rights reserved"
PLAIN_RIGHTS = "Copyright 2026 Ada Lovelace"
TAKEN = "2026:11:22 10:20:30"
LATITUDE, LONGITUDE = (52.0, 30.0, 58.68), (13.0, 22.0, 39.72)
POSITION = {
    0: b"\2\3\0\0",
    1: "N",
    2: LATITUDE,
    3: "E",
    4: LONGITUDE,
    5: b"\0",
    6: 34.5,
    7: (9.0, 8.0, 7.0),
    29: "2026:01:02",
}
NAMESPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:d="http://purl.org/dc/elements/1.1/"'
    ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:ps="http://ns.adobe.com/photoshop/1.0/"'
    ' xmlns:exif="http://ns.adobe.com/exif/1.0/"'
)


def packet(inside: str = "", attributes: str = "", before: str = "") -> bytes:
    """Make an XMP packet."""
    return (
        f'<?xpacket begin="\ufeff"?>{before}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {NAMESPACES}>'
        f'<rdf:Description rdf:about="" {attributes}>{inside}<xmp:Label>{GPS_TEXT.decode()}</xmp:Label>'
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def rights(text: str) -> str:
    """Make the property as editors write it, in two languages."""
    items = f'<rdf:li xml:lang="x-default">{text}</rdf:li><rdf:li xml:lang="de">anders</rdf:li>'
    return f"<d:rights> <rdf:Alt> {items} </rdf:Alt> </d:rights>"


FULL_PACKET = packet(
    rights(RIGHTS),
    'xmp:CreateDate="2026-11-22T10:20:30.25+01:00" exif:GPSLatitude="52,30.978N" exif:GPSLongitude="13,22,40E"',
)


def full_exif(text: str = RIGHTS) -> bytes:
    """Make an EXIF block with all three kinds, and with much that nobody asked for."""
    block = Image.Exif()
    block[0x010E] = GPS_TEXT.decode()
    block[0x8298] = text.encode() if text != RIGHTS else b"\xc2\xa9" + text[1:].encode()
    block.get_ifd(0x8769).update({0x9003: TAKEN, 0xA434: "GPS lens"})
    block.get_ifd(0x8825).update(POSITION)
    return block.tobytes()


def as_exif(kind: ImageFormat, image: Image.Image) -> bytes:
    """``image`` with everything in EXIF."""
    return saved(image, kind.value, quality=95, exif=full_exif())


def as_xmp(kind: ImageFormat, image: Image.Image) -> bytes:
    """``image`` with everything in XMP."""
    if kind is PNG:
        return with_chunks(saved(image, "PNG"), xmp_chunk(FULL_PACKET))
    return saved(image, kind.value, quality=95, xmp=FULL_PACKET)


def xmp_chunk(made: bytes) -> bytes:
    """Make the chunk in which a PNG holds XMP."""
    return png_chunks.make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + made)


def text_chunks(text: str = RIGHTS, time: str = "Sun, 22 Nov 2026 10:20:30 +0100") -> list[bytes]:
    """Make PNG's own way to say both."""
    return [
        png_chunks.make_chunk(b"iTXt", b"Copyright\0\1\0en\0Urheber\0" + zlib.compress(text.encode())),
        png_chunks.make_chunk(b"zTXt", b"Creation Time\0\0" + zlib.compress(time.encode())),
        png_chunks.make_chunk(b"tEXt", b"Comment\0" + GPS_TEXT),
    ]


def held(data: bytes, kind: ImageFormat) -> Kept:
    """What the file says to the engine's own reader."""
    return metadata.find(CODECS[kind].read_metadata(data), ALL)


def position_of(data: bytes) -> dict[int, object]:
    """What Pillow finds of the position."""
    return dict(opened(data).getexif().get_ifd(0x8825))


@pytest.mark.parametrize("target", WEB)
@pytest.mark.parametrize("source", WEB)
@pytest.mark.parametrize("write", [as_exif, as_xmp])
@pytest.mark.parametrize("preserve", [set(), {COPYRIGHT}, {CREATION}, {LOCATION}, ALL])
@pytest.mark.parametrize("size", [None, Resize(ResizeMethod.FIT, 40, 40)])
def test_each_kind(write, source, target, preserve, size) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """What is asked arrives, from EXIF and XMP, in every format, with a new size too; the rest does not."""
    data = write(source, photo(60, 50))
    result = compress(data, Options(formats=(target,), preserve=frozenset(preserve), resize=size))
    exif = opened(result.data).getexif()
    found = held(result.data, target)
    assert found.copyright == (RIGHTS if COPYRIGHT in preserve else "")
    assert found.creation == ("2026-11-22T10:20:30" if CREATION in preserve else "")
    if target is PNG:
        texts = opened(result.data).text  # type: ignore[attr-defined]
        expected = {"Copyright": RIGHTS} if COPYRIGHT in preserve else {}
        assert texts == expected | ({"Creation Time": "2026-11-22T10:20:30"} if CREATION in preserve else {})
    else:
        assert exif.get_ifd(0x8769).get(0x9003) == (TAKEN if CREATION in preserve else None)
        assert (RIGHTS.encode() in result.data) == (COPYRIGHT in preserve)
    position = position_of(result.data)
    assert set(position) == (
        set() if LOCATION not in preserve else {0, 1, 2, 3, 4, 5, 6} if write is as_exif else {1, 2, 3, 4}
    )
    if LOCATION in preserve:
        degrees, minutes, seconds = map(float, position[2])  # type: ignore[call-overload]
        assert degrees + minutes / 60 + seconds / 3600 == pytest.approx(52.5163, abs=1e-4)
        assert position[3] == "E"
    assert GPS_TEXT not in result.data
    assert b"GPS" not in result.data
    assert source is not target or size is not None or len(result.data) <= len(data)


@pytest.mark.parametrize("kind", WEB)
@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS, 1])
@pytest.mark.parametrize("base_quality", [5, 95])
def test_idempotent(kind: ImageFormat, quality: Preset | int, base_quality: int) -> None:
    """A second pass changes neither pixels nor what is kept, and neither is larger than what it came from."""
    options = Options(quality, preserve=ALL)
    data = saved(photo(70, 50), kind.value, quality=base_quality, exif=full_exif(), icc_profile=wide_profile())
    first = compress(data, options).data
    second = compress(first, options).data
    assert np.array_equal(shown(first), shown(second))
    assert held(first, kind) == held(second, kind) == held(data, kind)
    assert len(second) <= len(first) <= len(data)
    assert opened(first).info["icc_profile"] == wide_profile()
    assert np.array_equal(shown(first), shown(compress(data, Options(quality)).data))


@pytest.mark.parametrize("kind", WEB)
def test_orientation_and_what_is_kept_share_a_block(kind: ImageFormat) -> None:
    """A repack keeps the orientation beside the metadata."""
    block = Image.Exif()
    block.load(full_exif())
    block[0x0112] = 6
    data = saved(photo(60, 40), kind.value, quality=95, exif=block.tobytes())
    result = compress(data, Options(Preset.LOSSLESS, preserve=ALL)).data
    assert opened(result).getexif()[0x0112] == 6
    assert set(position_of(result)) == {0, 1, 2, 3, 4, 5, 6}
    assert held(result, kind) == held(data, kind)
    assert len(result) <= len(data)


@pytest.mark.parametrize("target", [PNG, WEBP])
@pytest.mark.parametrize("kind", [PNG, WEBP])
def test_animations(kind: ImageFormat, target: ImageFormat) -> None:
    """An animation keeps what is asked, and its timeline."""
    data = animation(kind.value, lossless=True, exif=full_exif())
    for size in (None, Resize(ResizeMethod.SCALE, 32)):
        result = compress(data, Options(formats=(target,), preserve=ALL, resize=size)).data
        assert held(result, target) == held(data, kind)
        assert [duration for _, duration in frames(result)] == [100, 200, 50, 400]


def test_texts_of_a_png() -> None:
    """Texts are read in all three kinds of chunks, and written plain: tEXt where Latin-1 can say it, else iTXt."""
    data = with_chunks(saved(photo(60, 50), "PNG"), *text_chunks())
    result = compress(data, Options(preserve=ALL)).data
    assert b"tEXtCopyright\0" + RIGHTS.encode("latin-1") in result
    assert b"tEXtCreation Time\x002026-11-22T10:20:30" in result
    assert GPS_TEXT not in result
    other = "Ада Лавлейс"
    result = compress(with_chunks(saved(photo(60, 50), "PNG"), *text_chunks(other)), Options(preserve=ALL)).data
    assert b"iTXtCopyright\0\0\0\0\0" + other.encode() in result
    assert opened(result).text["Copyright"] == other  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["All rights reserved. " * 60, "Все права защищены. " * 40])
def test_packed_texts_stay_packed_where_plain_ones_would_be_larger(text: str) -> None:
    """A PNG with nothing left to save does not grow because of its own copyright."""
    smallest = compress(saved(photo(60, 50), "PNG"), Options()).data
    data = with_chunks(
        smallest, png_chunks.make_chunk(b"iTXt", b"Copyright\0\1\0\0\0" + zlib.compress(text.encode(), 9))
    )
    result = compress(data, Options(preserve=ALL)).data
    assert len(result) <= len(data)
    assert held(result, PNG).copyright == text.strip()
    assert held(compress(result, Options(preserve=ALL)).data, PNG).copyright == text.strip()


def test_bombs_stay_packed() -> None:
    """Texts are unpacked up to a limit only, and of one keyword only the first."""
    zeros = zlib.compress(b"a" * (64 * 1024 * 1024), 9)
    bombs = [png_chunks.make_chunk(b"zTXt", b"Copyright\0\0" + zeros)] * 3
    bombs.append(png_chunks.make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zeros))
    data = with_chunks(saved(photo(60, 50), "PNG"), *bombs)
    assert held(data, PNG) == Kept()
    assert len(compress(data, Options(preserve=ALL)).data) < 20_000
    assert xmp.find(packet(rights("x" * xmp.MAX_XMP_BYTES))) == Kept()


@pytest.mark.parametrize(
    "doctype", ['<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>', '<!DOCTYPE x SYSTEM "file:///etc/passwd">']
)
def test_no_entity_is_expanded(doctype: str) -> None:
    """A packet with a DOCTYPE is not read at all."""
    assert xmp.find(packet(rights("&b;"), 'xmp:CreateDate="2026-11-22"', doctype)) == Kept()


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (packet("<d:rights>plain</d:rights>"), Kept("plain")),
        (packet("", 'd:rights="as &amp; attribute"'), Kept("as & attribute")),
        (packet(rights("  a\n  b &lt; c ")), Kept("a b < c")),
        (packet(rights("")), Kept("anders")),
        (packet("<xmp:CreateDate>2026-11-22</xmp:CreateDate>"), Kept(creation="2026-11-22")),
        (packet("", 'ps:DateCreated="2025-01-02T03:04"'), Kept(creation="2025-01-02T03:04")),
        (packet("", 'ps:DateCreated="2025-01-02" xmp:CreateDate="2026-01-02"'), Kept(creation="2026-01-02")),
        (packet("", 'exif:GPSLatitude="52,30.5N"'), Kept()),
        (packet("", 'exif:GPSLatitude="52,30.5E" exif:GPSLongitude="13,1.0E"'), Kept()),
        (packet("", 'exif:GPSLatitude="91,30.5N" exif:GPSLongitude="13,1.0E"'), Kept()),
        (packet("<d:rights>before</d:rights><broken"), Kept("before")),
        (b"", Kept()),
        (b"<?xml version='1.0' encoding='no-such'?><a/>", Kept()),
        (packet(rights("x"))[:40], Kept()),
        (packet(rights("utf16")).decode().encode("utf-16"), Kept("utf16")),
    ],
)
def test_packets(made: bytes, expected: Kept) -> None:
    """A property is an attribute, an element or a list; what is incomplete or impossible is as good as none."""
    assert xmp.find(made) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026:11:22 10:20:30", "2026-11-22T10:20:30"),
        ("2026-11-22T10:20:30.123Z", "2026-11-22T10:20:30"),
        ("2026-11-22T10:20+02:00", "2026-11-22T10:20"),
        ("2026-11-22", "2026-11-22"),
        ("Thu, 21 Dec 2000 16:01:07 +0200", "2000-12-21T16:01:07"),
        ("2026-02-30", ""),
        ("0000:00:00 00:00:00", ""),
        ("    :  :     :  :  ", ""),
        ("2026", ""),
        ("summer", ""),
        ("", ""),
    ],
)
def test_times(text: str, expected: str) -> None:
    """A time is kept as precisely as it was given, without its zone; what is no day of the calendar is none."""
    assert engine_kept.tidy_time(text) == expected


@given(st.text(max_size=70))
def test_any_time(text: str) -> None:
    """Reading a time never fails, and reads its own writing."""
    time = engine_kept.tidy_time(text)
    assert engine_kept.tidy_time(time) == time


@given(st.text(max_size=3_000))
def test_any_copyright(text: str) -> None:
    """A copyright is one line of bounded length, and stays what it is when it is read again, in each format."""
    line = engine_kept.tidy_copyright(text)
    assert len(line.encode()) <= engine_kept.MAX_COPYRIGHT_BYTES
    assert engine_kept.tidy_copyright(line) == line
    again = Kept(line)
    assert engine_exif.find(engine_exif.block(1, again)) == again
    for is_packed in (False, True):
        texts = png_texts.read(png_texts.written(again, is_packed=is_packed))
        assert texts == ({"Copyright": line} if line else {})


def test_long_copyright_is_cut() -> None:
    """Terms of use of many pages are cut after 2 000 bytes, at a whole character."""
    data = saved(photo(60, 50), "JPEG", quality=95, xmp=packet(rights("é" * 5_000)))
    assert held(compress(data, Options(preserve=ALL)).data, JPEG).copyright == "é" * 1_000


def test_where_it_is_looked_for_first() -> None:
    """EXIF is asked first, then PNG's texts, then XMP; each kind by itself."""
    texts = {"Copyright": "text", "Creation Time": "2025-01-01"}
    both = Metadata(engine_exif.block(1, Kept("exif")), FULL_PACKET, texts)
    found = metadata.find(both, ALL)
    assert (found.copyright, found.creation, len(found.location)) == ("exif", "2025-01-01", 4)
    assert metadata.find(Metadata(xmp=FULL_PACKET), frozenset({COPYRIGHT})) == Kept(RIGHTS)


def test_digitized_stands_in() -> None:
    """Where no camera tells when, the scanner does; two owners of the copyright are one line."""
    block = Image.Exif()
    block[0x8298] = "Ada\0Charles\0"
    block.get_ifd(0x8769)[0x9004] = TAKEN
    tiff = block.tobytes().removeprefix(b"Exif\0\0")
    assert engine_exif.find(tiff) == Kept("Ada, Charles", "2026-11-22T10:20:30")


def test_little_endian_and_latin_1() -> None:
    """Blocks of either byte order and of old programs are read."""
    text = b"\xa9 me\0"
    entries = struct.pack("<HHIIHHIHH", 0x8298, 2, len(text), 38, 0x0112, 3, 1, 6, 0)
    tiff = b"II*\0" + struct.pack("<IH", 8, 2) + entries + bytes(4) + text
    assert engine_exif.find(tiff) == Kept("© me")
    assert engine_exif.read_orientation(tiff) == 6


@settings(max_examples=200)
@given(st.data())
def test_damaged_exif(draws: st.DataObject) -> None:
    """Whatever is overwritten or cut, reading ends, and what is found can be written and read again."""
    tiff = bytearray(full_exif().removeprefix(b"Exif\0\0"))
    for _ in range(draws.draw(st.integers(0, 8))):
        tiff[draws.draw(st.integers(4, len(tiff) - 1))] = draws.draw(st.integers(0, 255))
    found = engine_exif.find(bytes(tiff[: draws.draw(st.integers(0, len(tiff)))]))
    again = engine_exif.find(engine_exif.block(3, found))
    assert again.copyright == found.copyright
    assert again.location == found.location
    assert again.creation[:10] == found.creation[:10]


@settings(max_examples=100)
@given(st.data())
def test_damaged_xmp(draws: st.DataObject) -> None:
    """Whatever is overwritten or cut, reading a packet ends without an error."""
    damaged = bytearray(FULL_PACKET)
    for _ in range(draws.draw(st.integers(0, 8))):
        damaged[draws.draw(st.integers(0, len(damaged) - 1))] = draws.draw(st.integers(0, 255))
    assert len(xmp.find(bytes(damaged[: draws.draw(st.integers(0, len(damaged)))])).copyright) < 2_000


def drawn_logo() -> Image.Image:
    """Draw 137 by 21 pixels with a sign and lettering, anti-aliased, on nothing."""
    large = Image.new("RGBA", (137 * 4, 21 * 4), (0, 0, 0, 0))
    draw = ImageDraw.Draw(large)
    draw.ellipse((2, 2, 80, 80), fill=(20, 110, 180, 255))
    draw.arc((100, 30, 136, 72), 0, 300, (60, 60, 60, 255), width=8)
    rng = np.random.default_rng(0)
    for left in range(100, 508, 50):
        draw.rectangle((left, int(rng.integers(8, 30)), left + 12, 70), fill=(60, 60, 60, 255))
    return large.resize((137, 21), Image.Resampling.LANCZOS)


def logo_file() -> bytes:
    """Make the logo as graphics programs save it, with 15 kB of XMP."""
    history = "".join(chr(code) for code in np.random.default_rng(1).integers(97, 123, 14_000))
    made = packet(
        rights(PLAIN_RIGHTS) + f"<xmp:Nickname>{history}</xmp:Nickname>", 'xmp:CreateDate="2026-11-22T10:20:30+01:00"'
    )
    return with_chunks(
        saved(drawn_logo(), "PNG"), png_chunks.make_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + made)
    )


def test_logo_that_drags_metadata_along() -> None:
    """A small logo with 15 kB of XMP becomes about 1 kB, and little more with what is kept, in plain text."""
    data = logo_file()
    plain = compress(data, Options()).data
    webp = compress(data, Options(formats=(WEBP,))).data
    small = compress(data, Options(resize=Resize(ResizeMethod.FIT, 50, 20)))
    kept = compress(data, Options(preserve=frozenset({COPYRIGHT, CREATION}))).data
    assert len(data) > 15_000
    assert 500 < len(plain) < 1_500
    assert 500 < len(webp) < 1_500
    assert (small.width, small.height) == (50, 8)
    assert small.size_bytes < 1_000
    assert 500 < len(kept) < 2_000
    assert PLAIN_RIGHTS.encode() in kept
    assert held(kept, PNG) == Kept(PLAIN_RIGHTS, "2026-11-22T10:20:30")


def test_nothing_to_keep_is_no_error() -> None:
    """A file without metadata gives what it gives without asking."""
    for kind in WEB:
        data = saved(photo(60, 50), kind.value, quality=95)
        assert compress(data, Options(preserve=ALL)) == compress(data, Options())
