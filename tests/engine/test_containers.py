"""The containers of AVIF, HEIC, GIF, TIFF and BMP: headers, limits and damage, before a pixel is decoded."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minipic.domain.image import ImageFormat, Options, Preserve, Preset, Quality
from minipic.errors import DecodeError, ImageTooComplex, MiniPicError, UnsupportedMediaType
from minipic_engine import (
    avif_boxes,
    avif_film,
    bmp,
    colour,
    effort,
    gif,
    gif_blocks,
    gif_program,
    heic,
    heif_facts,
    iptc,
    isobmff,
    jpeg_segments,
    kept,
    metadata,
    profiles,
    sniff,
    tiff,
    tiff_pages,
    xmp,
)
from minipic_engine.header import Header, check_limits
from minipic_engine.pipeline import compress
from minipic_engine.timeline import Timeline
from tests.engine.engine_images import animation, exif, graphic, photo, saved
from tests.engine.test_matrix import PHOTO
from tests.engine.test_matrix import heic as made_heic
from tests.engine.viewer import distance, view

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
@settings(max_examples=60, deadline=None)
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


def tiff_of(width: int, height: int, count: int = 1) -> bytes:
    """Return a TIFF of nothing but directories."""
    tag = tiff_pages.make_tag
    tags = {256: tag("<", 4, width), 257: tag("<", 4, height), 258: tag("<", 3, 8), 262: tag("<", 3, 1)}
    return tiff_pages.written([tiff_pages.Page("<", dict(tags), (b"x",))] * count)


def gif_of(width: int, height: int, count: int = 1) -> bytes:
    """Return a GIF of frames of one pixel on a large screen."""
    frame = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + bytes(6) + frame * count + b";"


def bmp_of(width: int, height: int) -> bytes:
    """Return a BMP's header."""
    return b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, width, height, 1, 24, 0) + bytes(20)


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


def test_directories_in_a_circle() -> None:
    """A TIFF whose last page points at its first has as many pages as it has, once each."""
    data = tiff_of(4, 4, 3)
    (first,) = struct.unpack_from("<I", data, 4)
    assert len(tiff_pages.directories(data[:-4] + struct.pack("<I", first))) == 3


def test_thumbnails_are_no_pages() -> None:
    """A directory that says to be a smaller copy is left out, unless there is no other."""
    page = tiff_pages.with_pixels(FILES["tiff"], tiff_pages.directories(FILES["tiff"])[0])
    small = tiff_pages.Page("<", page.tags | {254: tiff_pages.make_tag("<", 4, 1)}, page.segments)
    assert len(tiff_pages.directories(tiff_pages.written([small, page]))) == 1
    assert len(tiff_pages.directories(tiff_pages.written([small, small]))) == 2


def test_pixels_outside_the_file() -> None:
    """Strips that lie elsewhere, overlap beyond the file's size or are not named are a DecodeError."""
    page = tiff_pages.directories(FILES["tiff"])[0]
    tag = tiff_pages.make_tag
    for more in (
        {273: tag("<", 4, 10**9), 279: tag("<", 4, 5)}, {273: tag("<", 4, *[8] * 99), 279: tag("<", 4, *[300] * 99)},
        {273: tag("<", 4, 8, 9), 279: tag("<", 4, 5)},
    ):  # fmt: skip
        with pytest.raises(DecodeError):
            tiff_pages.with_pixels(FILES["tiff"], tiff_pages.Page("<", page.tags | more))
    bare = {number: value for number, value in page.tags.items() if number != 279}
    assert tiff_pages.with_pixels(FILES["tiff"], tiff_pages.Page("<", bare)).segments


def big_tiff() -> bytes:
    """Return a BigTIFF of 8 by 1 grey pixels."""
    rows = [(256, 4, 8), (257, 4, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 16, 16), (277, 3, 1), (279, 16, 8)]
    entries = b"".join(struct.pack("<HHQQ", number, kind, 1, value) for number, kind, value in rows)
    return b"II+\0\x08\0\0\0" + struct.pack("<Q", 24) + bytes(range(8)) + struct.pack("<Q", 8) + entries + bytes(8)


def test_big_tiff() -> None:
    """BigTIFF is read, and comes back as a plain one with the same pixels."""
    result = compress(big_tiff() + bytes(400), Options()).data
    assert result.startswith(b"II*\0")
    assert view(result).frames[0][0, :, 0].tolist() == list(range(8))


def test_odd_tiffs() -> None:
    """Lab, floats, 12 bits, signed samples and inks of 16 bits are shown or packed as they are, none is guessed."""
    lab = Image.new("LAB", (8, 8), (128, 128, 128))
    shown = view(compress(saved(lab, "TIFF"), Options(formats=(ImageFormat.PNG,))).data)
    assert np.ptp(shown.frames[0][0, 0, :3].astype(int)) <= 3
    floats = saved(Image.fromarray(np.linspace(0, 1, 64).reshape(8, 8).astype(np.float32)), "TIFF")
    packed = compress(floats, Options()).data
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(packed))),
                          np.asarray(Image.open(io.BytesIO(floats))))  # fmt: skip
    whole = saved(Image.fromarray(np.arange(64).reshape(8, 8).astype(np.int32)), "TIFF")
    assert len(compress(whole, Options()).data) <= len(whole)


def test_what_vips_can_not_read() -> None:
    """Where libvips gives up, Pillow reads a TIFF; samples without a known range are a DecodeError."""
    page = tiff_pages.Page("<", {}, ())
    grey = saved(Image.fromarray(np.full((4, 4), 4_095, np.uint16)), "TIFF")
    found = tiff_pages.with_pixels(grey, tiff_pages.directories(grey)[0])
    assert tiff._by_pillow(found).getpixel((0, 0)) == 16
    for mode, expected in (("1", "L"), ("P", "RGB"), ("RGBA", "RGBA")):
        data = saved(SMALL.convert(mode), "TIFF")
        assert tiff._by_pillow(tiff_pages.with_pixels(data, tiff_pages.directories(data)[0])).mode == expected
    floats = saved(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    with pytest.raises(DecodeError, match="no known range"):
        tiff._by_pillow(tiff_pages.with_pixels(floats, tiff_pages.directories(floats)[0]))
    assert page.number(256, 7) == 7


@pytest.mark.parametrize(("mode", "bits"), [("RGB;16", 12), ("L;16", 10), ("RGBA;16", 10)])
@pytest.mark.parametrize("target", [ImageFormat.PNG, ImageFormat.TIFF])
def test_deep_heic(mode: str, bits: int, target: ImageFormat) -> None:
    """10 and 12 bits a sample become 16 without loss, with white at the top, and 8 rounded elsewhere."""
    bands = len(mode.split(";", maxsplit=1)[0])
    ramp = np.repeat(np.linspace(0, 65_535, 64 * 64).astype(np.uint16).reshape(64, 64, 1), bands, axis=2)
    if bands == 1:
        ramp = ramp[..., 0]
    made = pillow_heif.from_bytes(mode if bands > 1 else "I;16", (64, 64), ramp.tobytes())
    out = io.BytesIO()
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    made.save(out, quality=-1)
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    data = out.getvalue()
    header = heic.read_header(data)
    assert header.is_deep
    lossless = compress(data, Options(quality=Preset.LOSSLESS, formats=(target,))).data
    assert (lossless[24] == 16) if target is ImageFormat.PNG else tiff.read_header(lossless).is_deep
    plain = compress(data, Options(quality=Preset.HIGH, formats=(ImageFormat.WEBP,))).data
    assert distance(view(plain).frames[0], view(lossless).frames[0]) < 4


def test_named_colours() -> None:
    """A gamut that a file only names becomes a short profile; HDR says so; sRGB needs none."""
    wide = profiles.named(12, 13)
    assert wide is not None
    assert len(wide) < 600
    assert colour.judge(wide, "RGB") is colour.Verdict.KEEP
    assert profiles.named(1, 13) is None
    assert profiles.named(12, 8) is None
    nclx = b"nclx" + struct.pack(">HHHB", 9, 16, 9, 128)
    assert heif_facts.profile_of([nclx]) == (None, True)
    assert heif_facts.profile_of([b"nclx" + struct.pack(">HHHB", 12, 13, 6, 128)]) == (wide, False)


def test_named_gamut_is_shown() -> None:
    """Display P3 that an AVIF names by a number looks the same in WebP, which gets a profile."""
    data = saved(photo(40, 30), "AVIF", quality=90, subsampling="4:4:4")
    at = data.index(b"nclx") + 4
    named = data[:at] + struct.pack(">HH", 12, 13) + data[at + 4 :]
    result = view(compress(named, Options(Preset.HIGH, (ImageFormat.WEBP,))).data)
    plain = view(compress(data, Options(Preset.HIGH, (ImageFormat.WEBP,))).data)
    assert distance(result.frames[0], plain.frames[0]) > 3
    hdr = data[:at] + struct.pack(">HH", 9, 16) + data[at + 4 :]
    assert avif_boxes.read_header(hdr).is_wide
    assert len(compress(hdr, Options(quality=5)).data) <= len(hdr)


def test_iptc() -> None:
    """Press records are read from JPEG's Photoshop segment and from TIFF, also when a program swapped their bytes."""

    def record(number: int, text: bytes) -> bytes:
        return b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text

    records = record(116, "© Ada".encode()) + record(55, b"20261122") + record(60, b"100002+0000") + record(5, b"x")
    expected = kept.Kept("© Ada", "2026-11-22T10:00:02")
    assert iptc.find(records) == expected
    resources = b"8BIM\x04\x00\0\0\0\0\0\1x\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records
    assert iptc.records_in(resources) == records
    assert iptc.records_in(b"8BIM\x04\x00\0\0\0\0\0\0") == iptc.records_in(b"") == b""
    padded = records + bytes(-len(records) % 4)
    swapped = b"".join(padded[at : at + 4][::-1] for at in range(0, len(padded), 4))
    assert iptc.find(iptc.swapped_back(swapped)) == expected
    assert iptc.find(b"\x1c" * 70_000) == iptc.find(b"\x1c\x02\x74\xff\xff") == kept.NOTHING
    assert iptc.find(record(55, b"2026") + record(116, b"\xe9")) == kept.Kept("é")
    assert iptc.find(record(55, b"20261122") + record(60, b"99")).creation == "2026-11-22"
    data = saved(photo(60, 44), "JPEG", quality=95)
    segment = b"\xff\xed" + struct.pack(">H", 2 + 14 + len(resources)) + iptc.PHOTOSHOP + resources
    spiked = data[:2] + segment + data[2:]
    found = metadata.find(jpeg_segments.read_metadata(spiked), frozenset(Preserve))
    assert found == expected


def test_xmp_is_written_as_it_is_read() -> None:
    """The packet for GIF says just what is kept, in ASCII; a position that is incomplete is left out."""
    rights = kept.Kept("Ä & <Co>", "2026-11-22T10:00:02")
    assert xmp.find(xmp.packet(rights)) == rights
    assert xmp.packet(kept.NOTHING) == b""
    assert xmp.packet(kept.Kept(location=(kept.Tag(1, 2, b"N\0"),))) == b""
    assert xmp.packet(rights).isascii()


def test_timelines() -> None:
    """Ticks of a hundredth drift by no more than half of one; what is too short to be kept is shown as browsers do."""
    assert Timeline((33, 33, 34, 33)).in_ticks().durations == (30, 40, 30, 30)
    assert Timeline((0, 10, 20)).as_shown().durations == (100, 100, 20)
    assert Timeline((4, 4)).in_ticks().durations == (20, 20)


def test_gif_loops_are_repeats() -> None:
    """GIF counts repeats, the others how often it is shown: 2 repeats are 3 times; nothing said is once."""
    film = animation("GIF")
    assert gif_blocks.read_timeline(film)[1] == 4
    assert view(compress(film, Options(formats=(ImageFormat.WEBP,))).data).plays == 4
    bare = film.replace(b"!\xff\x0bNETSCAPE2.0\3\1\3\0\0", b"")
    for target in (ImageFormat.GIF, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.PNG):
        assert view(compress(bare, Options(formats=(target,))).data).plays == 1


@pytest.mark.parametrize("disposal", [1, 2, 3])
def test_disposal(disposal: int) -> None:
    """A frame that goes away leaves itself, nothing, or what was there before, as it asks: as Pillow shows it, too."""
    stills = [Image.new("RGBA", (24, 24), (0, 0, 0, 0)) for _ in range(4)]
    for index, still in enumerate(stills):
        still.paste((60 * index, 200, 40, 255), (4 * index, 3 * index, 4 * index + 9, 3 * index + 9))
    data = saved(stills[0], "GIF", save_all=True, append_images=stills[1:], duration=100, disposal=disposal)
    for ours, theirs in zip(gif.frames(data, gif_blocks.read_header(data)), view(data).frames, strict=True):
        assert distance(np.asarray(ours), theirs) == 0


def test_gifsicle_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where gifsicle gives up or takes too long, the rebuilt file stands if its frames can be read."""
    assert gif_program.optimised(b"GIF89a", "-O3") is None
    monkeypatch.setattr(gif_program, "optimised", lambda *_: None)
    for quality in (Preset.SMART, 30):
        result = compress(FILES["gif-film"], Options(quality=quality)).data
        assert [len(frame) for frame in view(result).frames] == [48] * 4


def test_slow_gifsicle_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """A program that does not end in its time is killed, and the result says that less was done."""
    monkeypatch.setattr(gif_program, "path", lambda: "/bin/sleep")
    monkeypatch.setattr(gif_program, "_ARGUMENTS", ())
    monkeypatch.setattr(effort, "left_s", lambda: 1.0)
    with effort.budget():
        assert gif_program.optimised(b"", "30") is None
        assert effort.was_reduced()


def test_gifsicle_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without gifsicle says where it was looked for."""
    monkeypatch.setattr(gif_program, "_NAME", "no-such-program")
    with pytest.raises(FileNotFoundError, match="no-such-program is in none of"):
        gif_program.path.__wrapped__()


def test_time_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is short, less is tried and the result says so; when it is over, the job ends in words."""
    data = saved(photo(40, 30), "PNG")
    monkeypatch.setattr(effort, "left_s", lambda: 5.0)
    result = compress(data, Options(formats=(ImageFormat.PNG, ImageFormat.JPEG)))
    assert result.reduced_effort
    assert result.format is ImageFormat.JPEG
    monkeypatch.setattr(effort, "left_s", lambda: -1.0)
    with pytest.raises(ImageTooComplex, match="within 20 seconds"):
        compress(data, Options(formats=(ImageFormat.JPEG,)))
    assert not effort.was_reduced()


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
    assert avif_film.read_plays(b"\0\0\0\x08moov") == 0
