"""The metric against the package that everybody can install, and by itself where that says nothing."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from ssimulacra2 import compute_ssimulacra2  # type: ignore[import-untyped]

from minipic_engine.ssimulacra2 import Pixels, Reference

SIZES = [(8, 8), (9, 13), (16, 40), (31, 64), (100, 70), (224, 230), (225, 225), (301, 257), (640, 431)]


def scene(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return soft colours with hard edges and some grain."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    pixels = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    pixels[height // 3 : height // 2, width // 4 : width // 2] = (20, 30, 200)
    pixels = pixels + random.integers(-6, 7, pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(out).convert("RGB")


def pixels_of(image: Image.Image) -> Pixels:
    return np.asarray(image)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("quality", [95, 75, 30, 8])
def test_the_score_is_the_published_package_s(size: tuple[int, int], quality: int, tmp_path: Path) -> None:
    original = scene(*size)
    worse = as_jpeg(original, quality)
    original.save(tmp_path / "original.png")
    worse.save(tmp_path / "worse.png")
    expected = compute_ssimulacra2(str(tmp_path / "original.png"), str(tmp_path / "worse.png"))
    assert Reference(pixels_of(original)).score(pixels_of(worse)) == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize(
    "damaged",
    [
        lambda image: image.filter(ImageFilter.GaussianBlur(1.2)),
        lambda image: image.quantize(16).convert("RGB"),
        lambda image: image.point(lambda value: value + 12),
        lambda image: image.convert("L").convert("RGB"),
        lambda image: image.resize((80, 60)).resize(image.size),
    ],
    ids=["blurred", "quantised", "brighter", "grey", "smaller"],
)
def test_it_holds_for_every_kind_of_damage(damaged: Callable[[Image.Image], Image.Image], tmp_path: Path) -> None:
    original = scene(320, 240, 3)
    worse = damaged(original)
    original.save(tmp_path / "original.png")
    worse.save(tmp_path / "worse.png")
    expected = compute_ssimulacra2(str(tmp_path / "original.png"), str(tmp_path / "worse.png"))
    assert Reference(pixels_of(original)).score(pixels_of(worse)) == pytest.approx(expected, abs=0.5)


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([(), (1,), (2,), (3,), (4,)]), st.integers(0, 99))
def test_a_picture_of_any_size_is_exactly_like_itself(width: int, height: int, bands: tuple[int], seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, *bands), dtype=np.uint8)
    assert Reference(pixels).score(pixels.copy()) == 100.0


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (7, 7), (3, 300)], ids=str)
def test_damage_is_seen_in_pictures_that_are_too_small_for_the_metric(size: tuple[int, int]) -> None:
    assert Reference(np.full(size, 40, np.uint8)).score(np.full(size, 90, np.uint8)) < 97


@pytest.mark.parametrize("size", [(24, 30), (120, 90), (400, 300)], ids=str)
def test_more_damage_scores_less(size: tuple[int, int]) -> None:
    original = scene(*size)
    reference = Reference(pixels_of(original))
    scores = [reference.score(pixels_of(as_jpeg(original, quality))) for quality in (95, 85, 70, 50, 30, 15, 5)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_grey_is_scored_as_the_same_grey_in_colour() -> None:
    original, worse = scene(300, 240).convert("L"), as_jpeg(scene(300, 240), 40).convert("L")
    in_grey = Reference(pixels_of(original)).score(pixels_of(worse))
    assert Reference(pixels_of(original.convert("RGB"))).score(pixels_of(worse)) == in_grey
    assert Reference(pixels_of(original)).score(pixels_of(worse)[..., None]) == in_grey


def with_alpha(colour: int, alpha: int) -> Pixels:
    pixels = np.full((40, 40, 4), colour, np.uint8)
    pixels[..., 3] = 255
    pixels[10:30, 10:30, 3] = alpha
    return pixels


def test_transparency_is_scored_on_the_ground_that_shows_the_damage_most() -> None:
    white, black = with_alpha(255, 128), with_alpha(0, 128)
    on_black = Reference(np.full((40, 40), 255, np.uint8)).score(white)
    assert on_black < 90  # on white, nothing would be seen of it
    assert Reference(np.zeros((40, 40), np.uint8)).score(black) < 90


def test_an_opaque_alpha_channel_changes_nothing() -> None:
    original, worse = scene(200, 100), as_jpeg(scene(200, 100), 50)
    plain = Reference(pixels_of(original)).score(pixels_of(worse))
    opaque = worse.copy()
    opaque.putalpha(255)
    assert Reference(pixels_of(original)).score(pixels_of(opaque)) == plain


def test_colours_under_full_transparency_count_for_nothing() -> None:
    assert Reference(with_alpha(90, 0)).score(np.where(with_alpha(90, 0)[..., 3:] == 0, 0, with_alpha(90, 0))) == 100


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((9, 8), np.uint8), np.zeros((8, 8, 5), np.uint8), np.zeros((8, 8), np.uint16), np.zeros(64, np.uint8)],
    ids=["size", "channels", "type", "dimensions"],
)
def test_what_is_no_picture_of_that_size_is_refused(pixels: Pixels) -> None:
    with pytest.raises(ValueError, match="not"):
        Reference(np.zeros((8, 8), np.uint8)).score(pixels)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="not a picture"):
        Reference(np.zeros((0, 8), np.uint8))


def test_threads_may_share_a_reference() -> None:
    original = scene(300, 200)
    trials = [pixels_of(as_jpeg(original, quality)) for quality in (90, 60, 30, 10)]
    alone = [Reference(pixels_of(original)).score(trial) for trial in trials]
    reference = Reference(pixels_of(original))
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(reference.score, trials * 5)) == alone * 5


def test_a_reference_that_finds_no_memory_says_so() -> None:
    huge: Pixels = np.broadcast_to(np.uint8(0), (2, 2))
    reference = Reference(huge)
    reference._pixels = np.lib.stride_tricks.as_strided(reference._pixels, (2**31, 2**31), (0, 0))
    reference._shape = (2**31, 2**31)
    with pytest.raises(MemoryError):
        reference._opened(0)
