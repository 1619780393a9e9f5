"""WebP at a promised score."""

import io
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from minipic.domain.image import ImageFormat, Options, Preset
from minipic_engine import effort, libwebp, mosaic, native, webp, webp_chunks, webp_colours, webp_search
from minipic_engine.goal import Goal, goal_at
from minipic_engine.picture import Picture, without_hidden_colours
from minipic_engine.pipeline import compress
from minipic_engine.ssimulacra2 import Pixels, Reference
from tests.engine.engine_images import graphic, logo, photo, saved, shown, transparent

SMART = 80.0
PHOTOS = Path(__file__).parents[2].parent / "shared" / "corpus" / "photos" / "kodak"


def measured(picture: Picture, data: bytes) -> float:
    """Return the score of a file, measured apart from the encoder."""
    return Reference(np.asarray(picture.image)).score(np.asarray(Image.open(io.BytesIO(data))))


def colourful(width: int = 96, height: int = 80) -> Image.Image:
    """Stripes of one pixel, of colours that are equally bright: halving their resolution leaves a grey."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, 0::2] = (200, 60, 60)
    pixels[:, 1::2] = (20, 120, 180)
    noise = np.random.default_rng(1).normal(0, 12, (height, width, 1))
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


PICTURES: dict[str, Callable[[], Image.Image]] = {
    "photo": lambda: photo(320, 240),
    "grey": lambda: photo(320, 240).convert("L"),
    "odd": lambda: photo(161, 123),
    "transparent": lambda: transparent(200, 150),
    "grey and transparent": lambda: transparent(200, 150).convert("LA"),
    "graphic": lambda: graphic(320, 240),
    "logo": logo,
    "colourful": colourful,
}


@pytest.mark.parametrize("target", [50.0, 65.0, SMART, 90.0])
@pytest.mark.parametrize("name", PICTURES)
def test_the_target_is_held(name: str, target: float) -> None:
    """Every picture scores its target, within half a point, by the score that is reported, in at most six trials."""
    picture = without_hidden_colours(Picture(PICTURES[name]()))
    made = webp_search.encode(picture, target)
    assert made.score is not None
    assert made.score == pytest.approx(measured(picture, made.data), abs=0.02)
    assert made.score >= target - 0.5
    assert made.trials <= 6


@pytest.mark.parametrize("target", [65.0, 75.0, SMART, 85.0])
@pytest.mark.parametrize("seed", range(3))
def test_photographs_land_near_the_target(seed: int, target: float) -> None:
    """No byte is spent on more than was asked for."""
    picture = Picture(photo(400, 300, seed=seed))
    made = webp_search.encode(picture, target)
    assert target <= measured(picture, made.data) <= target + 1.5


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the corpus is not here")
@pytest.mark.parametrize("name", ["5.png", "9.png", "12.png"])
@pytest.mark.parametrize("target", [65.0, SMART])
def test_smaller_than_the_usual_encoder_at_the_same_score(name: str, target: float) -> None:
    """Pillow's usual WebP takes more bytes wherever it scores as much."""
    picture = Picture(Image.open(PHOTOS / name).convert("RGB").crop((0, 0, 400, 400)))
    made = webp_search.encode(picture, target)
    assert made.score is not None
    usual = [saved(picture.image, "WEBP", quality=quality) for quality in range(40, 96)]
    as_good = [len(data) for data in usual if measured(picture, data) >= made.score]
    assert len(made.data) < 0.98 * min(as_good)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (3, 5), (17, 2)])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_smallest_pictures(size: tuple[int, int], mode: str) -> None:
    """A picture of a few pixels is encoded in its size."""
    picture = Picture(Image.new(mode, size, tuple([90] * len(mode)) if len(mode) > 1 else 90))
    made = webp_search.encode(picture, SMART)
    assert Image.open(io.BytesIO(made.data)).size == size
    assert made.score is not None
    assert made.score >= SMART


def test_few_colours_are_kept_without_loss() -> None:
    """A drawing of three colours is smaller with its very pixels."""
    picture = Picture(graphic(320, 240))
    made = webp_search.encode(picture, SMART)
    assert webp_chunks.read_header(made.data).is_lossless
    assert made.score is not None
    assert made.score > 95


def test_a_smooth_edged_drawing_loses_colours_only() -> None:
    """Lettering takes far fewer bytes in fewer colours than by any loss of detail."""
    large = Image.new("RGB", (1600, 400), (255, 255, 255))
    draw = ImageDraw.Draw(large)
    for index in range(12):
        draw.ellipse((40 + 120 * index, 60, 140 + 120 * index, 340), outline=(20 * index, 60, 120), width=20)
    picture = Picture(large.resize((400, 100), Image.Resampling.LANCZOS))
    made = webp_search.encode(picture, SMART)
    lossless = libwebp.lossless(np.asarray(picture.image), libwebp.THOROUGHLY)
    assert len(made.data) < 0.95 * len(lossless)
    assert webp_chunks.read_header(made.data).is_lossless
    assert measured(picture, made.data) >= SMART


def test_lossless_stands_in_for_what_halved_colours_cannot_show() -> None:
    """A target that no lossy WebP reaches is held without loss, or nearly so."""
    picture = Picture(colourful())
    best = libwebp.Planes(np.asarray(picture.image), is_sharp=True).encoded(libwebp.Settings(100.0))
    assert measured(picture, best) < 90
    made = webp_search.encode(picture, 90.0)
    assert webp_chunks.read_header(made.data).is_lossless
    assert measured(picture, made.data) >= 90


def test_a_picture_beyond_the_format_is_lossless(monkeypatch: pytest.MonkeyPatch) -> None:
    """What overflows the lossy format's first partition is stored without loss."""

    def overflowing(*_: object) -> bytes:
        raise ValueError

    monkeypatch.setattr(libwebp.Planes, "encoded", overflowing)
    picture = Picture(photo(40, 30))
    for made in (webp.encode(picture, goal_at(SMART)), webp.encode(picture, Goal(70))):
        assert np.array_equal(shown(made.data)[..., :3], np.asarray(picture.image))
        assert made.score == 100


def test_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Near the end of the time there is one trial, by the quickest method, and the result says so."""
    monkeypatch.setattr(effort, "left_s", lambda: 5.0)
    picture = Picture(photo(200, 150))
    with effort.budget():
        made = webp_search.encode(picture, SMART)
        assert effort.was_reduced()
    assert made.trials == 1
    assert made.score == pytest.approx(measured(picture, made.data), abs=0.02)


@pytest.mark.parametrize("target", [SMART, 97.0])
def test_large_pictures_are_tried_by_a_mosaic(monkeypatch: pytest.MonkeyPatch, target: float) -> None:
    """What is found on a part of a picture is checked on the whole."""
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 100_000)
    picture = Picture(photo(1100, 700))
    made = webp_search.encode(picture, target)
    assert made.score is not None
    assert made.score == pytest.approx(measured(picture, made.data), abs=0.02)
    assert made.score >= target - 0.5


def test_a_large_drawing_in_fewer_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """The colours that a mosaic needs are taken from the whole, and what comes out is scored."""
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 100_000)
    picture = Picture(logo(1100, 700).convert("RGB"))
    made = webp_search.encode(picture, SMART)
    assert made.score == pytest.approx(measured(picture, made.data), abs=0.02)
    assert made.score is not None
    assert made.score >= SMART


def test_numbers_rise() -> None:
    """Neither the size nor the score falls as the number rises."""
    picture = Picture(photo(240, 180, seed=2))
    results = [webp.encode(picture, Goal(level)).data for level in (1, 10, 30, 50, 65, 72, 80, 85, 88, 92, 96, 99)]
    sizes = [len(data) for data in results]
    scores = [measured(picture, data) for data in results]
    assert all(after >= 0.99 * before for before, after in pairwise(sizes))
    assert all(after >= before - 1 for before, after in pairwise(scores))


@pytest.mark.parametrize("make", [lambda: photo(300, 200), logo, lambda: graphic(300, 200)])
def test_twice_is_the_same(make: Callable[[], Image.Image]) -> None:
    """A result compressed again keeps its pixels, whichever way it was made."""
    first = compress(saved(make(), "PNG"), Options(quality=Preset.SMART, formats=(ImageFormat.WEBP,)))
    second = compress(first.data, Options(quality=Preset.SMART))
    assert np.array_equal(shown(first.data), shown(second.data))
    assert second.size_bytes <= first.size_bytes
    assert first.score is not None
    assert first.score >= SMART


def test_planes_are_converted_once() -> None:
    """A second encoding from the same planes is what a first one would be."""
    pixels: Pixels = np.asarray(transparent(90, 70))
    planes = libwebp.Planes(pixels, is_sharp=True)
    coarse, fine = planes.encoded(libwebp.Settings(40.0)), planes.encoded(libwebp.Settings(90.5))
    assert planes.encoded(libwebp.Settings(40.0)) == coarse
    assert libwebp.Planes(pixels, is_sharp=True).encoded(libwebp.Settings(90.5)) == fine


def test_lossless_is_exact() -> None:
    """The very pixels come back, also of grey ones and of colours that nobody sees."""
    for image in (photo(33, 21), photo(33, 21).convert("L"), transparent(33, 21), transparent(33, 21).convert("LA")):
        for how in (libwebp.QUICKLY, libwebp.THOROUGHLY):
            data = libwebp.lossless(np.asarray(image), how)
            back = Image.open(io.BytesIO(data)).convert("RGBA")
            assert np.array_equal(np.asarray(back), np.asarray(image.convert("RGBA")))


def test_settings_that_do_not_exist() -> None:
    """Nonsense is a ValueError, not a crash."""
    pixels: Pixels = np.asarray(photo(16, 16))
    planes = libwebp.Planes(pixels, is_sharp=False)
    for settings in (libwebp.Settings(101.0), libwebp.Settings(50.0, method=7), libwebp.Settings(50.0, 4, 101)):
        with pytest.raises(ValueError, match="settings"):
            planes.encoded(settings)
    with pytest.raises(ValueError, match="settings"):
        libwebp.lossless(pixels, libwebp.Lossless(9, 50.0))


def test_what_is_too_wide_for_the_format() -> None:
    """A side beyond the format's 16 383 pixels is a ValueError."""
    pixels: Pixels = np.zeros((1, 16_384, 3), np.uint8)
    with pytest.raises(ValueError, match="can't encode"):
        libwebp.Planes(pixels, is_sharp=False).encoded(libwebp.Settings(50.0))


def test_careful_halving_is_for_fine_colours_and_high_targets() -> None:
    """Grey needs none; fine colours need it sooner than soft ones."""
    assert not webp_colours.is_sharp(photo().convert("L"), 95)
    assert webp_colours.is_sharp(photo(), 90)
    assert not webp_colours.is_sharp(graphic(), 65)
    assert webp_colours.is_sharp(colourful(), 70)
    assert not webp_colours.is_sharp(Image.new("RGB", (1, 1)), 80)


class Failing:
    """Libwebp, of which one function fails."""

    def __init__(self, name: str) -> None:
        self._real, self._name = libwebp.library(), name

    def __getattr__(self, name: str) -> Any:
        return (lambda *_: 0) if name == self._name else getattr(self._real, name)


@pytest.mark.parametrize("name", ["WebPPictureImportRGB", "WebPPictureARGBToYUVA"])
def test_no_memory(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What libwebp says when memory runs out is a MemoryError."""
    failing = Failing(name)
    monkeypatch.setattr(libwebp, "library", lambda: failing)
    with pytest.raises(MemoryError):
        libwebp.Planes(np.asarray(photo(16, 16)), is_sharp=False)


def test_no_memory_while_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same while encoding."""
    monkeypatch.setattr(libwebp, "_OUT_OF_MEMORY", (5,))  # the error of a side that is too long
    with pytest.raises(MemoryError):
        libwebp.Planes(np.zeros((1, 16_384, 3), np.uint8), is_sharp=False).encoded(libwebp.Settings(50.0))


@pytest.mark.parametrize("name", ["WebPConfigInitInternal", "WebPPictureInitInternal"])
def test_another_interface(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A libwebp of another major version refuses, before anything is read in a wrong layout."""
    failing = Failing(name)
    monkeypatch.setattr(libwebp, "library", lambda: failing)
    with pytest.raises(RuntimeError, match="another interface"):
        libwebp.lossless(np.asarray(photo(16, 16)), libwebp.QUICKLY)


def test_a_library_without_libwebp(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Pillow that hides libwebp is told of at once."""
    monkeypatch.setattr(libwebp, "_webp", native)
    monkeypatch.setattr(native, "__file__", str(native.SHARED_OBJECT), raising=False)
    with pytest.raises(RuntimeError, match="does not lead"):
        libwebp.library.__wrapped__()
