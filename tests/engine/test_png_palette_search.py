"""Palette PNG: what indices are chosen for deflate, what the search promises, and what a file says of itself."""

import io
import zlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from minipic.domain.image import Options, Preset
from minipic_engine import effort, mosaic, palette_native, palette_png, palette_search, png, posterise
from minipic_engine.goal import Goal, goal_of
from minipic_engine.level import BEST
from minipic_engine.palette_build import FEW, MANY, SMOOTH
from minipic_engine.palette_canvas import Canvas
from minipic_engine.palette_lz import Repeats
from minipic_engine.picture import Picture, without_hidden_colours
from minipic_engine.pipeline import compress
from minipic_engine.ssimulacra2 import Reference
from tests.engine.engine_images import graphic, logo, opened, photo, saved, shown, transparent, wide_profile

Pixels = NDArray[np.uint8]


def soft(width: int = 320, height: int = 240) -> Image.Image:
    """Return a shaded ground with smooth-edged discs on it: more colours than a palette has, and few are enough."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    pixels = np.stack([180 + 60 * y / height, 200 + 40 * y / height, 225 + 20 * y / height], axis=-1)
    for number, colour in enumerate([(190, 40, 30), (30, 90, 200), (20, 20, 20), (250, 200, 40), (60, 140, 70)]):
        left, top, radius = (0.15 + 0.17 * number) * width, (0.3 + 0.1 * (number % 3)) * height, 0.11 * height
        cover = np.clip(radius - np.hypot(x - left, y - top), 0, 1)[..., None]
        pixels = pixels * (1 - cover) + np.array(colour) * cover
    return Image.fromarray(pixels.astype(np.uint8))


def soft_alpha() -> Image.Image:
    """Return discs on nothing, their edges fading out."""
    image = soft()
    y, x = np.mgrid[0 : image.height, 0 : image.width]
    cover = np.clip(image.width * 0.4 - np.hypot(x - image.width / 2, y - image.height / 2), 0, 1) * 255
    image.putalpha(Image.fromarray(cover.astype(np.uint8)))
    return without_hidden_colours(Picture(image)).image


PICTURES = {"soft": soft(), "faded": soft_alpha(), "logo": without_hidden_colours(Picture(logo(411, 63))).image}


def deflated(indices: Pixels) -> int:
    return len(zlib.compress(np.pad(indices, ((0, 0), (1, 0))).tobytes(), 9))


def score(picture: Image.Image, data: bytes) -> float:
    shown_ = opened(data).convert(picture.mode)
    return Reference(np.asarray(picture)).score(np.asarray(shown_))


@pytest.mark.parametrize("name", PICTURES)
def test_the_price_of_a_bit_rules(name: str) -> None:
    """For nothing no index changes; the more a bit is worth, the fewer there are, and the more is lost."""
    canvas = Canvas(np.asarray(PICTURES[name].convert("RGBA")))
    start = canvas.paint(FEW, 64)
    repeats = Repeats(canvas.colours, start)
    assert np.array_equal(repeats.at(0.0), start.indices)
    sizes, scores = [deflated(start.indices)], [start.score]
    for price in (1e-6, 1e-4):
        chosen = repeats.at(price)
        assert chosen.max() < len(start.palette)
        sizes.append(deflated(chosen))
        scores.append(canvas.score(start.palette, chosen))
    assert sizes[2] < sizes[1] <= sizes[0] * 1.02
    assert scores[2] < scores[1] <= scores[0] + 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2), (3, 700), (300, 2)], ids=str)
def test_indices_of_odd_sizes(shape: tuple[int, int]) -> None:
    """No size is too small or too narrow, and repeats of every distance stay within the picture."""
    random = np.random.default_rng(1)
    palette = np.stack([np.arange(0, 256, 16)] * 3 + [np.full(16, 255)], axis=1).astype(np.uint8)
    pixels = palette[random.integers(0, 16, shape)]
    numbers, colours, _ = palette_native.colours(pixels)
    wanted = palette_native.places(colours, palette_native.OPAQUE_LANES, FEW.space)
    places = palette_native.places(palette, palette_native.OPAQUE_LANES, FEW.space)
    indices = palette_native.nearest(wanted, places)[0][numbers].reshape(shape)
    stream = np.pad(indices, ((0, 0), (1, 0)))
    learnt = palette_native.learn(stream, 8)
    seen = np.ones(pixels.shape[0] * pixels.shape[1], np.float32)
    scene = palette_native.Scene(numbers, wanted, places, seen)
    for price in (0.0, 1e-3, 10.0):
        chosen = palette_native.choose(stream, scene, learnt, price, 8)
        assert not chosen[:, 0].any()
        assert chosen.max() < 16
        assert price or np.array_equal(chosen, stream)


@pytest.mark.parametrize("target", [80.0, 90.0, 95.0])
@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("how", [palette_search.DEFAULT, palette_search.BEST], ids=["default", "best"])
def test_the_target_is_kept(name: str, target: float, how: palette_search.Search) -> None:
    """The decoded file has the score that is told, and that is the target at least."""
    made = palette_png.encode(Picture(PICTURES[name]), target, how)
    assert made is not None
    assert made.score is not None
    assert made.score >= target
    assert score(PICTURES[name], made.data) == pytest.approx(made.score, abs=1e-6)
    assert 0 < made.trials < 60
    assert opened(made.data).mode == "P"


def test_less_is_smaller() -> None:
    """A lower target takes fewer bytes, and the careful search no more than the usual one."""
    sizes = [encoded(PICTURES["faded"], target) for target in (70.0, 85.0, 95.0)]
    assert sizes == sorted(sizes)
    careful = palette_png.encode(Picture(PICTURES["faded"]), 85.0, palette_search.BEST)
    assert careful is not None
    assert careful.size_bytes <= sizes[1] * 1.02


def encoded(image: Image.Image, target: float) -> int:
    made = palette_png.encode(Picture(image), target)
    assert made is not None
    return made.size_bytes


def test_it_is_deterministic() -> None:
    """The same picture gives the same bytes."""
    first, second = (palette_png.encode(Picture(PICTURES["logo"]), 90.0) for _ in range(2))
    assert first == second


def noisy(amount: int) -> Image.Image:
    random = np.random.default_rng(2)
    pixels = np.asarray(soft()).astype(int) + random.integers(-amount, amount + 1, (240, 320, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def test_what_no_palette_keeps() -> None:
    """Strong grain in colour needs more than 256 colours; nothing that misses the target is given."""
    assert palette_png.encode(Picture(noisy(60)), 97.0) is None


def test_dithering_helps_out() -> None:
    """Where the most colours just miss the target, it is dithered."""
    image = noisy(4)
    canvas = Canvas(np.asarray(image.convert("RGBA")))
    best = max((canvas.paint(recipe, 256) for recipe in (MANY, SMOOTH)),
               key=lambda painted: painted.score)  # fmt: skip
    dithered = canvas.paint(best.recipe, 256, 0.8)
    assert dithered.score > best.score
    made = palette_png.encode(Picture(image), (best.score + dithered.score) / 2)
    assert made is not None
    assert made.score is not None
    assert made.score > best.score


@pytest.mark.parametrize("scored_pixels", [10, 10_000_000], ids=["mosaic", "whole"])
@pytest.mark.parametrize("name", ["soft", "faded"])
def test_large_pictures_by_a_mosaic(name: str, scored_pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found on a mosaic holds for the whole: always where that is scored, nearly where it is too large."""
    image = PICTURES[name].resize((1280, 960), Image.Resampling.BICUBIC)
    image = without_hidden_colours(Picture(image)).image
    monkeypatch.setattr(palette_png, "WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(mosaic, "SCORED_PIXELS", scored_pixels)
    made = palette_png.encode(Picture(image), 88.0)
    assert made is not None
    assert score(image, made.data) >= 88.0 - (2.0 if scored_pixels == 10 else 0.0)


def test_a_mosaic_that_promises_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the whole fares worse than its mosaic, it is tried with less loss, and given up in the end."""
    monkeypatch.setattr(palette_png, "WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 100_000)
    random = np.random.default_rng(5)
    pixels = np.array(soft(1280, 960))
    assert palette_png.encode(Picture(Image.fromarray(pixels)), 90.0) is not None
    flat = np.ones((960, 1280), bool)
    flat[np.ix_((np.arange(960) // 256) % 2 == 1, (np.arange(1280) // 256) % 2 == 1)] = False
    pixels[flat] = random.integers(0, 256, (int(flat.sum()), 3), dtype=np.uint8)
    assert palette_png.encode(Picture(Image.fromarray(pixels)), 90.0) is None


def test_a_large_picture_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is short the first price that fails is the last."""
    monkeypatch.setattr(palette_png, "WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(effort, "is_short", lambda: True)
    image = soft(1280, 960)
    made = palette_png.encode(Picture(image), 90.0)
    assert made is None or score(image, made.data) >= 90.0


def test_targets() -> None:
    """A preset has its own target; numbers rise with the level; a small picture's is stricter, `extreme` apart."""
    large, small = 10_000, 9_999
    targets = [palette_png.target_of(Goal(level), large) for level in range(1, BEST)]
    assert targets == sorted(targets)
    smart, extreme = goal_of(Preset.SMART), goal_of(Preset.EXTREME)
    assert palette_png.target_of(smart, large) == 90.0
    assert palette_png.target_of(smart, small) == 97.5
    assert palette_png.target_of(extreme, small) == 80.0


def test_reducible() -> None:
    """What is tiny or has few colours keeps them."""
    assert palette_png.is_reducible(Picture(soft()))
    assert palette_png.is_reducible(Picture(soft().convert("L")))
    assert not palette_png.is_reducible(Picture(soft(20, 20)))
    assert not palette_png.is_reducible(Picture(graphic()))


def test_posterised_keeps_the_target() -> None:
    """A picture for which no palette will do has fewer values, its opacity as it was, and is known for it."""
    image = noisy(60)
    image.putalpha(soft_alpha().getchannel("A"))
    image = without_hidden_colours(Picture(image)).image
    made = posterise.posterised(Picture(image), 90.0)
    assert made is not None
    fewer, reached, trials = made
    assert reached is not None
    assert reached >= 90.0
    assert 1 <= trials <= 3
    assert Reference(np.asarray(image)).score(np.asarray(fewer.image)) == pytest.approx(reached)
    assert np.array_equal(np.asarray(fewer.image)[..., 3], np.asarray(image)[..., 3])
    assert posterise.is_done(fewer)
    assert not posterise.is_done(Picture(image))
    assert not posterise.is_done(Picture(graphic()))
    assert posterise.posterised(Picture(noisy(3)), 99.99) is None


def large(image: Image.Image) -> Image.Image:
    """Return ``image`` in such a size that a mosaic of it has tiles."""
    return image.resize((1280, 960), Image.Resampling.NEAREST)


def uneven_grain() -> Image.Image:
    """Return grain where a mosaic has its tiles, and what is smooth, and suffers more from fewer values, elsewhere."""
    pixels = np.asarray(large(noisy(60))).copy()
    tiles = np.ix_((np.arange(960) // 256) % 2 == 0, np.arange(1280) < 1280)
    pixels[tiles] = np.asarray(soft(1280, 960))[tiles]
    return Image.fromarray(pixels)


def test_posterised_is_scored_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large picture the score told is the whole's, and it keeps the target even where the mosaic is kinder."""
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 100_000)
    image = uneven_grain()
    for target in (50.0, 80.0, 89.0):
        made = posterise.posterised(Picture(image), target)
        assert made is not None
        fewer, reached, _ = made
        assert reached is not None
        assert reached == pytest.approx(Reference(np.asarray(image)).score(np.asarray(fewer.image)))
        assert reached >= target
    assert posterise.posterised(Picture(image), 93.0) is None


def test_posterised_without_time_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the whole can't be scored in time it has one scale finer than its mosaic needs, and no score is told."""
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 100_000)
    image = large(noisy(60))
    scored = posterise.posterised(Picture(image), 85.0)
    monkeypatch.setattr(effort, "left_s", lambda: 3.0)
    hurried = posterise.posterised(Picture(image), 85.0)
    assert scored is not None
    assert hurried is not None
    assert hurried[1] is None
    assert len(np.unique(np.asarray(hurried[0].image))) >= len(np.unique(np.asarray(scored[0].image)))


@pytest.mark.parametrize(
    "image", [soft(1280, 960), large(noisy(4)), large(noisy(60))], ids=["soft", "little-grain", "grain"]
)
@pytest.mark.parametrize("left_s", [3.1, 0.5])
def test_a_search_ends_when_its_time_is_short(
    image: Image.Image, left_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However little time is left there is a result, told to be reduced; it keeps the target if its score is told."""
    monkeypatch.setattr(palette_png, "WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(mosaic, "WHOLE_PIXELS", 100_000)
    monkeypatch.setattr(effort, "left_s", lambda: left_s)
    with effort.budget():
        made = png.encode(Picture(image), Goal(80, 90.0, 90.0))
        assert effort.was_reduced()
    reached = score(image, made.data)
    assert reached >= (88.0 if made.score is None else 90.0)
    assert made.score is None or reached == pytest.approx(made.score, abs=1e-6)


@pytest.mark.parametrize("quality", [Preset.SMART, Preset.HIGH, Preset.EXTREME, 50])
@pytest.mark.parametrize("image", [soft(), noisy(60), noisy(4), soft_alpha(), soft().quantize(200), transparent()],
                         ids=["soft", "grain", "little-grain", "faded", "palette", "fading photo"])  # fmt: skip
def test_again(image: Image.Image, quality: Preset | int) -> None:
    """A result compressed again has the same pixels and no more bytes; what lost something, at whatever quality."""
    source = saved(image, "PNG")
    first = compress(source, Options(quality=quality)).data
    is_lossy = not np.array_equal(shown(first), shown(source))
    last = first
    for again in (quality, quality, *((Preset.EXTREME, Preset.LOSSLESS, Preset.EXTREME) if is_lossy else ())):
        result = compress(last, Options(quality=again)).data
        assert np.array_equal(shown(result), shown(first))
        assert len(result) <= len(last)
        last = result


def test_a_palette_is_reduced_once() -> None:
    """A file of 256 colours in any order becomes smaller with loss; what came out says so by its order."""
    pixels = np.asarray(soft().quantize(256).convert("RGB"))
    data = saved(Image.fromarray(pixels).quantize(256), "PNG")
    assert png.read_header(data).made_at is None
    made = compress(data, Options()).data
    assert png.read_header(made).made_at is not None
    assert len(made) < len(compress(data, Options(quality=Preset.LOSSLESS)).data)


def test_repacking_keeps_the_order() -> None:
    """A palette that came out of a search keeps its order when it is packed again, even where another is shorter."""
    made = compress(saved(soft(), "PNG"), Options(quality=Preset.EXTREME)).data
    again = png.repack(made, png.read_header(made), None)
    assert png.read_header(again).made_at is not None
    greys = Image.fromarray(np.asarray(soft().convert("L")), "L").convert("RGB").quantize(256, dither=Image.Dither.NONE)
    data = saved(greys, "PNG")
    header = replace(png.read_header(data), made_at=1)
    assert np.array_equal(shown(png.repack(data, header, None)), shown(data))


def test_profile_and_small_pictures() -> None:
    """A profile that has to stay is in the palette image; small pictures have no other colours in other formats."""
    data = compress(saved(soft(), "PNG", icc_profile=wide_profile()), Options()).data
    assert opened(data).info["icc_profile"]
    quantised = png.small_and_quantised(Picture(soft(90, 90)), 80)
    assert quantised is not None
    assert len(quantised.image.convert("RGB").getcolors() or []) <= 256
    assert png.small_and_quantised(Picture(noisy(60).crop((0, 0, 90, 90))), 99) is None
    assert png.small_and_quantised(Picture(soft()), 80) is None


def test_photo_is_posterised_or_left() -> None:
    """A photo at a score that no palette keeps is truecolour of fewer values, smaller than without loss."""
    picture = Picture(noisy(60))
    made = png.encode(picture, Goal(80, 90.0, 90.0))
    assert made.score is not None
    assert made.score >= 90.0
    assert opened(made.data).mode == "RGB"
    assert made.size_bytes < png.encode(picture, Goal(BEST)).size_bytes
    assert io.BytesIO(made.data).read(4) == b"\x89PNG"
    assert png.encode(Picture(photo(64, 64)), Goal(99, 99.9, 99.9)).size_bytes > 0


def test_the_operator_chooses_the_care(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the operator's `best` more is tried, and the result is no larger but for noise."""
    picture = Picture(soft_alpha())
    usual = png.encode(picture, Goal(80, 90.0, 90.0))
    monkeypatch.setenv(effort.CARE_VARIABLE, "best")
    careful = png.encode(picture, Goal(80, 90.0, 90.0))
    assert careful.trials > usual.trials
    assert careful.size_bytes <= usual.size_bytes * 1.01


@pytest.mark.parametrize("name", ["soft", "faded"])
def test_numbers_are_monotone(name: str) -> None:
    """Size and score never fall by more than a hundredth as the number rises."""
    made = [png.encode(Picture(PICTURES[name]), Goal(level)) for level in (10, 40, 65, 80, 90, 97, 99, BEST)]
    for lower, higher in pairwise(made):
        assert lower.score is not None
        assert higher.score is not None
        assert lower.size_bytes <= higher.size_bytes * 1.01
        assert lower.score <= higher.score * 1.01
