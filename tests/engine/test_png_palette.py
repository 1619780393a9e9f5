"""Palette PNG: the parts that are C, each against plain numpy, and the palettes made of them."""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from minipic_engine import palette_build, palette_file, palette_native
from minipic_engine.palette_build import FEW, MANY, Colours, Palettes
from minipic_engine.palette_canvas import Canvas, painted
from minipic_engine.palette_native import ALPHA_LANES, OPAQUE_LANES, Space
from tests.engine.engine_images import logo, photo, transparent

Pixels = NDArray[np.uint8]
SPACE = Space(0.8, 2.5)
RANDOM = np.random.default_rng(3)


def pixels_of(image: Image.Image) -> Pixels:
    """Return the pixels in RGBA, what is wholly transparent in black."""
    pixels = np.array(image.convert("RGBA"))
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def noise(height: int, width: int) -> Pixels:
    pixels = RANDOM.integers(0, 256, (height, width, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    return pixels


@pytest.mark.parametrize("image", [logo(), photo(90, 70), transparent(), Image.new("RGB", (1, 1))])
def test_colours_are_numbered_by_appearance(image: Image.Image) -> None:
    """The numbers and the colours give the pixels back, each colour is there once, and the counts are right."""
    pixels = pixels_of(image)
    numbers, colours, counts = palette_native.colours(pixels)
    assert np.array_equal(colours[numbers].reshape(pixels.shape), pixels)
    assert len(np.unique(colours, axis=0)) == len(colours)
    assert np.array_equal(np.bincount(numbers), counts)
    assert np.array_equal(np.unique(numbers, return_index=True)[1], np.sort(np.unique(numbers, return_index=True)[1]))


def xyb(rgb: Pixels) -> NDArray[np.float64]:
    """SSIMULACRA2's (Y, 14 X, B - Y) without offsets."""
    part = rgb / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    mixed = linear @ np.array([[0.30, 0.622, 0.078], [0.23, 0.692, 0.078], [0.24342269, 0.20476744, 0.55180987]]).T
    long, middle, short = np.cbrt(mixed + 0.0037930734).T
    lightness = (long + middle) / 2
    return np.stack([lightness, 7 * (long - middle), short - lightness], axis=1)


def test_places_are_weighted_xyb() -> None:
    """An opaque colour stands where the formula says; one with opacity where it is seen on black and on white."""
    colours = RANDOM.integers(0, 256, (500, 4), dtype=np.uint8)
    opaque = palette_native.places(colours, OPAQUE_LANES, SPACE)
    weights = np.array([1, SPACE.red_green, SPACE.blue_yellow])
    assert np.allclose(opaque[:, :3], xyb(colours[:, :3]) * weights, atol=1e-5)
    assert not opaque[:, 3].any()
    alpha = colours[:, 3:].astype(int)
    dark = (colours[:, :3] * alpha + 127) // 255
    both = palette_native.places(colours, ALPHA_LANES, SPACE)
    for first, ground in ((0, dark), (3, dark + 255 - alpha)):
        seen = xyb(ground.astype(np.uint8)) * weights / np.sqrt(2)
        assert np.allclose(both[:, first : first + 3], seen, atol=1e-5)


def test_activity_is_the_variance_around_a_pixel() -> None:
    """What is added is the variance under a Gaussian of sigma 1.5, edges continued; several calls add up."""
    values = RANDOM.random((9, 14)).astype(np.float32)
    out = np.zeros((9, 14), np.float32)
    numbers = np.arange(values.size, dtype=np.uint32)
    for _ in range(2):
        palette_native.add_activity(out, values.ravel(), numbers)
    taps = np.exp(-(np.arange(-4, 5) ** 2) / 4.5)
    window = np.outer(taps, taps) / taps.sum() ** 2
    padded = np.pad(values.astype(float), 4, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (9, 9))
    mean = (around * window).sum(axis=(2, 3))
    expected = (around**2 * window).sum(axis=(2, 3)) - mean**2
    assert np.allclose(out, 2 * expected, atol=1e-5)


@pytest.mark.parametrize("lanes", [OPAQUE_LANES, ALPHA_LANES])
@pytest.mark.parametrize("size", [1, 7, 64, 256])
def test_nearest(lanes: int, size: int) -> None:
    """The index found is as near as the nearest, to the precision of the search, and the distance is right."""
    wanted = palette_native.places(RANDOM.integers(0, 256, (300, 4), dtype=np.uint8), lanes, SPACE)
    palette = palette_native.places(RANDOM.integers(0, 256, (size, 4), dtype=np.uint8), lanes, SPACE)
    indices, distances = palette_native.nearest(wanted, palette)
    all_distances = ((wanted[:, None] - palette[None]) ** 2).sum(axis=2)
    assert np.allclose(distances, all_distances[np.arange(300), indices], rtol=1e-4)
    assert (distances <= all_distances.min(axis=1) * (1 + 1e-4) + 1e-9).all()


def test_arrays_with_gaps_are_refused() -> None:
    """C reads what lies side by side."""
    places = palette_native.places(noise(4, 4).reshape(-1, 4), OPAQUE_LANES, SPACE)
    with pytest.raises(ValueError, match="gaps"):
        palette_native.nearest(places[::2], places)


def test_dithering_keeps_the_mean() -> None:
    """A grey between two colours becomes a mixture of both; with a strength of 0 the nearest alone."""
    pixels = np.full((40, 40, 4), (120, 120, 120, 255), np.uint8)
    numbers, colours, _ = palette_native.colours(pixels)
    wanted = palette_native.places(colours, OPAQUE_LANES, SPACE)
    ends = np.array([[100, 100, 100, 255], [150, 150, 150, 255]], np.uint8)
    palette = palette_native.places(ends, OPAQUE_LANES, SPACE)
    mixed = palette_native.dither(wanted, numbers, (40, 40), palette, 1.0, 1.0)
    mean = palette[:, 0][mixed].mean()
    assert abs(mean - wanted[0, 0]) < 0.01
    assert not palette_native.dither(wanted, numbers, (40, 40), palette, 0.0, 1.0).any()


def test_merges_take_the_cheapest_pair() -> None:
    """The order is that of a plain search for the pair whose merging costs least."""
    places = palette_native.places(RANDOM.integers(0, 256, (40, 4), dtype=np.uint8), OPAQUE_LANES, SPACE)
    weights = (RANDOM.random(40) + 0.1).astype(np.float32)
    kept, gone = palette_native.merges(places, weights)
    groups = {number: (places[number].astype(float), float(weights[number]), {number}) for number in range(40)}
    costs = []
    for stays, goes in zip(kept.tolist(), gone.tolist(), strict=True):
        cost = {
            (a, b): groups[a][1] * groups[b][1] / (groups[a][1] + groups[b][1])
            * ((groups[a][0] - groups[b][0]) ** 2).sum()
            for a in groups for b in groups if a < b
        }  # fmt: skip
        taken = cost[min(stays, goes), max(stays, goes)]
        assert taken <= min(cost.values()) * (1 + 1e-3)
        costs.append(taken)
        (place_a, weight_a, a), (place_b, weight_b, b) = groups[stays], groups.pop(goes)
        weight = weight_a + weight_b
        groups[stays] = ((place_a * weight_a + place_b * weight_b) / weight, weight, a | b)
    assert next(iter(groups.values()))[2] == set(range(40))
    assert costs == sorted(costs)


def test_cut_separates_what_is_apart() -> None:
    """Two clusters are the first two boxes; colours in one place are never cut."""
    colours = np.array([[10, 10, 10, 255], [12, 10, 10, 255], [240, 240, 240, 255], [238, 240, 240, 255]], np.uint8)
    places = palette_native.places(colours, OPAQUE_LANES, SPACE)
    labels, made = palette_native.cut(places, np.ones(4, np.float32), 2)
    assert made == 2
    assert labels[0] == labels[1] != labels[2] == labels[3]
    labels, made = palette_native.cut(np.repeat(places[:1], 9, axis=0), np.ones(9, np.float32), 4)
    assert (made, labels.tolist()) == (1, [0] * 9)


def test_refining_takes_premultiplied_means() -> None:
    """A group's colour is the mean of what is seen of its colours, and a group that is left empty gets the worst."""
    colours = np.array([[200, 0, 0, 255], [0, 0, 200, 51], [90, 90, 90, 255]], np.uint8)
    places = palette_native.places(colours, ALPHA_LANES, SPACE)
    ones = np.ones(3, np.float32)
    made = palette_native.refine(colours, places, ones, SPACE, 0.0, 0, np.array([0, 0, 1], np.uint8), 2)
    assert made.tolist() == [[167, 0, 33, 153], [90, 90, 90, 255]]
    apart = palette_native.refine(colours, places, ones, SPACE, 0.5, 5, np.array([0, 0, 0], np.uint8), 3)
    assert sorted(map(tuple, apart.tolist())) == sorted(map(tuple, colours.tolist()))


@pytest.mark.parametrize("image", [logo(), photo(300, 200), transparent(200, 150)], ids=["logo", "photo", "faded"])
@pytest.mark.parametrize("recipe", [FEW, MANY])
def test_palettes_get_nearer_as_they_grow(image: Image.Image, recipe: palette_build.Recipe) -> None:
    """A palette has no more colours than asked, none twice, and the larger it is the smaller the error."""
    colours = Colours(pixels_of(image))
    palettes = Palettes(colours, recipe)
    errors = []
    for size in (2, 16, 64, 256):
        palette = palettes.of_size(size)
        assert len(np.unique(palette, axis=0)) == len(palette) <= size
        shown = palette_native.places(palette, colours.lanes, recipe.space)
        errors.append(float(palette_native.nearest(colours.places(recipe.space), shown)[1].sum()))
    assert errors == sorted(errors, reverse=True)


def test_palettes_of_a_million_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours that are alike are taken together when there are too many; at the fifth bit it ends."""
    colours = Colours(noise(60, 60))
    for most in (1000, 3):
        monkeypatch.setattr(palette_build, "_MOST_CUT", most)
        assert 8 <= len(Palettes(colours, MANY).of_size(16)) <= 16


def test_more_colours_than_there_are() -> None:
    """A palette that could hold every colour does."""
    colours = Colours(pixels_of(logo(60, 20)))
    assert len(Palettes(colours, FEW).of_size(256)) == min(256, len(colours.rgba))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 16, 17, 256])
def test_packed(size: int) -> None:
    """A decoder sees the palette's colours at every number of bits, whatever the width leaves of a byte."""
    palette = np.concatenate([np.arange(size * 3).reshape(-1, 3) % 256, np.full((size, 1), 255)], axis=1)
    palette = palette.astype(np.uint8)
    palette[:, 1] = np.arange(size)
    palette[size // 2, 3] = 90
    indices = RANDOM.integers(0, size, (7, 37), dtype=np.uint8)
    data = palette_file.packed(palette, indices, palette_file.QUICKLY)
    image = Image.open(io.BytesIO(data))
    assert image.mode in ("P", "1", "L")
    assert np.array_equal(np.asarray(image.convert("RGBA")), palette[indices])


def test_packed_without_what_is_not_used() -> None:
    """A colour that no pixel has takes no bytes."""
    palette = np.stack([np.arange(200)] * 3 + [np.full(200, 255)], axis=1).astype(np.uint8)
    indices = np.tile(np.array([3, 7, 190], np.uint8), (5, 5))
    assert palette_file.read(palette_file.packed(palette, indices, 1))[:, 0].tolist() == [3, 7, 190]


def test_order() -> None:
    """The background is first, then what lets the ground through, then the rest, by luma; the order is known again."""
    palette = np.array([[200, 0, 0, 255], [0, 0, 9, 40], [0, 0, 0, 255], [9, 9, 9, 255], [90, 9, 9, 40]], np.uint8)
    made, rank = palette_file.ordered(palette, background=3)
    assert made[:, 0].tolist() == [9, 0, 90, 0, 200]
    assert np.array_equal(made[rank], palette)
    assert palette_file.is_ordered(made)
    assert not palette_file.is_ordered(made[::-1])
    assert not palette_file.is_ordered(made[[0, 1, 1]])


def test_background_is_what_the_sides_have() -> None:
    """The first and the last column say what the background is."""
    indices = np.full((9, 9), 4, np.uint8)
    indices[:, 0] = indices[1:, -1] = 6
    assert palette_file.background_of(indices) == 6


def test_an_opaque_part_of_a_fading_picture() -> None:
    """A part's colours stand in as many lanes as the whole's, so that black is not taken for what lets all through."""
    whole = noise(40, 40) // 2
    whole[..., 3] = 255
    whole[30:] = 0
    part = np.zeros((40, 40, 4), np.uint8)
    part[..., 3] = 255
    colours = Colours(whole)
    canvas = Canvas(part, colours)
    assert canvas.colours.lanes == colours.lanes == ALPHA_LANES
    palette = np.array([[0, 0, 0, 0], [0, 0, 0, 255]], np.uint8)
    made, indices = painted(canvas.colours, FEW, palette, 0.0)
    assert (made[indices] == part).all()
    assert canvas.colours.visibility(0.2).shape == (1600,)
