"""Every kind of input in every format: it decodes, in the right size and with the right look, and nothing is lost."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from minipic.domain.image import OUTPUT_FORMATS, ImageFormat, Options, Preset
from minipic.errors import BadRequest
from minipic_engine import tiff_pages
from minipic_engine.pipeline import compress
from tests.engine.engine_images import (
    animation,
    deep_png,
    exif,
    graphic,
    opened,
    photo,
    press_profile,
    saved,
    transparent,
    wide_profile,
)
from tests.engine.viewer import Shown, distance, view

JPEG, PNG, WEBP, AVIF, GIF, TIFF = (
    ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.GIF, ImageFormat.TIFF,
)  # fmt: skip
SIZE = (96, 64)
TOLERANCE = {JPEG: 4.5, PNG: 5.5, WEBP: 4.5, AVIF: 4.5, GIF: 8.0, TIFF: 0.6}
"""The mean difference of a sample (of 255), at `high`; PNG and GIF have 256 colours, TIFF only rounds 16 bits to 8."""


@dataclass(frozen=True)
class Kind:
    """A kind of input: how it is made, and what it has that must not get lost."""

    make: Callable[[], bytes]
    own: ImageFormat | None = None
    alpha: bool = False
    grey: bool = False
    film: bool = False
    pages: int = 1


def heic(image: Image.Image, **params: object) -> bytes:
    """Return a HEIC, nearly without loss."""
    out = io.BytesIO()
    pillow_heif.from_pillow(image).save(out, quality=95, chroma=444, **params)
    return out.getvalue()


def pages(*images: Image.Image, **params: object) -> bytes:
    """Return a TIFF of several pages."""
    return saved(images[0], "TIFF", save_all=True, append_images=images[1:], **params)


def deep_tiff() -> bytes:
    """Return a grey TIFF of 16 bits."""
    ramp = np.linspace(0, 65_535, SIZE[0] * SIZE[1]).reshape(SIZE[1], SIZE[0]).astype(np.uint16)
    return saved(Image.fromarray(ramp), "TIFF", compression="tiff_lzw")


def ramp16(channels: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint16]]:
    """Return gradients of 16 bits."""
    width, height = SIZE
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * 651 + n * 97) % 65_536 if n % 2 else (y * 1_000 + n * 31) % 65_536 for n in range(channels)]
    return np.stack(planes, axis=-1).astype(np.uint16)


def bilevel() -> Image.Image:
    """Return black shapes on white, of one bit."""
    return graphic(*SIZE).convert("L").point(lambda value: 255 if value > 128 else 0).convert("1")


def cyan() -> Image.Image:
    """Return inks: cyan, with some black below."""
    image = Image.new("CMYK", SIZE, (255, 0, 0, 0))
    image.paste((0, 0, 0, 120), (0, 40, 96, 64))
    return image


PHOTO = photo(*SIZE)
FADED = transparent(*SIZE)
TURNED = photo(64, 96)
KINDS: dict[str, Kind] = {
    "png": Kind(lambda: saved(PHOTO, "PNG"), PNG),
    "png-alpha": Kind(lambda: saved(FADED, "PNG"), PNG, alpha=True),
    "png-grey": Kind(lambda: saved(PHOTO.convert("L"), "PNG"), PNG, grey=True),
    "png-grey-alpha": Kind(lambda: saved(FADED.convert("LA"), "PNG"), PNG, alpha=True, grey=True),
    "png-palette": Kind(lambda: saved(PHOTO.quantize(32), "PNG"), PNG),
    "png-bilevel": Kind(lambda: saved(bilevel(), "PNG"), PNG, grey=True),
    "png-deep": Kind(lambda: deep_png(ramp16(3), 2), PNG),
    "png-deep-alpha": Kind(lambda: deep_png(ramp16(4), 6), PNG, alpha=True),
    "png-wide": Kind(lambda: saved(PHOTO, "PNG", icc_profile=wide_profile()), PNG),
    "png-turned": Kind(lambda: saved(TURNED, "PNG", exif=exif(6)), PNG),
    "apng": Kind(lambda: animation("PNG"), PNG, alpha=True, film=True),
    "jpeg": Kind(lambda: saved(PHOTO, "JPEG", quality=95), JPEG),
    "jpeg-progressive": Kind(lambda: saved(PHOTO, "JPEG", quality=95, progressive=True), JPEG),
    "jpeg-grey": Kind(lambda: saved(PHOTO.convert("L"), "JPEG", quality=95), JPEG, grey=True),
    "jpeg-cmyk": Kind(lambda: saved(cyan(), "JPEG", quality=95, icc_profile=press_profile()), JPEG),
    "jpeg-turned": Kind(lambda: saved(TURNED, "JPEG", quality=95, exif=exif(8)), JPEG),
    "jpeg-wide": Kind(lambda: saved(PHOTO, "JPEG", quality=95, icc_profile=wide_profile()), JPEG),
    "webp": Kind(lambda: saved(PHOTO, "WEBP", quality=95), WEBP),
    "webp-lossless": Kind(lambda: saved(FADED, "WEBP", lossless=True), WEBP, alpha=True),
    "webp-film": Kind(lambda: animation("WEBP", lossless=True), WEBP, alpha=True, film=True),
    "gif": Kind(lambda: saved(graphic(*SIZE), "GIF"), GIF),
    "gif-grey": Kind(lambda: saved(PHOTO.convert("L"), "GIF"), GIF, grey=True),
    "gif-film": Kind(lambda: animation("GIF"), GIF, alpha=True, film=True),
    "bmp": Kind(lambda: saved(PHOTO, "BMP")),
    "bmp-palette": Kind(lambda: saved(graphic(*SIZE).quantize(16), "BMP")),
    "bmp-bilevel": Kind(lambda: saved(bilevel(), "BMP"), grey=True),
    "tiff": Kind(lambda: saved(PHOTO, "TIFF", compression="tiff_lzw"), TIFF),
    "tiff-alpha": Kind(lambda: saved(FADED, "TIFF"), TIFF, alpha=True),
    "tiff-bilevel": Kind(lambda: saved(bilevel(), "TIFF", compression="group3"), TIFF, grey=True),
    "tiff-palette": Kind(lambda: saved(PHOTO.quantize(32), "TIFF"), TIFF),
    "tiff-cmyk": Kind(lambda: saved(cyan(), "TIFF", icc_profile=press_profile()), TIFF),
    "tiff-deep": Kind(deep_tiff, TIFF, grey=True),
    "tiff-jpeg": Kind(lambda: saved(PHOTO, "TIFF", compression="jpeg", quality=95), TIFF),
    "tiff-turned": Kind(lambda: saved(TURNED, "TIFF", tiffinfo={274: 6}), TIFF),
    "tiff-wide": Kind(lambda: saved(PHOTO, "TIFF", icc_profile=wide_profile()), TIFF),
    "tiff-pages": Kind(lambda: pages(PHOTO, bilevel(), cyan(), graphic(40, 30)), TIFF, pages=4),
    "avif": Kind(lambda: saved(PHOTO, "AVIF", quality=90, subsampling="4:4:4"), AVIF),
    "avif-alpha": Kind(lambda: saved(FADED, "AVIF", quality=90, subsampling="4:4:4"), AVIF, alpha=True),
    "avif-grey": Kind(lambda: saved(PHOTO.convert("L"), "AVIF", quality=90), AVIF, grey=True),
    "avif-turned": Kind(lambda: saved(TURNED, "AVIF", quality=90, subsampling="4:4:4", exif=exif(6)), AVIF),
    "avif-wide": Kind(lambda: saved(PHOTO, "AVIF", quality=90, subsampling="4:4:4", icc_profile=wide_profile()), AVIF),
    "avif-film": Kind(lambda: animation("AVIF", quality=90, subsampling="4:4:4"), AVIF, alpha=True, film=True),
    "heic": Kind(lambda: heic(PHOTO)),
    "heic-alpha": Kind(lambda: heic(FADED), alpha=True),
    "heic-wide": Kind(lambda: heic(_with_profile(PHOTO))),
    "heic-turned": Kind(lambda: heic(TURNED, exif=exif(6))),
}


def _with_profile(image: Image.Image) -> Image.Image:
    made = image.copy()
    made.info["icc_profile"] = wide_profile()
    return made


@cache
def made(name: str) -> bytes:
    """Return the file of a kind."""
    return KINDS[name].make()


@cache
def reference(name: str) -> Shown:
    """Return what a viewer shows of it."""
    data = made(name)
    if data[4:8] == b"ftyp" and not name.startswith("avif"):
        image = pillow_heif.open_heif(data).to_pillow()
        image.info.pop("exif", None)
        return view(saved(image, "PNG", icc_profile=image.info.get("icc_profile")))
    return view(data)


def refusal(kind: Kind, target: ImageFormat) -> str:
    """Return what a BadRequest says of a kind that the format can't hold; nothing where it can."""
    if kind.film and target in (JPEG, TIFF):
        return "animation can't be kept"
    if kind.pages > 1 and target is not TIFF:
        return "4 pages"
    return "transparent image to JPEG" if kind.alpha and target is JPEG else ""


@pytest.mark.parametrize("target", OUTPUT_FORMATS)
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_in_every_format(name: str, target: ImageFormat) -> None:
    """It decodes, is as large and looks as before, keeps time, loops, pages, transparency and grey, or says why not."""
    kind, data = KINDS[name], made(name)
    options = Options(Preset.HIGH, formats=(target,))
    if words := refusal(kind, target):
        with pytest.raises(BadRequest, match=words):
            compress(data, options)
        return
    result = compress(data, options)
    before, after = reference(name), view(result.data)
    assert result.format is target
    assert after.format == target.name
    assert (result.width, result.height) == after.size == before.size
    assert after.plays == before.plays
    if kind.film:
        assert_same_film(before, after, TOLERANCE[target])
    else:
        assert len(after.frames) == len(before.frames) == kind.pages
    tolerance = 0.6 if target is kind.own is not AVIF and target in (GIF, TIFF) else TOLERANCE[target]
    for left, right in zip(before.frames, after.frames, strict=False):
        seen = as_gif_shows(left) if target is GIF else left
        assert distance(seen, right) <= tolerance
        assert np.abs(seen[..., 3].astype(int) - right[..., 3]).mean() <= (2.5 if kind.alpha else 0)
        if kind.grey:
            spread = np.ptp(right[..., :3].astype(int), axis=-1)[right[..., 3] > 0]
            assert spread.max() <= (3 if target in (WEBP, AVIF) else 0)


def assert_same_film(before: Shown, after: Shown, tolerance: float) -> None:
    """Compare what is shown in the middle of each frame, and when frames change, to a hundredth of a second."""
    assert sum(after.durations) == pytest.approx(sum(before.durations), abs=10)
    assert [at for at, _ in after.instants] == pytest.approx([at for at, _ in before.instants], abs=10)
    for at, frame in before.instants:
        seen = as_gif_shows(frame) if after.format == "GIF" else frame
        assert distance(seen, after.at(at + 20)) <= tolerance


def as_gif_shows(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> np.ndarray[
    tuple[int, ...], np.dtype[np.uint8]]:  # fmt: skip
    """Return a picture with every pixel transparent or not, which is all that GIF knows."""
    made = pixels.copy()
    made[..., 3] = np.where(made[..., 3] >= 128, 255, 0)
    made[made[..., 3] == 0] = 0
    return made


@pytest.mark.parametrize(("name", "expected"), [("heic", JPEG), ("heic-alpha", PNG), ("bmp", PNG), ("tiff", TIFF)])
def test_format_when_none_is_asked(name: str, expected: ImageFormat) -> None:
    """A HEIC becomes JPEG, or PNG with transparency; a BMP becomes PNG; all else keeps its format."""
    assert compress(made(name), Options()).format is expected


def test_bilevel_stays_bilevel() -> None:
    """Black and white of one bit are stored in one bit, in a fax's code or deflated, whatever they came as."""
    for name in ("tiff-bilevel", "png-bilevel", "bmp-bilevel"):
        result = opened(compress(made(name), Options(formats=(TIFF,))).data)
        assert result.mode == "1"
    rings = np.hypot(*np.mgrid[-200:200, -300:300]).astype(int) // 17 % 2 == 0
    page = tiff_pages.directories(compress(saved(Image.fromarray(rings), "TIFF"), Options()).data)[0]
    assert page.number(tiff_pages.COMPRESSION, 1) == 4


@pytest.mark.parametrize("name", ["png-deep", "png-deep-alpha", "tiff-deep"])
@pytest.mark.parametrize("target", [PNG, TIFF])
def test_sixteen_bits_stay(name: str, target: ImageFormat) -> None:
    """Without loss all 16 bits are kept, from PNG to TIFF and back; TIFF keeps them at every quality."""
    data = made(name)
    for quality in (Preset.LOSSLESS, *([Preset.SMART] if target is TIFF else [])):
        result = compress(data, Options(quality=quality, formats=(target,))).data
        assert np.array_equal(samples16(result), samples16(data))


def samples16(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    """Return a file's samples as they are."""
    import pyvips  # type: ignore[import-untyped]  # noqa: PLC0415

    image = pyvips.Image.new_from_buffer(data, "")
    assert image.format == "ushort"
    return np.asarray(image.numpy())
