"""What is done differently to large pictures, tried on small ones: tiles, a quick palette, packing row by row."""

import io
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from minipic.domain.image import ImageFormat, Options, Preset
from minipic.errors import ImageTooComplex
from minipic_engine import avif, avif_grid, avif_still, effort, gif, png, quick_palette
from minipic_engine.goal import Goal
from minipic_engine.picture import Picture
from minipic_engine.pipeline import compress
from tests.engine.engine_images import (
    deep_png,
    difference,
    exif,
    opened,
    photo,
    saved,
    shown,
    transparent,
    wide_profile,
)


@pytest.fixture(autouse=True)
def little_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every picture for too large for full effort."""
    monkeypatch.setattr(effort, "FULL_EFFORT_PIXELS", 1_000)
    monkeypatch.setattr(png, "_TIMED_PIXELS", 1_000)
    monkeypatch.setattr(avif_still, "_WHOLE_PIXELS", 1_000)
    monkeypatch.setattr(avif_grid, "_TILE_SIDE", 128)


def faded_in_part() -> Image.Image:
    """Return a picture that is opaque in one tile and fades out in the others."""
    image = transparent(300, 200)
    image.paste(photo(128, 128), (0, 0))
    return image


PICTURES = {"colour": photo(301, 201), "grey": photo(300, 200).convert("L"), "faded": faded_in_part()}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("lean_pixels", [10_000_000, 0])
def test_avif_in_tiles(name: str, lean_pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid of tiles looks as the picture, transparency included, and is repacked without a change."""
    monkeypatch.setattr(avif_still, "_LEAN_PIXELS", lean_pixels)
    made = avif.encode(Picture(PICTURES[name], wide_profile() if name == "colour" else None), Goal(90)).data
    assert avif.read_header(made).shown_size == PICTURES[name].size
    assert made.count(b"av01") >= 6
    assert difference(shown(made), shown(saved(PICTURES[name], "PNG"))) < 4.5
    assert bool(opened(made).info.get("icc_profile")) == (name == "colour")
    again = compress(made, Options(quality=Preset.HIGH))
    assert np.array_equal(shown(again.data), shown(made))
    assert again.size_bytes <= len(made)


@pytest.mark.parametrize("name", PICTURES)
def test_avif_in_tiles_without_loss(name: str) -> None:
    """A grid of tiles without loss has the very pixels."""
    made = avif.encode(Picture(PICTURES[name]), Goal(100)).data
    assert np.array_equal(shown(made), shown(saved(PICTURES[name], "PNG")))


def test_tiles_end_with_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is looked at after every few tiles."""
    monkeypatch.setattr(effort, "BUDGET_S", 0.0)
    with effort.budget(), pytest.raises(ImageTooComplex):
        avif.encode(Picture(photo(400, 400)), Goal(80))


@pytest.mark.parametrize("name", ["colour", "faded"])
def test_quick_palette(name: str) -> None:
    """At most 256 colours stand for a picture that there is no time to work on with care."""
    whole = shown(saved(PICTURES[name], "PNG"))
    quick = png.encode(Picture(PICTURES[name]), Goal(80)).data
    assert opened(quick).mode == "P"
    assert difference(shown(quick), whole) < 8


def test_quick_palette_keeps_what_is_clear_and_what_is_solid() -> None:
    """What is fully transparent stays so, and what is opaque."""
    picture = Picture(faded_in_part())
    alpha = np.asarray(picture.image.getchannel("A"))
    made = np.asarray(opened(quick_palette.as_png(picture, 90)).convert("RGBA"))[..., 3]
    assert (made[alpha == 0] == 0).mean() > 0.99
    assert (made[alpha == 255] == 255).mean() > 0.99


def test_quick_palette_of_a_gif() -> None:
    """A GIF of a large photo has its look, and each of its pixels is transparent or not."""
    made = gif.encode(Picture(faded_in_part()), Goal(100)).data
    pixels, expected = shown(made), shown(saved(faded_in_part(), "PNG"))
    assert set(np.unique(pixels[..., 3])) == {0, 255}
    assert ((pixels[..., 3] == 255) == (expected[..., 3] >= 128)).mean() > 0.99


def test_gif_of_few_colours_keeps_them() -> None:
    """However large, a picture of few colours loses none of them."""
    few = photo(300, 200).quantize(64).convert("RGB")
    made = gif.encode(Picture(few), Goal(100)).data
    assert np.array_equal(shown(made), shown(saved(few, "PNG")))


@pytest.mark.parametrize("kind", ["RGB", "RGBA", "LA", "deep"])
def test_png_packed_row_by_row(kind: str) -> None:
    """A lossless result has the very pixels, all their bits, and the orientation."""
    if kind == "deep":
        ramp = np.arange(200 * 150 * 3, dtype=np.uint16).reshape(150, 200, 3)
        data = deep_png(ramp, 2)
    else:
        data = saved(transparent(200, 150).convert(kind), "PNG", compress_level=0, exif=exif(6))
    result = compress(data, Options(quality=Preset.LOSSLESS))
    assert np.array_equal(shown(result.data), shown(data))
    assert result.size_bytes < len(data)
    assert result.reduced_effort
    if kind == "deep":
        assert result.data[24] == 16


def test_tiff_is_packed_in_place() -> None:
    """The pages of a TIFF are not copied to be read: what is held beside the file is less than the file."""
    data = saved(photo(1_500, 1_000), "TIFF")
    tracemalloc.start()
    try:
        from minipic_engine import tiff_pages  # noqa: PLC0415 - loaded before; named here for the reader

        page = tiff_pages.with_pixels(data, tiff_pages.directories(data)[0])
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(map(len, page.segments)) == 4_500_000
    assert held < len(data) // 2


def test_formats_of_large_pictures() -> None:
    """Each format that is written takes a picture that counts as large, and says that it did less."""
    data = saved(photo(200, 150), "PNG")
    for target in (ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.GIF, ImageFormat.TIFF):
        result = compress(data, Options(formats=(target,)))
        assert result.reduced_effort
        assert Image.open(io.BytesIO(result.data)).size == (200, 150)


def test_a_png_that_there_is_no_time_for_at_all_loses_its_metadata_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where even the quickest palette takes too long, the input's own pixels are the result, and that is told."""

    def too_slow(*_: object) -> bytes:
        raise ImageTooComplex

    monkeypatch.setattr(quick_palette, "as_png", too_slow)
    data = saved(PICTURES["colour"], "PNG")
    header = png.read_header(data)
    with effort.budget():
        made = png.smallest(data, header, None, Picture(PICTURES["colour"]), Goal(80))
        assert effort.was_reduced()
    assert np.array_equal(shown(made.data), shown(data))
