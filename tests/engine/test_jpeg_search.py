"""JPEG at a promised score: held as anybody measures it, in few trials, with respect for what the input lost."""

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from minipic.domain.image import ImageFormat, Options, Preset
from minipic_engine import effort, jpeg, jpeg_loss, jpeg_search, jpeg_segments, mosaic, original
from minipic_engine.goal import IDENTICAL, Goal, goal_at, goal_of
from minipic_engine.original import Original
from minipic_engine.picture import Picture
from minipic_engine.pipeline import compress, compress_to
from minipic_engine.search import MOST
from minipic_engine.ssimulacra2 import Pixels, Reference

from .engine_images import graphic, opened, photo, saved

JPEG = ImageFormat.JPEG
LARGE = photo(400, 300)


def pixels_of(data: bytes) -> Pixels:
    return np.asarray(opened(data))


def red_on_blue(width: int = 256, height: int = 256) -> Image.Image:
    """Lines of one pixel in colours of the same brightness, which vanish at half resolution."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[...] = (40, 40, 255)
    pixels[:, ::3] = (255, 40, 40)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("preset", [Preset.EXTREME, Preset.SMART, Preset.HIGH])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_preset_holds_its_promise_as_anybody_measures_it(preset: Preset, mode: str) -> None:
    target = {Preset.EXTREME: 65, Preset.SMART: 80, Preset.HIGH: 90}[preset]
    image = LARGE.convert(mode)
    result = compress(saved(image, "PNG"), Options(preset, formats=(JPEG,)))
    measured = Reference(np.asarray(image)).score(pixels_of(result.data))
    assert result.score == pytest.approx(measured, abs=0.01)
    assert target <= measured <= target + 1.5
    assert 1 <= result.trials <= MOST


@settings(max_examples=12, derandomize=True)
@given(st.floats(40, 90), st.integers(0, 5))
def test_any_target_is_held(target: float, seed: int) -> None:
    image = photo(240, 200, seed).filter(ImageFilter.GaussianBlur(0.6))  # grain as a lens leaves it
    made = jpeg_search.encode(Picture(image), target)
    assert made.score is not None
    assert target - 0.5 <= made.score <= target + 4
    assert made.trials <= MOST


def test_a_graphic_is_held_too() -> None:
    result = compress_to(saved(graphic(400, 300), "PNG"), Options(formats=(JPEG,)), 85)
    assert result.score is not None
    assert result.score >= 85


def test_colours_that_half_resolution_can_not_show_get_all_of_it() -> None:
    made = jpeg_search.encode(Picture(red_on_blue()), 80)
    assert jpeg_segments.coarseness(made.data) is not None
    assert Image.open(io.BytesIO(made.data)).layer[0][1:3] == (1, 1)  # type: ignore[attr-defined]
    assert Image.open(io.BytesIO(jpeg_search.encode(Picture(LARGE), 80).data)).layer[0][1:3] == (2, 2)  # type: ignore[attr-defined]


def test_a_picture_too_small_for_the_metric_is_no_coarser_than_usual() -> None:
    small = photo(20, 30)
    usual = jpeg_search.encoded(Picture(small), jpeg_search.at_level(80))
    assert len(jpeg_search.encode(Picture(small), 80).data) >= 0.98 * len(usual)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_numbers_rise_in_size_and_score(mode: str) -> None:
    image = LARGE.convert(mode)
    reference = Reference(np.asarray(image))
    results = [jpeg.encode(Picture(image), Goal(level)).data for level in range(1, 101, 3)]
    sizes = [len(data) for data in results]
    scores = [reference.score(pixels_of(data)) for data in results]
    assert all(after >= 0.99 * before for before, after in pairwise(sizes))
    assert all(after >= before - 1 for before, after in pairwise(scores))


def test_a_number_tells_its_score() -> None:
    result = compress(saved(LARGE, "PNG"), Options(50, formats=(JPEG,)))
    assert result.score == pytest.approx(Reference(np.asarray(LARGE)).score(pixels_of(result.data)), abs=0.01)


def test_the_same_pixels_score_100() -> None:
    assert compress(saved(LARGE, "JPEG", quality=90), Options(Preset.LOSSLESS)).score == IDENTICAL
    assert compress(saved(LARGE, "PNG"), Options(Preset.LOSSLESS)).score == IDENTICAL


@pytest.mark.parametrize("quality", [95, 90, 80, 70])
@pytest.mark.parametrize("preset", [Preset.EXTREME, Preset.SMART, Preset.HIGH])
def test_two_losses_together_stay_near_the_promise(quality: int, preset: Preset) -> None:
    """What was a JPEG of low quality is not driven down by as much again."""
    target = {Preset.EXTREME: 65, Preset.SMART: 80, Preset.HIGH: 90}[preset]
    data = saved(LARGE, "JPEG", quality=quality)
    true = Reference(np.asarray(LARGE))
    before, after = true.score(pixels_of(data)), true.score(pixels_of(compress(data, Options(preset)).data))
    assert after >= min(before - 1, target - 8)


def test_an_input_below_the_promise_keeps_its_pixels() -> None:
    data = saved(LARGE, "JPEG", quality=40)
    result = compress(data, Options())
    assert result.score == IDENTICAL
    assert np.array_equal(pixels_of(result.data), pixels_of(data))
    assert len(result.data) < len(data)


@pytest.mark.parametrize(("score", "target", "after"), [(100, 80, 80), (90, 80, 80), (80, 80, 90), (70, 80, 100)])
def test_what_is_left_to_lose(score: float, target: float, after: float) -> None:
    assert jpeg_loss.target_after(score, target) == pytest.approx(after, abs=0.01)


@pytest.mark.parametrize("subsampling", [0, 2])
def test_the_guess_at_what_was_lost_falls_with_the_quality(subsampling: int) -> None:
    files = [saved(LARGE, "JPEG", quality=quality, subsampling=subsampling) for quality in (100, 95, 85, 70, 40)]
    guesses = [jpeg_loss.score_of(data) for data in files]
    assert guesses == sorted(guesses, reverse=True)
    assert guesses[0] > 88
    assert guesses[-1] < 75


def test_grey_and_cmyk_tables_are_read_or_not() -> None:
    assert jpeg_loss.score_of(saved(LARGE.convert("L"), "JPEG", quality=50)) < 85
    assert jpeg_loss.score_of(saved(LARGE.convert("CMYK"), "JPEG", quality=50)) == 100


def test_a_large_picture_is_tried_on_a_mosaic_and_held_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 200_000)
    image = photo(1024, 768, 2)
    assert Original(Picture(image)).sample.pixels < image.width * image.height / 3
    made = jpeg_search.encode(Picture(image), 80)
    measured = Reference(np.asarray(image)).score(pixels_of(made.data))
    assert made.score == pytest.approx(measured, abs=0.01)
    assert measured >= 79.5


def test_an_enormous_picture_is_scored_strip_by_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 200_000)
    monkeypatch.setattr(mosaic, "SCORED_PIXELS", 300_000)
    monkeypatch.setattr(original, "_STRIP_PIXELS", 400_000)
    image = photo(1024, 768, 2)
    made = jpeg_search.encode(Picture(image), 80)
    assert made.score is not None
    assert abs(Reference(np.asarray(image)).score(pixels_of(made.data)) - made.score) < 2


@pytest.mark.parametrize("shape", [(100, 100), (100, 9000), (9000, 100, 3), (1500, 1700, 4)], ids=str)
def test_a_mosaic_takes_about_a_quarter(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 500_000)
    pixels = np.zeros(shape, np.uint8)
    made = mosaic.cut(pixels)
    share = made.shape[0] * made.shape[1] / (shape[0] * shape[1])
    assert share == 1 if shape[0] * shape[1] <= 500_000 else 0.15 < share < 0.4


def test_little_time_is_one_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "is_short", lambda: True)
    assert jpeg_search.encode(Picture(LARGE), 97).trials <= 3


def test_goals() -> None:
    assert goal_of(Preset.SMART) == Goal(80, 80, 90, spares_input=True)
    assert goal_of(Preset.LOSSLESS).is_lossless
    assert goal_of(70) == Goal(70)
    assert goal_at(79.6) == Goal(79, 79.6, 79.6, above=0.15)


@given(st.lists(st.floats(-50, 100), min_size=1, max_size=5), st.integers(1, 9))
def test_parts_stand_for_a_whole_between_them(scores: list[float], weight: int) -> None:
    whole = original.combined(scores, [weight] * len(scores))
    assert min(scores) - 1e-6 <= whole <= max(scores) + 1e-6


def test_no_time_to_score_is_no_score_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 200_000)
    monkeypatch.setattr(effort, "left_s", lambda: 3.01)
    with effort.budget():
        made = jpeg_search.encode(Picture(photo(1024, 768, 2)), 80)
        assert effort.was_reduced()
    assert made.score is None


def test_metadata_that_goes_anyhow_is_no_reason_to_lose_more() -> None:
    """What a repack saves is counted without what is stripped from the input in any case."""
    plain = saved(LARGE, "JPEG", quality=88)
    laden = saved(LARGE, "JPEG", quality=88, comment=b"x" * 60_000)
    assert len(compress(laden, Options(90)).data) <= len(compress(plain, Options(90)).data)
