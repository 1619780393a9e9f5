"""PNG that no palette holds: colours merged to some hundred or thousand, by the score, once."""

import numpy as np
import pytest
from PIL import Image

from minipic.domain.image import Options, Preset
from minipic_engine import many_colours, palette_build, palette_file, png, png_chunks, posterise, truecolour
from minipic_engine.palette_build import MANY, Colours, Merging
from minipic_engine.picture import Picture
from minipic_engine.pipeline import compress
from minipic_engine.ssimulacra2 import Reference
from tests.engine.engine_images import opened, saved, shown, transparent
from tests.pictures import photo as smooth


def tiles(side: int = 192, count: int = 600, seed: int = 0) -> Image.Image:
    """Small squares of far more colours than a palette has, each in a few shades that hardly differ."""
    random = np.random.default_rng(seed)
    colours = random.integers(4, 252, (count, 1, 3)) + random.integers(-2, 3, (count, 12, 3))
    numbers = random.integers(0, count, (side // 4, side // 4)).repeat(4, axis=0).repeat(4, axis=1)
    return Image.fromarray(colours[numbers, random.integers(0, 12, numbers.shape)].astype(np.uint8))


PICTURES = {"tiles": tiles(), "faded": transparent(200, 150), "soft": smooth(160, 120, noise=2)}


@pytest.mark.parametrize(
    ("name", "target"), [("tiles", 85.0), ("tiles", 90.0), ("tiles", 95.0), ("soft", 90.0), ("faded", 75.0)]
)
def test_the_fewest_colours_that_keep_the_target(name: str, target: float) -> None:
    """There are fewer colours than before and more than a palette has, with the score that is told."""
    picture = Picture(PICTURES[name], b"profile")
    made = many_colours.reduced(picture, target)
    assert made is not None
    fewer, score, trials = made
    assert score >= target
    assert score == pytest.approx(Reference(np.asarray(picture.image)).score(np.asarray(fewer.image)), abs=1e-6)
    count = len(fewer.image.getcolors(1 << 20) or ())
    assert count < len(picture.image.getcolors(1 << 20) or ())
    assert (fewer.image.mode, fewer.icc) == (picture.image.mode, b"profile")
    assert 1 <= trials <= 6


def test_no_task_for_merging(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large, has too few colours or too many, or needs nearly all of them is left alone."""
    assert many_colours.reduced(Picture(PICTURES["soft"].quantize(250).convert("RGB")), 80.0) is None
    assert many_colours.reduced(Picture(PICTURES["soft"]), 99.999) is None
    monkeypatch.setattr(many_colours, "_MOST", 1_000)
    assert many_colours.reduced(Picture(PICTURES["soft"]), 80.0) is None
    monkeypatch.undo()
    monkeypatch.setattr(many_colours, "_MOST_PIXELS", 1_000)
    assert many_colours.reduced(Picture(PICTURES["soft"]), 80.0) is None


def test_merging_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number of colours can be had, each a mean of those that it stands for; nothing clear gets a colour."""
    pixels = np.array(PICTURES["faded"])
    pixels[pixels[..., 3] == 0] = 0
    colours = Colours(pixels)
    for paired in (20_000, 2_000):
        monkeypatch.setattr(palette_build, "_MOST_PAIRED", paired)
        merging = Merging(colours, MANY)
        assert (merging.most == len(colours.rgba)) == (paired > len(colours.rgba))
        for size in (300, 900):
            made = merging.of_size(size)
            assert made.shape == colours.rgba.shape
            assert 0.9 * size <= len(np.unique(made, axis=0)) <= size
            assert not made[made[:, 3] == 0].any()
            assert np.abs(made.astype(int) - colours.rgba)[colours.rgba[:, 3] > 200].mean() < 8


def test_graphics_and_photographs() -> None:
    """Of merged colours and fewer values a channel the smaller is taken, and only merged colours bear a mark."""
    for image, is_marked in ((PICTURES["tiles"], True), (smooth(200, 150, noise=12), False)):
        made = truecolour.encode(Picture(image), 90.0, 10**9)
        assert made is not None
        assert made.score is not None
        assert made.score >= 90
        assert (png.read_header(made.data).made_at is not None) == is_marked
        assert posterise.is_done(png.decode(made.data, png.read_header(made.data))) != is_marked
    assert truecolour.encode(Picture(PICTURES["tiles"]), 90.0, 100) is None
    assert truecolour.encode(Picture(PICTURES["tiles"]), 99.9999, 10**9) is None


def test_merged_once() -> None:
    """A result is only packed again, at any level, and keeps its mark; with a new size it is a new picture."""
    data = saved(PICTURES["tiles"], "PNG")
    first = compress(data, Options(quality=Preset.HIGH))
    assert first.score is not None
    assert 95 <= first.score < 100
    assert opened(first.data).mode == "RGB"
    assert len(first.data) < 0.9 * len(compress(data, Options(quality=Preset.LOSSLESS)).data)
    for quality in (Preset.HIGH, Preset.EXTREME, 5):
        again = compress(first.data, Options(quality=quality)).data
        assert len(again) <= len(first.data)
        assert np.array_equal(shown(again), shown(first.data))
        assert png.read_header(again).made_at is not None


def test_a_forged_mark_carries_nothing() -> None:
    """A mark with content is no mark, and does not survive."""
    forged = png_chunks.make_chunk(b"mpFc", b"GPS")
    data = saved(PICTURES["soft"], "PNG")
    data = data[:33] + forged + data[33:]
    assert png.read_header(data).made_at is None
    for quality in (Preset.SMART, Preset.LOSSLESS):
        assert b"GPS" not in compress(data, Options(quality=quality)).data


def test_filters_are_for_smooth_pictures() -> None:
    """Differences of indices are packed where rows change little by little, and nowhere else."""
    greys = np.stack([np.arange(256)] * 3 + [np.full(256, 255)], axis=1).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 3, (200, 300))
    slope = (np.add.outer(np.arange(200), np.arange(300)) // 2 + noise).astype(np.uint8)
    chaos = np.random.default_rng(1).integers(0, 256, (200, 300), np.uint8)
    assert palette_file.may_be_filtered(greys, slope)
    assert not palette_file.may_be_filtered(greys, chaos)
    assert not palette_file.may_be_filtered(greys[:16], slope % 16)
    plain = palette_file.at_depth(greys, slope, 8, palette_file.WELL)
    assert len(palette_file.packed(greys, slope, palette_file.WELL)) < len(plain)


def test_grey_in_fewer_greys() -> None:
    """A grey picture gets a palette of greys where that is smaller, and stays grey."""
    data = saved(smooth(200, 150, noise=6).convert("L"), "PNG")
    result = compress(data, Options())
    assert result.score is not None
    assert result.score >= 90
    assert len(result.data) < 0.8 * len(compress(data, Options(quality=Preset.LOSSLESS)).data)
    assert np.ptp(shown(result.data)[..., :3].astype(int), axis=-1).max() == 0
