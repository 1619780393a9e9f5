"""Animations at a promised score: of a few of their frames, in a bounded number of trials."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw

from minipic.domain.image import ImageFormat, Options, Preset, Quality
from minipic_engine import avif, effort, film_search, webp, webp_film
from minipic_engine.film import Film
from minipic_engine.film_search import Samples
from minipic_engine.goal import Goal, goal_at
from minipic_engine.picture import Picture
from minipic_engine.pipeline import compress
from minipic_engine.search import MOST, Curve
from minipic_engine.ssimulacra2 import Reference
from minipic_engine.timeline import Timeline
from tests.engine.engine_images import animation, frames, opened, photo, saved, wide_profile
from tests.pictures import photo as smooth

SMART = 80.0


def moving(count: int = 6, side: int = 96) -> Film:
    """A bright square wanders over a photograph."""
    ground = smooth(side, side, noise=1)
    pictures = []
    for index in range(count):
        image = ground.copy()
        image.paste(smooth(24, 24, seed=7, noise=1).rotate(90), (index * (side - 24) // count, index * 3))
        pictures.append(Picture(image))
    return Film(pictures, Timeline(tuple(50 + 10 * index for index in range(count)), 2))


def flat(count: int = 5) -> Film:
    """A disc of one colour wanders over another."""
    pictures = []
    for index in range(count):
        image = Image.new("RGB", (120, 80), (240, 240, 230))
        ImageDraw.Draw(image).ellipse((10 * index, 20, 10 * index + 30, 50), fill=(200, 30, 60))
        pictures.append(Picture(image))
    return Film(pictures, Timeline((40,) * count, 0))


def all_scores(made: Film, data: bytes) -> list[float]:
    """Return the score of every frame, measured apart from the encoder."""
    shown = [pixels for pixels, _ in frames(data)]
    references = [Reference(np.asarray(picture.image)) for picture in made.pictures]
    return [reference.score(pixels) for reference, pixels in zip(references, shown, strict=True)]


@pytest.mark.parametrize("target", [50.0, 65.0, SMART, 90.0])
def test_webp_holds_the_target(target: float) -> None:
    """The frames hold the target on average, and none is far below; the timeline is the same."""
    made = moving()
    result = webp_film.encode(made, goal_at(target))
    scores = all_scores(made, result.data)
    assert result.score == pytest.approx(film_search.combined(scores), abs=0.5)
    assert sum(scores) / len(scores) >= target - 0.5
    assert min(scores) >= target - 5.5
    assert result.trials <= 6
    assert [duration for _, duration in frames(result.data)] == list(made.timeline.durations)
    assert opened(result.data).info["loop"] == 2


def test_no_more_bytes_than_needed() -> None:
    """Higher targets take more bytes, and no more than Pillow's usual way takes at the same score."""
    made = moving()
    sizes = [webp_film.encode(made, goal_at(target)).size_bytes for target in (50.0, 65.0, SMART, 90.0)]
    assert sizes == sorted(sizes)
    first, *others = [picture.image for picture in made.pictures]
    usual = saved(first, "WEBP", save_all=True, append_images=others, quality=90)
    as_good = webp_film.encode(made, goal_at(film_search.combined(all_scores(made, usual))))
    assert as_good.size_bytes <= len(usual)


def test_flat_frames_are_lossless() -> None:
    """A drawing that moves is kept exactly, in fewer bytes than loss would take."""
    made = flat()
    result = webp_film.encode(made, goal_at(SMART))
    assert min(all_scores(made, result.data)) > 95
    assert result.size_bytes < len(webp_film.encode(made, Goal(80)).data) + 1


def test_what_loss_cannot_hold_is_exact() -> None:
    """Where halved colours miss the target the very frames are kept."""
    noise = np.random.default_rng(3).integers(0, 256, (3, 40, 40, 3), np.uint8)
    made = Film([Picture(Image.fromarray(pixels)) for pixels in noise], Timeline((50, 50, 50)))
    result = webp_film.encode(made, goal_at(95.0))
    assert result.score == 100
    assert min(all_scores(made, result.data)) == 100


def test_avif_holds_the_target() -> None:
    """An animated AVIF is searched in the same way, and marked with the level that was asked."""
    data = animation("PNG", is_solid=True)
    result = compress(data, Options(quality=Preset.EXTREME, formats=(ImageFormat.AVIF,)))
    assert result.score is not None
    assert result.score >= 65
    assert result.trials is not None
    assert 1 <= result.trials <= MOST
    assert avif.read_header(result.data).made_at == 65
    assert [duration for _, duration in frames(result.data)] == [100, 200, 50, 400]
    again = compress(result.data, Options(quality=Preset.EXTREME))
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(frames(result.data), frames(again.data), strict=True))


@pytest.mark.parametrize("target", [ImageFormat.AVIF, ImageFormat.WEBP])
def test_presets_keep_their_order(target: ImageFormat) -> None:
    """A better preset has the better score in more bytes, also of slides in few colours, whose scores jump."""
    stills = [smooth(120, 90, seed=seed, noise=4).quantize(64) for seed in range(6)]
    data = saved(stills[0], "GIF", save_all=True, append_images=stills[1:], duration=80, loop=0)
    presets = (Preset.EXTREME, Preset.SMART, Preset.HIGH)
    results = [compress(data, Options(quality=preset, formats=(target,))) for preset in presets]
    for lower, higher in pairwise(results):
        assert lower.size_bytes <= higher.size_bytes
        assert (lower.score or 0) <= (higher.score or 0)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_the_score_is_told(kind: str) -> None:
    """From every animated format to WebP, a preset's promise is kept and told."""
    data = animation(kind, **({"lossless": True} if kind == "WEBP" else {}))
    result = compress(data, Options(quality=Preset.SMART, formats=(ImageFormat.WEBP,)))
    assert result.score is not None
    assert result.score >= SMART
    assert webp.read_header(result.data).frames == 4


@pytest.mark.parametrize("quality", [60, Preset.SMART])
@pytest.mark.parametrize("target", [ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.GIF])
def test_the_score_is_told_of_what_was_not_searched(target: ImageFormat, quality: Quality) -> None:
    """A number's result, and a new GIF, are scored once: the score is that of the frames as they are shown."""
    data = animation("PNG", is_solid=True)
    result = compress(data, Options(quality=quality, formats=(target,)))
    assert result.score is not None
    references = [Reference(pixels) for pixels, _ in frames(data)]
    scores = [one.score(pixels) for one, (pixels, _) in zip(references, frames(result.data), strict=True)]
    assert result.score == pytest.approx(film_search.combined(scores), abs=0.5)


def test_the_score_of_a_gif_allows_for_its_colours() -> None:
    """A wide profile is applied before the comparison, since GIF holds none."""
    data = animation("PNG", is_solid=True, icc_profile=wide_profile())
    result = compress(data, Options(quality=90, formats=(ImageFormat.GIF,)))
    plain = compress(animation("PNG", is_solid=True), Options(quality=90, formats=(ImageFormat.GIF,)))
    assert result.score is not None
    assert plain.score is not None
    assert abs(result.score - plain.score) < 10


def test_without_time_a_number_has_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not searched is not scored in a hurry."""
    monkeypatch.setattr(effort, "left_s", lambda: 2.0)
    assert webp_film.encode(moving(), Goal(60)).score is None


def test_frames_that_are_alike_become_one_and_are_scored_by_their_time() -> None:
    """Libwebp merges frames that do not change; each sampled moment is compared with what is shown then."""
    stills = [photo(64, 48, seed=seed) for seed in (1, 1, 1, 2, 2, 3)]
    made = Film([Picture(still) for still in stills], Timeline((40,) * 6))
    result = webp_film.encode(made, goal_at(SMART))
    header = webp.read_header(result.data)
    assert header.frames == 3
    assert result.score == pytest.approx(Samples(made).score(result.data, header))
    assert result.score is not None
    assert result.score >= SMART - 0.5


def test_a_last_frame_that_is_never_shown_is_scored() -> None:
    """A frame of no duration counts as the one that is shown at the end."""
    stills = [photo(64, 48, seed=seed) for seed in (1, 2, 2)]
    made = Film([Picture(still) for still in stills], Timeline((40, 40, 0)))
    result = webp_film.encode(made, goal_at(SMART))
    assert webp.read_header(result.data).frames < 3
    assert result.score is not None
    assert result.score >= SMART - 0.5


def test_samples_are_the_ends_and_the_biggest_changes() -> None:
    """Of many frames at most eight are scored: the first, the last, and those at cuts."""
    made = Film([Picture(photo(80, 60)) for _ in range(30)], Timeline((20,) * 30))
    for cut in (10, 20):
        made.pictures[cut] = Picture(Image.new("RGB", (80, 60), (255, 0, 0)))
    places = Samples(made).places
    assert len(places) == 8
    assert {0, 10, 20, 29} <= set(places)


def test_large_frames_are_sampled_less(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer frames are scored of what is large, but always the first and the last."""
    monkeypatch.setattr(film_search, "_SAMPLED_PIXELS", 1_000)
    assert Samples(moving()).places == [0, 5]


def test_a_long_film_begins_with_stills() -> None:
    """Of many frames the sampled ones tell the quality, so that the whole is encoded once or twice."""
    result = webp_film.encode(moving(count=30), goal_at(SMART))
    assert result.score is not None
    assert result.score >= SMART - 0.5
    assert result.trials <= 3


def test_in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without time for a second trial the first is the result, and what it lacks is told."""
    monkeypatch.setattr(effort, "left_s", lambda: 2.0)
    for made in (moving(), flat()):
        with effort.budget():
            result = webp_film.encode(made, goal_at(96.0))
            assert effort.was_reduced()
        assert result.trials <= 1
        assert len(frames(result.data)) == len(made.pictures)


@pytest.mark.parametrize("target", [30.0, 96.0])
def test_a_search_that_time_ends_says_so(monkeypatch: pytest.MonkeyPatch, target: float) -> None:
    """Whether the target is held by then or not: with more time the result would be another."""
    made = moving()
    attempts = film_search.Attempts(Samples(made), webp.read_header)
    monkeypatch.setattr(effort, "left_s", lambda: 2.0)
    with effort.budget():
        attempts.search(partial(webp_film._lossy, made), Curve(80, 1, 1, 100), target, [])
        assert effort.was_reduced()
    assert attempts.count == 1


def test_a_search_that_is_over_needs_no_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first trial that is near enough is the result, at whatever time."""
    made = moving()
    attempts = film_search.Attempts(Samples(made), webp.read_header)
    reached = attempts.make(partial(webp_film._lossy, made), 80.0).score
    monkeypatch.setattr(film_search.Attempts, "has_time", lambda _: pytest.fail("nothing was left to try"))
    best = attempts.search(partial(webp_film._lossy, made), Curve(80, 1, 1, 100), reached - 0.3, [])
    assert best.score == reached


def test_numbers_do_not_search() -> None:
    """A number's quality is fixed; size and score rise with it."""
    made = moving()
    results = [webp_film.encode(made, Goal(level)) for level in (20, 50, 80, 95)]
    assert all(result.trials == 0 for result in results)
    sizes = [result.size_bytes for result in results]
    assert sizes == sorted(sizes)
