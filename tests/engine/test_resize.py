"""New sizes: the arithmetic, and what resampling must not spoil."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minipic.domain.image import ImageFormat, Options, Preset, Resize, ResizeMethod
from minipic.errors import BadRequest, ImageTooComplex
from minipic_engine import animation as engine_animation
from minipic_engine import png_chunks
from minipic_engine.pipeline import compress
from minipic_engine.resize import plan
from tests.engine.engine_images import (
    GPS_TEXT,
    WEB,
    animation,
    deep_png,
    difference,
    exif,
    frames,
    graphic,
    opened,
    photo,
    saved,
    shown,
    transparent,
    wide_profile,
    with_chunks,
)

JPEG, PNG, WEBP = ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP
SCALE, FIT, COVER = ResizeMethod.SCALE, ResizeMethod.FIT, ResizeMethod.COVER
LOSSLESS = Preset.LOSSLESS
Size = tuple[int, int]


def size_after(method: ResizeMethod, size: Size, width: int | None, height: int | None) -> Size:
    """Return the size that comes out."""
    made = plan(Resize(method, width, height), size)
    return size if made is None else made.size


@pytest.mark.parametrize(
    ("method", "size", "box", "expected"),
    [
        (FIT, (137, 21), (50, 20), (50, 8)),
        (FIT, (137, 21), (20, 50), (20, 3)),
        (FIT, (100, 100), (50, 50), (50, 50)),
        (FIT, (100, 50), (50, 50), (50, 25)),
        (FIT, (50, 100), (50, 50), (25, 50)),
        (FIT, (200, 100), (50, 25), (50, 25)),
        (FIT, (100, 50), (200, 20), (40, 20)),
        (FIT, (100, 50), (100, 50), (100, 50)),
        (FIT, (100, 50), (200, 300), (100, 50)),
        (FIT, (1000, 1), (10, 10), (10, 1)),
        (FIT, (1, 1000), (1, 10), (1, 10)),
        (FIT, (1, 1), (1, 1), (1, 1)),
        (FIT, (4, 3), (2, 2), (2, 2)),
        (FIT, (8, 3), (4, 4), (4, 2)),
        (SCALE, (100, 50), (50, None), (50, 25)),
        (SCALE, (100, 50), (None, 10), (20, 10)),
        (SCALE, (100, 51), (50, None), (50, 26)),
        (SCALE, (137, 21), (50, None), (50, 8)),
        (SCALE, (100, 50), (101, None), (100, 50)),
        (SCALE, (100, 50), (None, 16_383), (100, 50)),
        (SCALE, (1000, 3), (1, None), (1, 1)),
        (SCALE, (1, 1000), (None, 3), (1, 3)),
        (COVER, (100, 50), (20, 20), (20, 20)),
        (COVER, (50, 100), (20, 20), (20, 20)),
        (COVER, (100, 50), (100, 50), (100, 50)),
        (COVER, (100, 50), (30, 40), (30, 40)),
        (COVER, (100, 50), (99, 1), (99, 1)),
        (COVER, (100, 50), (1, 1), (1, 1)),
        (COVER, (100, 50), (200, 20), (100, 20)),
        (COVER, (100, 50), (20, 200), (20, 50)),
        (COVER, (100, 50), (200, 200), (100, 50)),
        (COVER, (1000, 10), (5, 5), (5, 5)),
    ],
)
def test_sizes(method: ResizeMethod, size: Size, box: tuple[int | None, int | None], expected: Size) -> None:
    """Rounds half up, keeps 1 pixel at least, enlarges nothing; the file really has the size that is told."""
    assert size_after(method, size, *box) == expected
    result = compress(saved(graphic(*size), "PNG"), Options(resize=Resize(method, *box)))
    assert (result.width, result.height) == opened(result.data).size == expected


SIDE = st.integers(1, 20_000)


@given(SIDE, SIDE, SIDE, SIDE)
def test_any_size(width: int, height: int, box_width: int, box_height: int) -> None:
    """Never larger than the picture; `fit` is inside the box, touches it and keeps the ratio; `cover` fills it."""
    size = (width, height)
    fitted = size_after(FIT, size, box_width, box_height)
    assert fitted[0] <= min(width, box_width)
    assert fitted[1] <= min(height, box_height)
    assert fitted == size or fitted[0] == box_width or fitted[1] == box_height
    scale = min(1.0, box_width / width, box_height / height)
    assert all(abs(new - max(1.0, old * scale)) <= 0.5 + 1e-6 for new, old in zip(fitted, size, strict=True))
    assert size_after(COVER, size, box_width, box_height) == (min(width, box_width), min(height, box_height))
    assert size_after(SCALE, size, box_width, None)[0] == min(width, box_width)
    assert size_after(SCALE, size, None, box_height)[1] == min(height, box_height)


@settings(max_examples=25)
@given(
    st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.sampled_from([FIT, COVER]),
    st.sampled_from(["L", "LA", "RGB", "RGBA"]), st.sampled_from([PNG, WEBP]),
)  # fmt: skip
def test_any_picture(
    width: int, height: int, box_width: int, box_height: int, method: ResizeMethod, mode: str, target: ImageFormat
) -> None:
    """A file of any size and kind gets the planned size, and asking again changes nothing."""
    options = Options(formats=(target,), resize=Resize(method, box_width, box_height))
    result = compress(saved(transparent(width, height).convert(mode), "PNG"), options)
    assert opened(result.data).size == size_after(method, (width, height), box_width, box_height)
    assert np.array_equal(shown(compress(result.data, options).data), shown(result.data))


@pytest.mark.parametrize(
    "wrong",
    [Resize(SCALE), Resize(SCALE, 3, 4), Resize(FIT, 3), Resize(COVER, height=3), Resize(FIT, 0, 3), Resize(SCALE, -1)],
)
def test_sides_that_do_not_fit_the_method(wrong: Resize) -> None:
    """One side with `scale`, two with the others, none below 1."""
    with pytest.raises(BadRequest, match="`resize`"):
        compress(saved(graphic(), "PNG"), Options(resize=wrong))


def stripes(width: int, height: int) -> Image.Image:
    """Black, with a white cross through the centre."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 - 4 : width // 2 + 4] = 255
    pixels[height // 2 - 4 : height // 2 + 4] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("box", [(40, 40), (40, 10), (10, 40), (200, 40), (40, 100)])
def test_cover_cuts_around_the_centre(box: Size) -> None:
    """What is in the middle stays in the middle."""
    pixels = shown(compress(saved(stripes(120, 80), "PNG"), Options(LOSSLESS, resize=Resize(COVER, *box))).data)
    assert difference(pixels, pixels[::-1]) < 1
    assert difference(pixels, pixels[:, ::-1]) < 1
    assert pixels[pixels.shape[0] // 2, pixels.shape[1] // 2, 0] > 250


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("profile", [None, wide_profile()])
def test_linear_light(mode: str, profile: bytes | None) -> None:
    """A black and white checkerboard becomes the grey that an eye sees from afar, 188; stored values average to 128."""
    board = Image.fromarray((np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)).convert(mode)
    params = {} if profile is None or mode == "L" else {"icc_profile": profile}
    result = compress(saved(board, "PNG", **params), Options(LOSSLESS, resize=Resize(FIT, 32, 32)))
    inner = shown(result.data)[8:24, 8:24, :3].astype(int)
    assert np.abs(inner - 188).max() <= 2


@pytest.mark.parametrize("box", [(50, 50), (33, 47), (7, 7)])
@pytest.mark.parametrize("target", [PNG, WEBP])
def test_premultiplied(box: Size, target: ImageFormat) -> None:
    """The colour under transparency never shows: a red disc on hidden green has edges of red alone."""
    y, x = np.mgrid[0:100, 0:100]
    inside = (x - 50) ** 2 + (y - 50) ** 2 < 900
    pixels = np.where(inside[..., None], (220, 30, 30, 255), (0, 255, 0, 0)).astype(np.uint8)
    data = saved(Image.fromarray(pixels), "PNG")
    seen = shown(compress(data, Options(LOSSLESS, formats=(target,), resize=Resize(COVER, *box))).data).astype(int)
    edge = seen[seen[..., 3] > 16]
    assert np.abs(edge[:, :3] - (220, 30, 30)).max() <= 8
    assert seen[..., 3].min() == 0


def test_background_fills_after_the_new_size() -> None:
    """An edge is a mix of the picture and the background alone, and nothing transparent is left, in JPEG neither."""
    image = Image.new("RGBA", (60, 60), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (15, 15, 45, 45))
    for target in (PNG, JPEG):
        options = Options(100, formats=(target,), resize=Resize(FIT, 20, 20), background=(0, 0, 255))
        pixels = shown(compress(saved(image, "PNG"), options).data).astype(int)
        assert pixels[..., 3].min() == 255
        assert pixels[..., 1].max() <= (2 if target is PNG else 40)
        assert np.abs(pixels[1, 1, :3] - (0, 0, 255)).max() <= 12


def test_transparency_that_is_cut_off() -> None:
    """A picture whose transparent part is cut off is opaque, so that JPEG takes it without a background."""
    image = photo(100, 40).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 8, 40))
    options = Options(formats=(JPEG,), resize=Resize(COVER, 40, 40))
    assert compress(saved(image, "PNG"), options).format is JPEG
    with pytest.raises(BadRequest, match="background"):
        compress(saved(image, "PNG"), Options(formats=(JPEG,), resize=Resize(FIT, 40, 40)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", WEB)
def test_orientation(kind: ImageFormat, orientation: int) -> None:
    """The size is meant as a viewer sees the picture, whichever way it lies in the file."""
    data = saved(photo(72, 40), kind.value, quality=95, exif=exif(orientation))
    seen = shown(data)
    result = compress(data, Options(Preset.HIGH, resize=Resize(SCALE, seen.shape[1] // 2)))
    expected = np.asarray(Image.fromarray(seen).resize((seen.shape[1] // 2, seen.shape[0] // 2), Image.Resampling.BOX))
    assert (result.width, result.height) == (expected.shape[1], expected.shape[0])
    assert difference(shown(result.data), expected) < 6
    assert GPS_TEXT not in result.data


@pytest.mark.parametrize("target", WEB)
def test_profile_travels(target: ImageFormat) -> None:
    """A wide gamut keeps its profile and its numbers."""
    data = saved(Image.new("RGB", (60, 60), (200, 60, 40)), "PNG", icc_profile=wide_profile())
    result = compress(data, Options(100, formats=(target,), resize=Resize(FIT, 30, 30)))
    assert opened(result.data).info["icc_profile"] == wide_profile()
    assert np.abs(shown(result.data)[9, 9, :3].astype(int) - (200, 60, 40)).max() <= 3


def test_grey_stays_grey() -> None:
    """One channel stays one channel, in 16 bits too, which are rounded to 8."""
    grey = photo().convert("L")
    deep = deep_png(np.asarray(grey).astype(np.uint16)[..., None] * 257, 0)
    half = Resize(FIT, 80, 60)
    results = [compress(data, Options(LOSSLESS, resize=half)).data for data in (saved(grey, "PNG"), deep)]
    assert [opened(result).mode for result in results] == ["L", "L"]
    assert np.array_equal(shown(results[0]), shown(results[1]))
    assert opened(compress(saved(grey, "JPEG"), Options(resize=half)).data).mode == "L"


@pytest.mark.parametrize("kind", WEB)
def test_own_results_are_resized(kind: ImageFormat) -> None:
    """A result gets a new size like any input; the size it has already is no new one."""
    first = compress(saved(photo(), kind.value, quality=95), Options())
    second = compress(first.data, Options(resize=Resize(FIT, 40, 40)))
    assert (second.width, second.height) == (40, 30)
    assert compress(first.data, Options(resize=Resize(FIT, 160, 400))) == compress(first.data, Options())


def test_limit_of_the_output_is_checked_after_the_new_size() -> None:
    """A PNG too long for WebP becomes one when it is made short enough."""
    long = saved(graphic(17_000, 4), "PNG")
    options = Options(formats=(WEBP,), resize=Resize(SCALE, 16_000))
    assert compress(long, options).width == 16_000
    with pytest.raises(ImageTooComplex, match="webp holds at most 16383"):
        compress(long, Options(formats=(WEBP,), resize=Resize(SCALE, 16_999)))


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("target", [PNG, WEBP])
@pytest.mark.parametrize("kind", [PNG, WEBP])
def test_animation(kind: ImageFormat, target: ImageFormat, orientation: int) -> None:
    """Every frame gets the new size, upright; timeline, loops, transparency and profile stay."""
    data = animation(kind.value, lossless=True, exif=exif(orientation), icc_profile=wide_profile())
    result = compress(data, Options(Preset.HIGH, formats=(target,), resize=Resize(COVER, 24, 20)))
    assert (result.width, result.height) == opened(result.data).size == (24, 20)
    assert [duration for _, duration in frames(result.data)] == [100, 200, 50, 400]
    image = opened(result.data)
    assert image.info["loop"] == 3
    assert image.info["icc_profile"] == wide_profile()
    assert image.getexif().get(0x0112, 1) == 1
    assert min(int(pixels[..., 3].min()) for pixels, _ in frames(result.data)) == 0
    still, moved = (Image.fromarray(frames(data)[3][0]), frames(result.data)[3][0])
    upright = still if orientation == 1 else still.transpose(Image.Transpose.ROTATE_270)
    expected = compress(saved(upright, "PNG"), Options(LOSSLESS, resize=Resize(COVER, 24, 20))).data
    assert difference(moved, shown(expected)) < (6 if target is WEBP else 1e-9)


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "LA"])
def test_animated_png_of_other_kinds(mode: str) -> None:
    """Grey, palette and opaque frames are resized as well; grey stays grey."""
    stills = [photo(64, 48).rotate(90 * n).convert(mode) for n in range(3)]
    data = saved(stills[0], "PNG", save_all=True, append_images=stills[1:], duration=100)
    result = compress(data, Options(resize=Resize(SCALE, 32))).data
    assert [pixels.shape[:2] for pixels, _ in frames(result)] == [(24, 32)] * 3
    assert opened(result).mode == {"P": "RGB", "LA": "L"}.get(mode, mode)
    assert mode not in ("L", "LA") or np.ptp(frames(result)[2][0][..., :3].astype(int), axis=-1).max() == 0


def test_gamma_of_an_animated_png() -> None:
    """Frames whose values are linear light (gAMA 1.0) get sRGB's curve, as stills do."""
    stills = [Image.new("RGB", (20, 20), (55, 55, value)) for value in (55, 200)]
    data = saved(stills[0], "PNG", save_all=True, append_images=stills[1:], duration=100)
    chunk = png_chunks.make_chunk(b"gAMA", (100_000).to_bytes(4, "big"))
    pixels = frames(compress(with_chunks(data, chunk), Options(resize=Resize(SCALE, 10))).data)[0][0]
    assert np.abs(pixels[..., :3].astype(int) - 128).max() <= 2


def test_deep_animated_png() -> None:
    """16 bits of grey in an animation are rounded, not cut off."""
    still = deep_png(np.full((20, 20, 1), 30_000, np.uint16), 0)
    parts = list(png_chunks.chunks(still))
    idat = next(chunk for chunk in parts if chunk.name == b"IDAT")
    make = png_chunks.make_chunk

    def control(number: int) -> bytes:
        numbers = (number, 20, 20, 0, 0)
        return make(b"fcTL", b"".join(n.to_bytes(4, "big") for n in numbers) + bytes([0, 1, 0, 10, 0, 0]))

    frame = make(b"fdAT", (2).to_bytes(4, "big") + idat.payload)
    data = (
        still[:33] + make(b"acTL", bytes([0, 0, 0, 2, 0, 0, 0, 0])) + control(0) + idat.to_bytes() + control(1) + frame
        + parts[-1].to_bytes()
    )  # fmt: skip
    for options in (Options(resize=Resize(SCALE, 10)), Options(LOSSLESS, formats=(WEBP,))):
        pixels = frames(compress(data, options).data)[0][0]
        assert np.abs(pixels[..., 0].astype(int) - round(30_000 / 257)).max() <= 1


def test_still_beside_the_frames() -> None:
    """The still that stands in for an animated PNG is resized along."""
    stills = [photo(40, 40, seed=n) for n in range(3)]
    data = saved(stills[0], "PNG", save_all=True, append_images=stills[1:], default_image=True, duration=[100, 300])
    result = compress(data, Options(resize=Resize(FIT, 20, 20))).data
    header = png_chunks.read_header(result)
    assert (header.has_still_apart, header.width, header.frames) == (True, 20, 2)
    assert [duration for _, duration in frames(result)][1:] == [100, 300]


def test_animation_too_long_for_a_new_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """More pixels over all frames than the job has time for are refused before decoding."""
    monkeypatch.setattr(engine_animation, "_MAX_ENCODED_PIXELS", 2_000)
    with pytest.raises(ImageTooComplex, match="too many to give them a new size"):
        compress(animation("WEBP"), Options(resize=Resize(SCALE, 32)))
    assert compress(animation("WEBP"), Options(resize=Resize(SCALE, 20))).width == 20
