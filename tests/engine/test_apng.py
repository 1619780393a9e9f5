"""Animated PNG in one palette: a promised score, the same timeline, never larger than the frames packed again."""

import struct
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from minipic.domain.image import ImageFormat, Options, Preset, Quality
from minipic_engine import apng, apng_file, apng_parts, effort, film_search, gif_blocks, palette_file, png, png_chunks
from minipic_engine.apng_parts import Part, Parts
from minipic_engine.apng_roll import CLEAR, Roll
from minipic_engine.film import Film
from minipic_engine.film_search import Samples
from minipic_engine.goal import IDENTICAL, Goal, goal_at, goal_of
from minipic_engine.palette_build import FEW
from minipic_engine.picture import Picture
from minipic_engine.pipeline import compress
from minipic_engine.ssimulacra2 import Reference
from minipic_engine.timeline import Timeline
from tests.engine.engine_images import frames, opened, saved
from tests.pictures import photo as smooth

COUNT = 6
TO_PNG = (ImageFormat.PNG,)


def of(stills: list[Image.Image], **params: object) -> bytes:
    """Return the stills as an animated PNG, each with a duration of its own, shown twice."""
    durations = [50 + 10 * index for index in range(len(stills))]
    return saved(stills[0], "PNG", save_all=True, append_images=stills[1:], duration=durations, loop=2, **params)


def scene() -> bytes:
    """A bright square wanders over a photograph in shades of one ink."""
    ground = ImageOps.colorize(smooth(144, 108, noise=4).convert("L"), (20, 40, 90), (240, 230, 200))
    stills = []
    for index in range(COUNT):
        image = ground.copy()
        image.paste(Image.new("RGB", (40, 40), (240, 90, 40)), (16 * index, 9 * index))
        stills.append(image)
    return of(stills)


def typing() -> bytes:
    """Anti-aliased text that is typed on a slope of grey and blue."""
    large = Image.new("RGB", (800, 480))
    ground = np.linspace(200, 255, 480).astype(np.uint8)[:, None, None] * np.array([0.9, 0.95, 1.0])
    large = Image.fromarray(np.broadcast_to(ground, (480, 800, 3)).astype(np.uint8))
    stills = []
    for index in range(COUNT):
        draw = ImageDraw.Draw(large)
        draw.text((32, 20 + 60 * index), f"line {index}: made for this test", fill=(20, 60, 40 * index), font_size=48)
        stills.append(large.resize((200, 120), Image.Resampling.LANCZOS))
    return of(stills)


def sprites() -> bytes:
    """Soft-edged shapes on nothing, each of which goes away before the next."""
    stills = []
    for index in range(COUNT):
        large = Image.new("RGBA", (480, 400), (0, 0, 0, 0))
        box = (40 * index, 80, 40 * index + 200, 320)
        ImageDraw.Draw(large).ellipse(box, fill=(200, 30 * index, 60, 255), outline=(20, 20, 80, 255), width=30)
        stills.append(large.resize((120, 100), Image.Resampling.LANCZOS))
    return of(stills)


FILMS = {"scene": scene(), "typing": typing(), "sprites": sprites()}


def film_of(data: bytes) -> Film:
    """Return the frames as Pillow has them."""
    found = frames(data)
    return Film([Picture(Image.fromarray(pixels)) for pixels, _ in found], Timeline(tuple(ms for _, ms in found)))


def scores(before: bytes, after: bytes) -> list[float]:
    """Return the score of every frame, decoded apart from the engine."""
    return [Reference(left).score(right) for (left, _), (right, _) in zip(frames(before), frames(after), strict=True)]


def controls(data: bytes) -> list[bytes]:
    """Return what is said of each frame, its number in the chain left out."""
    return [chunk.payload[4:] for chunk in png_chunks.chunks(data) if chunk.name == b"fcTL"]


@pytest.mark.parametrize("quality", [Preset.EXTREME, Preset.SMART, Preset.HIGH])
@pytest.mark.parametrize("name", FILMS)
def test_the_promise_is_kept(name: str, quality: Preset) -> None:
    """The frames hold the target on average, none is far below, and the score is the one that is told."""
    data, target = FILMS[name], {Preset.EXTREME: 80.0, Preset.SMART: 90.0, Preset.HIGH: 95.0}[quality]
    result = compress(data, Options(quality=quality))
    found = scores(data, result.data)
    assert result.score is not None
    assert result.score >= target
    assert film_search.combined(found) == pytest.approx(result.score, abs=0.01)
    assert min(found) >= target - 5
    plain = compress(data, Options(quality=Preset.LOSSLESS)).data
    assert len(result.data) < 0.8 * len(plain)


@pytest.mark.parametrize("name", FILMS)
def test_the_timeline_is_the_same(name: str) -> None:
    """Every frame is shown as long as before, to the letter, and all of them as often; one palette serves all."""
    data = FILMS[name]
    result = compress(data, Options()).data
    assert [control[16:20] for control in controls(result)] == [control[16:20] for control in controls(data)]
    assert opened(result).info["loop"] == 2
    names = [chunk.name for chunk in png_chunks.chunks(result)]
    assert names.count(b"PLTE") == names.count(b"tRNS") == 1
    assert result[25] == 3


def test_fractions_of_seconds_stay() -> None:
    """A thirtieth of a second, which is no number of thousandths, is kept as it is written."""
    data = FILMS["scene"]
    parts = [png_chunks.SIGNATURE]
    for chunk in png_chunks.chunks(data):
        changed = chunk.payload[:20] + struct.pack(">HH", 1, 30) + chunk.payload[24:]
        parts.append(png_chunks.make_chunk(b"fcTL", changed) if chunk.name == b"fcTL" else chunk.to_bytes())
    result = compress(b"".join(parts), Options())
    assert result.score != IDENTICAL
    assert apng_file.read_delays(result.data) == [(1, 30)] * COUNT


@pytest.mark.parametrize("name", FILMS)
def test_idempotent(name: str) -> None:
    """Whatever is asked of a result, it keeps its pixels."""
    first = compress(FILMS[name], Options()).data
    for quality in (Preset.SMART, Preset.EXTREME, 10):
        again = compress(first, Options(quality=quality)).data
        assert len(again) <= len(first)
        assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(frames(first), frames(again), strict=True))


@pytest.mark.parametrize("name", FILMS)
def test_lossless_keeps_all(name: str) -> None:
    """Without loss the chunks are packed again, and no pixel changes."""
    result = compress(FILMS[name], Options(quality=Preset.LOSSLESS)).data
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(frames(FILMS[name]), frames(result), strict=True))
    assert result[25] == FILMS[name][25]


@pytest.mark.parametrize("name", FILMS)
def test_numbers_are_monotone(name: str) -> None:
    """A higher number gives neither a smaller file nor a worse score, within a hundredth."""
    results = [compress(FILMS[name], Options(quality=quality)) for quality in (10, 50, 80, 95, 100)]
    for steps in ([len(result.data) for result in results], [result.score or 0.0 for result in results]):
        assert all(after >= before * 0.99 for before, after in pairwise(steps))


def test_transparency_stays() -> None:
    """What nothing is seen of stays clear, and what is solid stays solid."""
    result = compress(FILMS["sprites"], Options(quality=Preset.HIGH)).data
    for (before, _), (after, _) in zip(frames(FILMS["sprites"]), frames(result), strict=True):
        assert after[..., 3][before[..., 3] == 0].max() < 16
        assert after[..., 3][before[..., 3] == 255].min() > 239
        assert np.abs(before[..., 3].astype(int) - after[..., 3]).max() < 64


def test_small_frames_are_held_to_more() -> None:
    """Below 10 000 pixels the target is 97.5."""
    stills = [smooth(80, 60, seed=seed, noise=0) for seed in range(4)]
    result = compress(of([still.rotate(40 * index) for index, still in enumerate(stills)]), Options())
    assert result.score is not None
    assert result.score >= 97.5


def test_what_no_palette_holds() -> None:
    """Frames of noise are packed as they are."""
    noise = np.random.default_rng(3).integers(0, 256, (3, 60, 60, 3), np.uint8)
    data = of([Image.fromarray(pixels) for pixels in noise])
    assert compress(data, Options()).score == IDENTICAL
    assert compress(data, Options()).data == compress(data, Options(quality=Preset.LOSSLESS)).data


def test_not_hopeless_and_yet_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the search finds no palette after all, the frames are packed as they are."""
    monkeypatch.setattr(apng, "_HOPELESS_POINTS", 1e6)
    noise = np.random.default_rng(3).integers(0, 256, (3, 60, 60, 3), np.uint8)
    assert compress(of([Image.fromarray(pixels) for pixels in noise]), Options()).score == IDENTICAL


def test_few_colours_stay() -> None:
    """Frames of at most 16 colours lose nothing; a palette may still be shorter."""
    flat = [Image.new("RGB", (120, 90), (10 * index, 200, 30)) for index in range(4)]
    for index, still in enumerate(flat):
        ImageDraw.Draw(still).rectangle((10, 10, 40 + index, 40), fill=(200, 30, 10))
    result = compress(of(flat), Options())
    assert result.score == IDENTICAL
    assert min(scores(of(flat), result.data)) == pytest.approx(100, abs=1e-6)


@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS])
def test_from_other_formats(quality: Quality) -> None:
    """A GIF becomes an animated PNG in a palette, of all its colours where none may change, in the same time."""
    stills = [image.convert("P", palette=Image.Palette.ADAPTIVE, colors=100).convert("RGB") for image in shown(200)]
    data = saved(stills[0], "GIF", save_all=True, append_images=stills[1:], duration=70, loop=0)
    result = compress(data, Options(quality=quality, formats=TO_PNG))
    assert [ms for _, ms in frames(result.data)] == gif_blocks.read_timeline(data)[0]
    assert opened(result.data).info["loop"] == 0
    assert result.score is not None
    assert result.score >= (90 if quality is Preset.SMART else IDENTICAL)
    if quality is Preset.LOSSLESS:
        assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(frames(data), frames(result.data), strict=True))
    assert len(result.data) < 2 * len(data)


def shown(side: int) -> list[Image.Image]:
    """Return a few frames of a disc that grows."""
    stills = []
    for index in range(4):
        image = Image.new("RGB", (side, side), (240, 240, 230))
        ImageDraw.Draw(image).ellipse((20, 20, 60 + 30 * index, 60 + 30 * index), fill=(200, 30, 60 * index))
        stills.append(image)
    return stills


def test_from_webp_by_a_palette_only_where_it_pays() -> None:
    """A photographic animated WebP becomes the smaller of the very pixels and a palette that holds the target."""
    noisy = [smooth(96, 72, seed=seed, noise=25) for seed in range(3)]
    data = saved(noisy[0], "WEBP", save_all=True, append_images=noisy[1:], duration=40, quality=95)
    result = compress(data, Options(formats=TO_PNG))
    assert result.score == IDENTICAL
    assert (
        max(abs(a.astype(int) - b).max() for (a, _), (b, _) in zip(frames(data), frames(result.data), strict=True)) == 0
    )


def test_gamma_and_profiles() -> None:
    """Values that mean light by another curve are converted, or packed as they are; never misread."""
    gamma = png_chunks.make_chunk(b"gAMA", struct.pack(">I", 100_000))
    data = FILMS["scene"]
    data = data[:33] + gamma + data[33:]
    result = compress(data, Options()).data
    kept = any(chunk.name == b"gAMA" for chunk in png_chunks.chunks(result))
    before, after = frames(data)[0][0].astype(int), frames(result)[0][0].astype(int)
    assert (abs(before - after).mean() < 4) == kept


def test_still_apart_and_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A still beside the frames, a frame without a duration, and more than there is time for are left as they are."""
    made = film_of(FILMS["scene"])
    header = png.read_header(FILMS["scene"])
    showing = apng.read_showing(FILMS["scene"])
    goal = goal_of(Preset.SMART)
    apart = Film(made.pictures, made.timeline, has_still_apart=True)
    assert apng.encode(apart, header, showing, goal) is None
    assert apng.encode(made, header, apng.Showing(showing.delays[1:], 2), goal) is None
    monkeypatch.setattr(effort, "FULL_EFFORT_PIXELS", 10_000)
    result = compress(FILMS["scene"], Options())
    assert result.score == IDENTICAL
    assert result.reduced_effort


def test_no_time_to_choose_indices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where time is short the fewest colours are taken, at no price."""
    whole = compress(FILMS["scene"], Options())
    monkeypatch.setattr(apng, "_has_time_to_choose", lambda _: effort.lowered())
    hurried = compress(FILMS["scene"], Options())
    assert hurried.reduced_effort
    assert hurried.score is not None
    assert hurried.score >= 90
    assert hurried.size_bytes > whole.size_bytes


def test_careful(monkeypatch: pytest.MonkeyPatch) -> None:
    """With more care the result holds the target in hardly more bytes, and mostly in fewer."""
    usual = compress(FILMS["typing"], Options())
    monkeypatch.setenv(effort.CARE_VARIABLE, "best")
    careful = compress(FILMS["typing"], Options())
    assert careful.score is not None
    assert careful.score >= 90
    assert careful.size_bytes <= usual.size_bytes * 1.02


def test_hidden_colours_are_no_palettes() -> None:
    """Colours that nobody sees are kept where nothing may change, and dropped where something may."""
    stills = [image.convert("RGBA") for image in shown(120)]
    for still in stills:
        still.paste((9, 8, 7, 0), (0, 0, 10, 10))
    made = Film([Picture(still) for still in stills], Timeline((50,) * 4))
    header = png.read_header(of(stills))
    assert apng.encode(made, header, apng.showing_of(made), goal_of(Preset.LOSSLESS)) is None
    assert apng.encode(made, header, apng.showing_of(made), goal_of(Preset.SMART)) is not None


@pytest.mark.parametrize("name", FILMS)
def test_parts_make_what_is_shown(name: str) -> None:
    """Without a price the parts, laid one over the other, are the indices themselves; with one, what was told."""
    made = film_of(FILMS[name])
    stacked = np.stack([np.asarray(picture.image) for picture in made.pictures])
    roll = Roll(stacked, Samples(made))
    start = roll.paint(FEW, 40)
    parts = Parts(roll, start.palette, start.indices, start.recipe)
    assert np.array_equal(parts.shown_at(0.0), start.indices)
    for price in (0.0, 1e-5):
        canvas = np.zeros(roll.shape[1:], np.uint8)
        told = parts.shown_at(price).reshape(roll.shape)
        for part, wanted in zip(parts.at(price), told, strict=True):
            height, width = part.indices.shape
            place = canvas[part.top : part.top + height, part.left : part.left + width]
            place[:] = np.where((part.indices == CLEAR) & part.is_over, place, part.indices)
            assert np.array_equal(canvas, wanted)


def test_what_stands_still_costs_nothing() -> None:
    """A frame like the one before makes that last longer where the format can count so far, else it is one pixel."""
    image = smooth(100, 100, noise=0)
    data = saved(image, "PNG")
    one = np.arange(16, dtype=np.uint8).reshape(4, 4)
    palette = palette_file.ordered(np.array([[0, 0, 0, 0]] + [[v, v, v, 255] for v in range(1, 16)], np.uint8), 0)[0]
    same = Part(0, 0, np.zeros((1, 1), np.uint8), is_over=True)
    made = apng_file.packed(
        palette, (4, 4), [Part(0, 0, one, is_over=False), same, same], [(1, 10), (2, 10), (2, 9)], 0, 2
    )
    assert apng_file.read_delays(made) == [(3, 10), (2, 9)]
    assert apng_file.read_plays(made) == 0
    assert apng_file.read_plays(data) == 0
    assert len(frames(made)) == 2


def test_long_durations() -> None:
    """Durations beyond 65 seconds are counted in longer units, and the longest is cut."""
    assert apng_file.delays_of(Timeline((40, 70_000, 700_010, 10_000_000, 10**9))) == [
        (40, 1000), (7000, 100), (7000, 10), (10_000, 1), (65_535, 1),
    ]  # fmt: skip


def test_runs() -> None:
    """Only runs that are long enough count, at both ends of a row as well."""
    mask = np.zeros((3, 20), np.bool_)
    mask[0, :6], mask[0, 8:10], mask[1, 14:], mask[2, 3:8] = True, True, True, True
    expected = np.zeros_like(mask)
    expected[0, :6], expected[1, 14:] = True, True
    assert np.array_equal(apng_parts._in_runs(mask), expected)


def test_any_score_may_be_asked_for() -> None:
    """A lower score takes fewer bytes, and for one that cannot be had nothing is lost."""
    data = FILMS["scene"]
    made, header = film_of(data), png.read_header(data)
    sizes = []
    for target in (70.0, 85.0, 95.0):
        result = apng.encode(made, header, apng.showing_of(made), goal_at(target))
        assert result is not None
        assert result.score is not None
        assert result.score >= target
        sizes.append(result.size_bytes)
    assert sizes == sorted(sizes)
    every = apng.encode(made, header, apng.showing_of(made), Goal(99, 99.9999, 99.9999))
    assert every is None or every.score == IDENTICAL
