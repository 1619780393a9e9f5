"""AVIF stills: the score that is promised, in few trials, on pictures of every kind and in every hurry."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from minipic_engine import avif, avif_search, avif_still, effort, goal, mosaic
from minipic_engine.avif_still import FINEST, Settings
from minipic_engine.goal import Encoded, Goal
from minipic_engine.picture import Picture
from minipic_engine.ssimulacra2 import Reference
from tests.engine.engine_images import graphic, opened, photo, transparent, wide_profile

PICTURES = {
    "photo": photo(320, 240), "odd": photo(161, 93, seed=2), "grey": photo(320, 240).convert("L"),
    "transparent": transparent(), "graphic": graphic(),
}  # fmt: skip


def score(image: Image.Image, data: bytes) -> float:
    """Return the score as anybody measures it: the file decoded, in the mode of the original."""
    return Reference(np.asarray(image)).score(np.asarray(opened(data).convert(image.mode)))


def noise(side: int = 48) -> Image.Image:
    """Return what no lossy encoder can keep nearly."""
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (side, side, 3), dtype=np.uint8))


@pytest.mark.parametrize("target", [65, 80, 90])
@pytest.mark.parametrize("name", PICTURES)
def test_promise(name: str, target: float) -> None:
    """A result has at least the score that is promised, says which, and takes at most six trials."""
    made = avif_search.encode(Picture(PICTURES[name]), target)
    assert made.score is not None
    assert score(PICTURES[name], made.data) >= target - 0.5
    assert abs(score(PICTURES[name], made.data) - made.score) < 0.02
    assert 0 < made.trials <= 6


@pytest.mark.parametrize("target", [65, 80, 90])
def test_landing(target: float) -> None:
    """A photo's score isn't far above the target, and the higher target takes more bytes."""
    image = photo(320, 240, seed=5)
    made, finer = (avif_search.encode(Picture(image), one) for one in (target, target + 5))
    assert target <= score(image, made.data) <= target + 2.5
    assert made.size_bytes < finer.size_bytes


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 9), (33, 1)])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_small(size: tuple[int, int], mode: str) -> None:
    """The smallest pictures keep their size and whether they are transparent."""
    made = avif.encode(Picture(photo(*size).convert(mode)), goal.goal_at(80))
    assert opened(made.data).size == size
    assert made.score is not None
    assert made.score >= 79.5


def test_small_pictures_are_not_coarser_than_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the metric has too few scales to be trusted alone, no trial is coarser than photographs need."""
    steps: list[float] = []

    def noted(image: Picture, settings: Settings) -> bytes:
        steps.append(settings.step)
        return lossy(image, settings)

    lossy = avif_still.lossy
    monkeypatch.setattr(avif_still, "lossy", noted)
    avif_search.encode(Picture(photo(90, 90)), 80)
    assert min(steps) >= avif_search.usual_step(80)
    steps.clear()
    avif_search.encode(Picture(Image.new("RGB", (200, 200), (9, 99, 199))), 80)
    assert min(steps) < avif_search.usual_step(80)


def test_lossless_where_the_finest_step_fails() -> None:
    """What can't be kept well enough with loss is kept without."""
    made = avif_search.encode(Picture(noise()), 99.5)
    assert made.score == 100
    assert np.array_equal(np.asarray(opened(made.data)), np.asarray(noise()))


def test_lossless_where_it_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flat picture is kept without loss where that takes fewer bytes, and only then."""
    flat = Picture(graphic())
    lossy = avif_search.encode(flat, 90)
    monkeypatch.setattr(avif_still, "lossless", lambda _, is_quick=False: b"." * 20)
    assert avif_search.encode(flat, 90) == Encoded(b"." * 20, 100.0, lossy.trials)
    monkeypatch.setattr(avif_still, "lossless", lambda _, is_quick=False: b"." * (99 if is_quick else 99_999))
    assert avif_search.encode(flat, 90) == lossy


def test_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """With little time left there is one quick encoding, at a step that mostly holds the target."""
    monkeypatch.setattr(effort, "left_s", lambda: 3.0)
    with effort.budget():
        made = avif_search.encode(Picture(photo(320, 240)), 80)
        assert effort.was_reduced()
    assert made.trials == 1
    assert score(photo(320, 240), made.data) > 75


def test_one_result_where_another_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that misses is not made again when there is no time for it."""
    monkeypatch.setattr(avif_search, "_AGAIN", 1e9)
    monkeypatch.setattr(avif_search, "_PROBES", 1)
    made = avif_search.encode(Picture(photo(320, 240)), 80)
    assert made.trials == 2


@pytest.mark.parametrize("whole_pixels", [1_000_000, 1_000])
def test_large(whole_pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large picture a mosaic is tried, and of a huge one only that is scored; the promise is the same."""
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(mosaic, "SCORED_PIXELS", whole_pixels)
    monkeypatch.setattr(effort, "FULL_EFFORT_PIXELS", whole_pixels)
    monkeypatch.setattr(avif_still, "_WHOLE_PIXELS", whole_pixels)
    image = photo(900, 700)
    made = avif_search.encode(Picture(image), 80)
    assert made.trials <= 6
    assert opened(made.data).size == (900, 700)
    assert 79 <= score(image, made.data) <= 83


def test_profile() -> None:
    """The profile that the pixels need goes along, also without loss."""
    for image, target in ((photo(60, 44), 80), (noise(), 99.5)):
        made = avif.encode(Picture(image, wide_profile()), goal.goal_at(target))
        assert opened(made.data).info["icc_profile"] == wide_profile()
        assert avif.read_header(made.data).made_at == int(target)


def test_numbers() -> None:
    """A higher number takes no fewer bytes and scores no less, within one percent."""
    image = photo(320, 240)
    made = [avif.encode(Picture(image), Goal(level)).data for level in range(1, 100, 7)]
    scores = [score(image, data) for data in made]
    assert all(len(after) >= 0.99 * len(before) for before, after in pairwise(made))
    assert all(after >= before - 1 for before, after in pairwise(scores))


def test_steps_and_speeds() -> None:
    """Steps are qualities of the encoder, each another one; large pictures are encoded faster."""
    qualities = [Settings(step, 6).options["quality"] for step in range(FINEST + 1)]
    assert len(set(qualities)) == FINEST + 1
    assert qualities[-1] == 98
    assert [avif_still.speed_for(pixels) for pixels in (1, 20_000_000, 60_000_000)] == [6, 7, 9]
