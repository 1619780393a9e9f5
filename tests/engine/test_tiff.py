"""TIFF: its directories, its odd samples, and what nobody can show rightly."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from minipic.domain.image import ImageFormat, Options, Preset, Resize, ResizeMethod
from minipic.errors import BadRequest, DecodeError
from minipic_engine import effort, png_chunks, tiff, tiff_decode, tiff_encode, tiff_pages
from minipic_engine.pipeline import compress
from tests.engine.engine_images import deep_png, exif, graphic, photo, saved, tiff_of, wide_profile, with_chunks
from tests.engine.test_matrix import pages
from tests.engine.viewer import distance, view

SMALL = graphic(20, 16)
LZW = saved(SMALL, "TIFF", compression="tiff_lzw")


def test_directories_in_a_circle() -> None:
    """A TIFF whose last page points at its first has as many pages as it has, once each."""
    data = tiff_of(4, 4, 3)
    (first,) = struct.unpack_from("<I", data, 4)
    assert len(tiff_pages.directories(data[:-4] + struct.pack("<I", first))) == 3


def test_values_over_each_other() -> None:
    """A small file whose tags' values lie over each other is told, and takes no memory of a large one."""
    entries = b"".join(struct.pack("<HHII", number, 7, 40_000, 8 + number) for number in range(900))
    with pytest.raises(DecodeError, match="overlap"):
        tiff_pages.directories(b"II*\0\x08\0\0\0" + struct.pack("<H", 900) + entries + bytes(60_000))


def test_values_of_many_pages() -> None:
    """Pages may share a value, such as a profile: it counts once."""
    profile, data = wide_profile(60_000), b""
    for number in range(1, 6):
        tags = {256: tiff_pages.make_tag("<", 4, 3), 257: tiff_pages.make_tag("<", 4, 2)}
        body, _ = tiff_pages.directory_bytes(tags, "<", 0)
        entry = struct.pack("<HHII", tiff_pages.ICC, 7, len(profile), 8)
        following = 8 + len(profile) + number * (len(body) + 12) if number < 5 else 0
        data += struct.pack("<H", 3) + body[2:-4] + entry + struct.pack("<I", following)
    found = tiff_pages.directories(b"II*\0" + struct.pack("<I", 8 + len(profile)) + profile + data)
    assert [page.tags[tiff_pages.ICC].value for page in found] == [profile] * 5


def test_thumbnails_are_no_pages() -> None:
    """A directory that says to be a smaller copy is left out, unless there is no other."""
    page = tiff_pages.with_pixels(LZW, tiff_pages.directories(LZW)[0])
    small = tiff_pages.Page("<", page.tags | {254: tiff_pages.make_tag("<", 4, 1)}, page.segments)
    assert len(tiff_pages.directories(tiff_pages.written([small, page]))) == 1
    assert len(tiff_pages.directories(tiff_pages.written([small, small]))) == 2


def test_pixels_outside_the_file() -> None:
    """Strips that lie elsewhere, overlap beyond the file's size or are not named are a DecodeError."""
    page = tiff_pages.directories(LZW)[0]
    tag = tiff_pages.make_tag
    for more in (
        {273: tag("<", 4, 10**9), 279: tag("<", 4, 5)}, {273: tag("<", 4, *[8] * 99), 279: tag("<", 4, *[300] * 99)},
        {273: tag("<", 4, 8, 9), 279: tag("<", 4, 5)},
    ):  # fmt: skip
        with pytest.raises(DecodeError):
            tiff_pages.with_pixels(LZW, tiff_pages.Page("<", page.tags | more))
    bare = {number: value for number, value in page.tags.items() if number != 279}
    assert tiff_pages.with_pixels(LZW, tiff_pages.Page("<", bare)).segments


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
    assert tiff_decode.by_pillow(found).getpixel((0, 0)) == 16
    for mode, expected in (("1", "L"), ("P", "RGB"), ("RGBA", "RGBA")):
        data = saved(SMALL.convert(mode), "TIFF")
        assert tiff_decode.by_pillow(tiff_pages.with_pixels(data, tiff_pages.directories(data)[0])).mode == expected
    floats = saved(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF")
    with pytest.raises(DecodeError, match="no known range"):
        tiff_decode.by_pillow(tiff_pages.with_pixels(floats, tiff_pages.directories(floats)[0]))
    assert page.number(256, 7) == 7


def grey_of(samples: np.ndarray[tuple[int, ...], np.dtype[np.generic]], sample_format: int) -> bytes:
    """Return an uncompressed grey TIFF of any kind of numbers."""
    tag = tiff_pages.make_tag
    height, width = samples.shape
    tags = {
        256: tag("<", 4, width), 257: tag("<", 4, height), 258: tag("<", 3, 8 * samples.itemsize), 259: tag("<", 3, 1),
        262: tag("<", 3, 1), 277: tag("<", 3, 1), 278: tag("<", 4, height), 339: tag("<", 3, sample_format),
    }  # fmt: skip
    return tiff_pages.written([tiff_pages.Page("<", tags, (samples.tobytes(),))])


RAMP = np.arange(6_400).reshape(80, 80)


@pytest.mark.parametrize(
    "data",
    [
        grey_of(RAMP.astype(np.float32) / 6_400, 3), grey_of(RAMP.astype(np.uint32), 1),
        grey_of(RAMP.astype(np.int16) - 3_000, 2), pages(graphic(20, 16), Image.fromarray(RAMP.astype(np.float32))),
    ],
    ids=["floats", "32 bits", "signed", "a page of floats"],
)  # fmt: skip
def test_samples_without_a_known_white(data: bytes) -> None:
    """Floats, large and signed numbers are packed as they are; nothing that would have to show them is done."""
    packed = compress(data, Options()).data
    assert len(packed) < len(data)
    for left, right in zip(stored(data), stored(packed), strict=True):
        assert np.array_equal(left, right)
    for options in (Options(formats=(ImageFormat.PNG,)), Options(resize=Resize(ResizeMethod.FIT, 9, 9))):
        with pytest.raises(BadRequest, match="white nobody knows"):
            compress(data, options)


def stored(data: bytes) -> list[np.ndarray[tuple[int, ...], np.dtype[np.generic]]]:
    """Return every page's samples as Pillow reads them."""
    image = Image.open(io.BytesIO(data))
    found = []
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        found.append(np.asarray(image))
    return found


def test_signed_bytes() -> None:
    """Bytes that are called signed by mistake are shown as every program shows them."""
    data = grey_of((RAMP % 256).astype(np.uint8), 2)
    shown = view(compress(data, Options(Preset.LOSSLESS, (ImageFormat.PNG,))).data)
    assert np.array_equal(shown.frames[0][..., 0], RAMP % 256)


def test_fourth_channel_without_a_description() -> None:
    """A channel too many is transparency, also where the file forgets to say so; one that is said to be none is not."""
    image = Image.new("RGBA", (40, 30), (10, 200, 90, 255))
    image.paste((10, 200, 90, 40), (0, 0, 20, 30))
    data = saved(image, "TIFF")
    page = tiff_pages.directories(data)[0]
    whole = tiff_pages.with_pixels(data, page)
    for extra, expected in ((None, 40), (tiff_pages.make_tag("<", 3, 0), 255)):
        tags = {number: tag for number, tag in whole.tags.items() if number != tiff_pages.EXTRA_SAMPLES}
        tags |= {tiff_pages.EXTRA_SAMPLES: extra} if extra else {}
        file = tiff_pages.written([tiff_pages.Page("<", tags, whole.segments)])
        shown = view(compress(file, Options(formats=(ImageFormat.PNG,))).data)
        assert shown.frames[0][0, 0].tolist() == [10, 200, 90, expected]


def test_jpeg_of_the_old_style() -> None:
    """JPEG as TIFF 6 first had it, whose tables stand apart, is refused: libvips would show nothing but black."""
    tag = tiff_pages.make_tag
    tags = {
        256: tag("<", 4, 16), 257: tag("<", 4, 16), 258: tag("<", 3, 8, 8, 8), 259: tag("<", 3, 6), 262: tag("<", 3, 6),
        277: tag("<", 3, 3), 278: tag("<", 4, 16), 512: tag("<", 3, 1), 530: tag("<", 3, 2, 2),
    }  # fmt: skip
    data = tiff_pages.written([tiff_pages.Page("<", tags, (bytes(range(200)),))])
    for formats in ((), (ImageFormat.PNG,)):
        with pytest.raises(DecodeError):
            compress(data, Options(formats=formats))


def test_many_pages_in_little_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time runs short, the pages that are left stay as they came, and the result says so."""
    data = pages(*[photo(60, 44, seed=seed) for seed in range(4)])
    monkeypatch.setattr(effort, "left_s", lambda: 5.0)
    hurried = compress(data, Options())
    assert hurried.reduced_effort
    lengths = [sum(page.numbers(tiff_pages.STRIP_BYTES)) for page in tiff_pages.directories(hurried.data)]
    assert lengths[0] < lengths[1] == lengths[2] == lengths[3] == 60 * 44 * 3
    assert [frame.tolist() for frame in view(hurried.data).frames] == [frame.tolist() for frame in view(data).frames]


def test_deep_and_turned() -> None:
    """Samples of 16 bits go from PNG to TIFF with their orientation, and those with an unknown channel in 8."""
    ramp = np.stack([RAMP * 10, RAMP * 3, RAMP], axis=-1)[:40].astype(np.uint16)
    data = with_chunks(deep_png(ramp, 2), png_chunks.make_chunk(b"eXIf", exif(6)[6:]))
    made = compress(data, Options(Preset.LOSSLESS, (ImageFormat.TIFF,))).data
    assert tiff.read_header(made).orientation == 6
    assert tiff.read_header(made).is_deep
    assert view(made).size == (40, 80)
    page = tiff_pages.with_pixels(made, tiff_pages.directories(made)[0])
    odd = tiff_pages.Page(page.order, page.tags | {tiff_pages.EXTRA_SAMPLES: tiff_pages.make_tag("<", 3, 0)},
                          page.segments)  # fmt: skip
    file = tiff_pages.written([odd])
    assert tiff.decode_deep(file, tiff.read_header(file)) is None


@pytest.mark.parametrize("planes", [1, 2])
def test_luma_and_differences_of_colour(planes: int) -> None:
    """Samples that are no RGB but luma and differences of colour are shown rightly, and packed as they are."""
    image = photo(60, 44)
    data = saved(image.convert("YCbCr"), "TIFF")
    page = tiff_pages.with_pixels(data, tiff_pages.directories(data)[0])
    if planes == 2:
        samples = np.asarray(image.convert("YCbCr"))
        segments = tuple(samples[..., channel].tobytes() for channel in range(3))
        page = tiff_pages.Page("<", page.tags | {tiff_pages.PLANES: tiff_pages.make_tag("<", 3, 2)}, segments)
        deflated = tiff_encode.deflated_as_stored(page)
        assert deflated is not None
        data = tiff_pages.written([deflated])
    for formats in ((ImageFormat.PNG,), ()):
        result = compress(data, Options(Preset.LOSSLESS, formats)).data
        assert distance(view(result).frames[0], np.asarray(image.convert("RGBA"))) < 2
