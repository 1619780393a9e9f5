"""What ``compress`` promises for stills."""

import struct
import zlib
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minipic.domain.image import OUTPUT_FORMATS, ImageFormat, Options, Preset, Quality
from minipic.errors import BadRequest, DecodeError, ImageTooComplex
from minipic_engine import colour, effort, jpeg, jpeg_segments, libwebp, picture, png, png_chunks, webp_chunks
from minipic_engine.level import interpolate, level_of
from minipic_engine.pipeline import compress
from tests.engine.engine_images import (
    GPS_TEXT,
    WEB,
    deep_png,
    difference,
    exif,
    graphic,
    grey_profile,
    opened,
    photo,
    press_profile,
    raw_png,
    saved,
    shown,
    srgb_profile,
    transparent,
    wide_profile,
    with_chunks,
)
from tests.pictures import lettered_logo_png

JPEG, PNG, WEBP = ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP
QUALITIES: list[Quality] = [Preset.SMART, Preset.HIGH, Preset.EXTREME, Preset.LOSSLESS, 1, 50, 100]
RNG = np.random.default_rng(7)
LA = Image.merge("LA", [photo().convert("L"), transparent().getchannel("A")])
DEEP = deep_png(RNG.integers(0, 65_536, (40, 30, 3)).astype(np.uint16), 2)
INPUTS: dict[str, bytes] = {
    "jpeg": saved(photo(), "JPEG", quality=92),
    "jpeg-poor": saved(photo(), "JPEG", quality=8),
    "jpeg-grey": saved(photo().convert("L"), "JPEG", quality=90),
    "jpeg-cmyk": saved(photo().convert("CMYK"), "JPEG", quality=90),
    "jpeg-turned": saved(photo(90, 40), "JPEG", quality=95, exif=exif(6)),
    "jpeg-wide": saved(photo(), "JPEG", quality=95, icc_profile=wide_profile()),
    "png": saved(photo(), "PNG"),
    "png-graphic": saved(graphic(), "PNG"),
    "png-alpha": saved(transparent(), "PNG"),
    "png-grey": saved(photo().convert("L"), "PNG"),
    "png-grey-alpha": saved(LA, "PNG"),
    "png-palette": saved(photo().quantize(64), "PNG"),
    "png-bilevel": saved(photo().convert("1"), "PNG"),
    "png-deep": DEEP,
    "png-deep-grey": deep_png(np.linspace(0, 65_535, 4_000).reshape(40, 100, 1).astype(np.uint16), 0),
    "png-turned": saved(photo(90, 40), "PNG", exif=exif(8)),
    "png-wide": saved(photo(), "PNG", icc_profile=wide_profile()),
    "png-big-profile": saved(photo(), "PNG", icc_profile=wide_profile(9_000)),
    "png-noise": saved(Image.fromarray(RNG.integers(0, 256, (110, 110, 4)).astype(np.uint8)), "PNG"),
    "png-gamma": with_chunks(saved(photo(), "PNG"), png_chunks.make_chunk(b"gAMA", struct.pack(">I", 100_000))),
    "webp": saved(photo(), "WEBP", quality=95),
    "webp-poor": saved(photo(), "WEBP", quality=5),
    "webp-lossless": saved(photo(), "WEBP", lossless=True),
    "webp-graphic": saved(graphic(), "WEBP", lossless=True),
    "webp-alpha": saved(transparent(), "WEBP", quality=95),
    "webp-turned": saved(photo(90, 40), "WEBP", quality=95, exif=exif(5)),
    "tiny": saved(Image.new("RGB", (1, 1), (9, 8, 7)), "PNG"),
}


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("name", INPUTS)
def test_kept_format(name: str, quality: Quality) -> None:
    """Never larger, deterministic, and a second and third pass return the same picture, not larger either."""
    data, options = INPUTS[name], Options(quality=quality)
    first = compress(data, options)
    assert len(first.data) <= len(data)
    assert compress(data, options) == first
    second = compress(first.data, options)
    third = compress(second.data, options)
    assert np.array_equal(shown(first.data), shown(second.data))
    assert np.array_equal(shown(first.data), shown(third.data))
    assert len(third.data) <= len(second.data) <= len(first.data)
    assert shown(first.data).shape[:2] == (first.height, first.width) == shown(data).shape[:2]


@pytest.mark.parametrize("target", WEB)
@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS, 30])
@pytest.mark.parametrize(
    "name", ["jpeg-turned", "png-alpha", "png-graphic", "webp", "png-deep", "jpeg-cmyk", "png-grey-alpha"]
)
def test_converted_format(name: str, quality: Quality, target: ImageFormat) -> None:
    """Asked again for the format that it has by now, a result stays as it is to look at."""
    options = Options(quality=quality, formats=(target,), background=(255, 255, 255) if target is JPEG else None)
    first = compress(INPUTS[name], options)
    second = compress(first.data, options)
    assert first.format is target
    assert opened(first.data).format == target.name
    assert np.array_equal(shown(first.data), shown(second.data))
    assert len(second.data) <= len(first.data)


@settings(max_examples=40)
@given(
    st.integers(1, 40), st.integers(1, 40), st.sampled_from(["L", "LA", "RGB", "RGBA"]),
    st.sampled_from(WEB), st.sampled_from(QUALITIES), st.integers(0, 2**31),
)  # fmt: skip
def test_any_small_picture(width: int, height: int, mode: str, kind: ImageFormat, quality: Quality, seed: int) -> None:
    """Never larger and idempotent also for noise of any size, mode and quality."""
    bands = len(mode)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, bands)).astype(np.uint8)
    image = Image.fromarray(pixels.squeeze(2) if bands == 1 else pixels)
    data = saved(image.convert(mode[0] if mode == "LA" else "RGB") if kind is JPEG else image, kind.value)
    first = compress(data, Options(quality=quality))
    second = compress(first.data, Options(quality=quality))
    assert len(first.data) <= len(data)
    assert np.array_equal(shown(first.data), shown(second.data))


@pytest.mark.parametrize("name", [name for name in INPUTS if name not in ("png-gamma", "jpeg-cmyk")])
def test_lossless_keeps_every_pixel(name: str) -> None:
    """`lossless` returns what came in, to the last bit, in its own format."""
    result = compress(INPUTS[name], Options(quality=Preset.LOSSLESS))
    assert np.array_equal(shown(result.data), shown(INPUTS[name]))


@pytest.mark.parametrize("name", ["png", "png-alpha", "png-graphic", "webp-lossless", "png-bilevel"])
@pytest.mark.parametrize("target", [PNG, WEBP])
@pytest.mark.parametrize("quality", [Preset.LOSSLESS, 100])
def test_lossless_conversion(name: str, target: ImageFormat, quality: Quality) -> None:
    """`lossless` and 100 keep every pixel also between PNG and WebP."""
    result = compress(INPUTS[name], Options(quality=quality, formats=(target,)))
    assert np.array_equal(shown(result.data), shown(INPUTS[name]))


def test_lossless_keeps_16_bits() -> None:
    """A deep PNG stays deep when nothing may be lost, and the lossy way rounds instead of cutting."""
    kept = compress(DEEP, Options(quality=Preset.LOSSLESS)).data
    assert kept[24] == 16
    ramp = np.tile(np.arange(0, 65_536, 128, dtype=np.uint16)[None, :, None], (30, 1, 3))
    rounded = shown(compress(deep_png(ramp, 2), Options(formats=(WEBP,), quality=100)).data)
    assert np.array_equal(rounded[0, :, 0], np.rint(ramp[0, :, 0] / 257).astype(np.uint8))


def test_jpeg_100_is_best_not_lossless() -> None:
    """JPEG at 100 is re-encoded at a quality that no eye tells from the source."""
    result = compress(saved(photo(), "PNG"), Options(formats=(JPEG,), quality=100))
    assert difference(shown(result.data), shown(INPUTS["png"])) < 2


@pytest.mark.parametrize("target", WEB)
def test_numbers_rise(target: ImageFormat) -> None:
    """A higher number never gives a smaller file (within 1 %), and the error falls from end to end."""
    source = saved(photo(320, 240), "PNG")
    results = [
        compress(source, Options(formats=(target,), quality=n)).data for n in (1, 20, 40, 65, 80, 89, 90, 99, 100)
    ]
    sizes = [len(result) for result in results]
    assert all(low <= high * 1.01 for low, high in pairwise(sizes))
    errors = [difference(shown(result), shown(source)) for result in results]
    assert errors[0] >= errors[4] > errors[-1]


def test_presets_are_numbers() -> None:
    """A preset is the number of its target score, `lossless` is above all, and other numbers are refused."""
    assert [level_of(preset) for preset in Preset] == [80, 90, 65, 101]
    assert interpolate(3, ((1, 1.0), (5, 5.0))) == 3.0
    for wrong in (0, 101):
        with pytest.raises(BadRequest, match="`quality`"):
            level_of(wrong)


def test_smart_wins() -> None:
    """A typical photo loses most of its bytes and little of its looks."""
    source = photo(400, 300)
    for kind, share in ((JPEG, 0.7), (PNG, 0.7), (WEBP, 0.7)):
        data = saved(source, kind.value, quality=95)
        result = compress(data, Options())
        assert len(result.data) < share * len(data)
        assert difference(shown(result.data), shown(data)) < 8


def test_small_logo() -> None:
    """A small logo that drags 15 kB of XMP along comes out between 1 000 and 1 500 bytes, without a visible change."""
    data = lettered_logo_png()
    result = compress(data, Options())
    assert 1_000 <= len(result.data) <= 1_500
    assert difference(shown(result.data), shown(data)) < 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS])
@pytest.mark.parametrize("kind", WEB)
def test_orientation(kind: ImageFormat, quality: Quality, orientation: int) -> None:
    """All eight orientations look the same afterwards, and the size given is the one that is seen."""
    data = saved(photo(72, 40), kind.value, quality=95, exif=exif(orientation))
    result = compress(data, Options(quality=quality))
    assert difference(shown(result.data), shown(data)) < 6
    assert (result.width, result.height) == ((40, 72) if orientation >= 5 else (72, 40))


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("kind", WEB)
@pytest.mark.parametrize("base_quality", [5, 95])
def test_metadata_never_leaks(kind: ImageFormat, quality: Quality, base_quality: int) -> None:
    """No byte of EXIF, XMP, comments or of what is appended to the file survives, in the fall-backs neither."""
    params = {"JPEG": {"comment": GPS_TEXT}, "PNG": {}, "WEBP": {}}[kind.name]
    data = saved(photo(), kind.value, quality=base_quality, exif=exif(3), xmp=GPS_TEXT, **params)
    if kind is PNG:
        data = with_chunks(data, *(png_chunks.make_chunk(name, b"Comment\0" + GPS_TEXT) for name in (b"tEXt", b"prVt")))
    data += GPS_TEXT
    assert GPS_TEXT in data
    result = compress(data, Options(quality=quality)).data
    assert GPS_TEXT not in result
    assert b"GPS" not in result
    assert len(result) <= len(data)


def test_fallback_repacks() -> None:
    """A JPEG that is already poor keeps its coefficients, loses bytes, and is not marked as made here."""
    data = INPUTS["jpeg-poor"]
    result = compress(data, Options(quality=Preset.HIGH)).data
    assert np.array_equal(shown(result), shown(data))
    assert len(result) < len(data)
    assert jpeg_segments.read_header(result).made_at is None


@pytest.mark.parametrize("kind", [JPEG, WEBP])
def test_marks(kind: ImageFormat) -> None:
    """A result is encoded again only at a strictly lower level."""
    read = jpeg_segments.read_header if kind is JPEG else webp_chunks.read_header
    smart = compress(saved(photo(), "PNG"), Options(formats=(kind,))).data
    assert read(smart).made_at == 80
    high = compress(smart, Options(quality=Preset.HIGH)).data
    assert np.array_equal(shown(high), shown(smart))
    assert read(high).made_at == 80
    extreme = compress(smart, Options(quality=Preset.EXTREME)).data
    assert read(extreme).made_at == 65
    assert len(extreme) < len(smart)


def test_alpha_needs_a_background_in_jpeg() -> None:
    """Transparency to JPEG asks for `background`; an alpha channel that is opaque everywhere is none."""
    with pytest.raises(BadRequest, match="transparent image to JPEG needs `background`"):
        compress(INPUTS["png-alpha"], Options(formats=(JPEG,)))
    opaque = photo()
    opaque.putalpha(255)
    assert compress(saved(opaque, "PNG"), Options(formats=(JPEG,))).format is JPEG


@pytest.mark.parametrize("target", [None, *OUTPUT_FORMATS])
def test_background_fills(target: ImageFormat | None) -> None:
    """A background shows through what was transparent, alone or with a conversion."""
    result = compress(INPUTS["png-alpha"], Options(formats=(target,) if target else (), background=(250, 10, 20)))
    pixels = shown(result.data)
    assert pixels[..., 3].min() == 255
    assert np.abs(pixels[60, 159, :3].astype(int) - (250, 10, 20)).max() < 12


@pytest.mark.parametrize("kind", [PNG, WEBP])
@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS])
def test_alpha_is_kept(kind: ImageFormat, quality: Quality) -> None:
    """Transparency stays, nearly exact with loss, exact without."""
    data = saved(transparent(), kind.value, lossless=True, exact=True)
    before, after = shown(data)[..., 3].astype(int), shown(compress(data, Options(quality=quality)).data)[..., 3]
    assert np.abs(before - after).mean() < (3 if quality is Preset.SMART else 1e-9)


def test_grey_stays_grey() -> None:
    """Grey is stored as grey in JPEG and PNG, also when a background is grey."""
    for name, options in (
        ("jpeg-grey", Options()), ("png-grey", Options(formats=(JPEG,))), ("png-grey", Options()),
        ("jpeg-grey", Options(formats=(PNG,))),
        ("png-grey-alpha", Options(formats=(JPEG,), background=(255, 255, 255))),
    ):  # fmt: skip
        assert opened(compress(INPUTS[name], options).data).mode in ("L", "P") if PNG in options.formats else True
        assert np.ptp(shown(compress(INPUTS[name], options).data)[..., :3].astype(int), axis=-1).max() == 0
    coloured = compress(INPUTS["png-grey-alpha"], Options(formats=(JPEG,), background=(255, 0, 0)))
    assert opened(coloured.data).mode == "RGB"


def profile_of(data: bytes) -> bytes | None:
    """Return the embedded profile, as Pillow finds it."""
    found: bytes | None = opened(data).info.get("icc_profile")
    return found


@pytest.mark.parametrize("kind", WEB)
@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS])
def test_profiles(kind: ImageFormat, quality: Quality) -> None:
    """SRGB's profile and a broken one go; Display P3 travels."""
    for profile, kept in ((srgb_profile(), None), (b"broken" * 40, None), (wide_profile(), wide_profile())):
        data = saved(photo(), kind.value, quality=95, icc_profile=profile)
        assert profile_of(compress(data, Options(quality=quality)).data) == kept


@pytest.mark.parametrize("target", WEB)
def test_wide_gamut_travels(target: ImageFormat) -> None:
    """A small profile is embedded in every output format."""
    assert profile_of(compress(INPUTS["png-wide"], Options(formats=(target,))).data) == wide_profile()


def test_large_profile_is_applied() -> None:
    """A large profile is applied to the pixels of a lossy result; a repack keeps it."""
    flat = Image.new("RGB", (120, 120), (200, 60, 40))
    flat.paste(photo(60, 60), (60, 60))
    data = saved(flat, "PNG", icc_profile=wide_profile(9_000))
    result = compress(data, Options(formats=(WEBP,))).data
    assert profile_of(result) is None
    assert int(shown(result)[10, 10, 0]) == pytest.approx(216, abs=5)
    assert profile_of(compress(data, Options(quality=Preset.LOSSLESS)).data) == wide_profile(9_000)
    with_alpha = flat.copy()
    with_alpha.putalpha(90)
    faded = compress(
        saved(with_alpha, "PNG", icc_profile=wide_profile(9_000)), Options(formats=(WEBP,), quality=100)
    ).data
    assert int(shown(faded)[10, 10, 0]) == pytest.approx(216, abs=5)
    assert shown(faded)[10, 10, 3] == 90


def test_grey_profile_is_applied() -> None:
    """A grey profile that is not sRGB's curve is applied, and grey stays grey; a wrong kind of profile is ignored."""
    data = saved(Image.new("L", (30, 30), 100), "PNG", icc_profile=grey_profile(1.0))
    result = opened(compress(data, Options(formats=(JPEG,))).data)
    assert result.mode == "L"
    assert result.getpixel((5, 5)) == pytest.approx(168, abs=3)
    assert colour.judge(grey_profile(1.0), "RGB") is colour.Verdict.DROP


def test_cmyk_becomes_rgb() -> None:
    """A CMYK JPEG that is encoded again becomes RGB and looks the same; without loss it stays what it is."""
    data = INPUTS["jpeg-cmyk"]
    small = compress(data, Options(quality=Preset.EXTREME)).data
    assert opened(small).mode == "RGB"
    assert difference(shown(small), shown(data)) < 5
    assert opened(compress(data, Options(quality=Preset.LOSSLESS)).data).mode == "CMYK"


@pytest.mark.parametrize("target", WEB)
def test_cmyk_profile_is_applied(target: ImageFormat) -> None:
    """A press profile decides what cyan looks like; the naive conversion would make it (0, 255, 255)."""
    data = saved(Image.new("CMYK", (64, 64), (255, 0, 0, 0)), "JPEG", quality=95, icc_profile=press_profile())
    result = compress(data, Options(formats=(target,), quality=100))
    seen = shown(result.data)[30, 30, :3].astype(int)
    assert np.abs(seen - (0, 151, 219)).max() < 30
    assert profile_of(result.data) is None
    assert profile_of(compress(data, Options(quality=Preset.LOSSLESS)).data) == press_profile()


def test_gamma_is_applied() -> None:
    """Linear light in a PNG (gAMA 1.0) is brightened to sRGB's curve where the chunk can't go along."""
    chunk = png_chunks.make_chunk(b"gAMA", struct.pack(">I", 100_000))
    data = with_chunks(saved(Image.new("RGBA", (30, 30), (55, 55, 55, 200)), "PNG"), chunk)
    result = shown(compress(data, Options(formats=(WEBP,), quality=100)).data)
    assert int(result[3, 3, 0]) == pytest.approx(128, abs=2)
    assert result[3, 3, 3] == 200
    assert chunk in compress(data, Options(quality=Preset.LOSSLESS)).data


def test_hdr_png_is_only_repacked() -> None:
    """Pixels that a cICP chunk declares HDR keep it, and are not reduced to 8-bit guesses."""
    chunk = png_chunks.make_chunk(b"cICP", bytes([9, 16, 0, 1]))
    data = with_chunks(INPUTS["png"], chunk)
    result = compress(data, Options()).data
    assert chunk in result
    assert np.array_equal(shown(result), shown(data))
    with pytest.raises(BadRequest, match="HDR"):
        compress(data, Options(formats=(WEBP,)))


@pytest.mark.parametrize("name", ["jpeg", "png", "png-deep", "webp", "webp-lossless"])
@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS])
def test_truncated(name: str, quality: Quality) -> None:
    """A file that ends early is a DecodeError, whatever is asked of it."""
    data = INPUTS[name]
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(DecodeError):
            compress(data[: int(len(data) * share)], Options(quality=quality))


@settings(max_examples=120)
@given(
    st.sampled_from(["jpeg", "png-alpha", "png-palette", "png-deep", "webp", "webp-lossless", "jpeg-cmyk"]), st.data()
)
def test_flipped_bits(name: str, draws: st.DataObject) -> None:
    """Damaged pixels end in a result that is not larger, or in an error that tells the client."""
    broken = bytearray(INPUTS[name])
    for _ in range(3):
        broken[draws.draw(st.integers(12, len(broken) - 1))] ^= 1 << draws.draw(st.integers(0, 7))
    try:
        assert len(compress(bytes(broken), Options()).data) <= len(broken)
    except (DecodeError, ImageTooComplex):
        return


def test_two_sizes_are_refused() -> None:
    """A WebP whose canvas is not its picture's size is damaged, not a surprise."""
    data = saved(photo(40, 40), "WEBP", exif=exif(3))
    with pytest.raises(DecodeError):
        compress(data.replace(b"\x27\0\0\x27\0\0", b"\x2f\0\0\x27\0\0", 1), Options())


def test_own_bytes_when_nothing_is_smaller() -> None:
    """A file that is smaller than anything that can be written comes back as it was."""
    short_exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0"
    data = compress(saved(Image.new("L", (1, 1)), "PNG"), Options()).data
    data = with_chunks(data, png_chunks.make_chunk(b"eXIf", short_exif))
    assert compress(data, Options()).data == data


def test_memory_errors_are_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory that runs out in a decoder, and anywhere else in a job, is the image's size, not a bug of ours."""
    with pytest.raises(ImageTooComplex), picture.decoding():
        raise MemoryError
    with pytest.raises(ImageTooComplex), picture.decoding():
        raise ImageTooComplex

    def exhausted(*_: object) -> bytes:
        raise MemoryError

    monkeypatch.setattr(png, "encode", exhausted)
    with pytest.raises(ImageTooComplex):
        compress(INPUTS["jpeg"], Options(formats=(PNG,)))


def test_bugs_are_not_masked() -> None:
    """An exception that no decoder raises on bad input passes the guard."""
    with pytest.raises(ZeroDivisionError), picture.decoding():
        raise ZeroDivisionError


def test_repack_of_what_the_repacker_does_not_know() -> None:
    """Where mozjpeg or oxipng refuse a still, its rebuilt file stands in for the repack."""
    header = jpeg_segments.read_header(INPUTS["jpeg"])
    no_image = jpeg_segments.rebuild(INPUTS["jpeg"]).split(b"\xff\xda")[0] + b"\xff\xd9"
    assert jpeg.repack(no_image, header, None) == no_image
    odd = raw_png(struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0), zlib.compress(bytes(1_000)))
    assert png.repack(odd, png_chunks.read_header(odd), None) == odd


def test_level_zero_above_the_effort_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a number of pixels PNG and WebP are packed with less effort, and the result says so; JPEG is not."""
    monkeypatch.setattr(effort, "FULL_EFFORT_PIXELS", 1_000)
    for name, reduced in (("png", True), ("webp-lossless", True), ("webp", True), ("jpeg", False)):
        result = compress(INPUTS[name], Options())
        assert result.reduced_effort is reduced
        assert len(result.data) <= len(INPUTS[name])


def test_webp_overflow_falls_back_to_lossless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture too huge and noisy for lossy WebP is stored without loss."""

    def overflowing(*_: object) -> bytes:
        raise ValueError("error 6")

    monkeypatch.setattr(libwebp.Planes, "encoded", overflowing)
    result = compress(INPUTS["png"], Options(formats=(WEBP,)))
    assert np.array_equal(shown(result.data), shown(INPUTS["png"]))


def test_profile_chunk_is_reused() -> None:
    """A profile that the input packs better than zlib keeps its packing; one packed worse is packed again."""
    worse = png_chunks.make_chunk(b"iCCP", b"a long name\0\0" + zlib.compress(wide_profile(), 0))
    packed = compress(with_chunks(INPUTS["png"], worse), Options(quality=Preset.LOSSLESS)).data
    assert profile_of(packed) == wide_profile()
    assert worse not in packed
    again = compress(packed, Options(quality=Preset.LOSSLESS)).data
    assert again == packed
