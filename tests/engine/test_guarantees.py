"""What is promised of every format, tried on pictures that nobody chose."""

import io
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minipic.domain.image import OUTPUT_FORMATS, ImageFormat, Options, Preserve, Preset, Quality, Resize, ResizeMethod
from minipic.errors import MiniPicError
from minipic_engine.pipeline import compress
from tests.engine.engine_images import GPS_TEXT, WEB, animation, photo, saved, transparent
from tests.engine.viewer import view

AVIF, GIF, TIFF = ImageFormat.AVIF, ImageFormat.GIF, ImageFormat.TIFF
NEW = [AVIF, GIF, TIFF]
FILMS = [*WEB[::2], AVIF, GIF]
QUALITIES: list[Quality] = [Preset.SMART, Preset.EXTREME, Preset.LOSSLESS, 40]
SECRET = "GPS 52.5163 N 13.3777 E"
ALL = frozenset(Preserve)


def noise(width: int, height: int, mode: str, seed: int, colours: int) -> Image.Image:
    """Return blocks of random colours, as few or as many as wanted."""
    rng = np.random.default_rng(seed)
    bands = len(mode)
    palette = rng.integers(0, 256, (colours, bands))
    pixels = palette[rng.integers(0, colours, (height, width))].astype(np.uint8)
    return Image.fromarray(pixels.squeeze(2) if bands == 1 else pixels)


def file_of(image: Image.Image, kind: ImageFormat, **params: Any) -> bytes:
    """Return a picture in a format, with much room to become smaller where the format allows."""
    if kind is GIF:
        image = image.convert("RGBA") if "A" in image.getbands() else image
    extra = {AVIF: {"quality": 95}, TIFF: {}, GIF: {}}.get(kind, {})
    return saved(image, kind.value, **extra, **params)


PICTURES = st.builds(
    noise, st.integers(1, 24), st.integers(1, 24), st.sampled_from(["L", "LA", "RGB", "RGBA"]),
    st.integers(0, 2**31), st.sampled_from([1, 2, 17, 4_000]),
)  # fmt: skip


@settings(max_examples=60)
@given(PICTURES, st.sampled_from(NEW), st.sampled_from(QUALITIES))
def test_never_larger_and_idempotent(image: Image.Image, kind: ImageFormat, quality: Quality) -> None:
    """In its own format a result is never larger; second and third passes show the same and are not larger either."""
    data = file_of(image, kind)
    first = compress(data, Options(quality=quality))
    assert compress(data, Options(quality=quality)) == first
    assert len(first.data) <= len(data)
    last = first
    for _ in range(2):
        again = compress(last.data, Options(quality=quality))
        assert len(again.data) <= len(last.data)
        assert np.array_equal(view(again.data).frames[0], view(first.data).frames[0])
        last = again


@settings(max_examples=50)
@given(PICTURES, st.sampled_from(NEW))
def test_lossless_is_equal(image: Image.Image, kind: ImageFormat) -> None:
    """`lossless` keeps every sample: in the own format, and from PNG to all that can (GIF where it has the colours)."""
    own = file_of(image, kind)
    kept = compress(own, Options(quality=Preset.LOSSLESS)).data
    assert np.array_equal(view(kept).frames[0], view(own).frames[0])
    png = saved(image, "PNG")
    before = view(png).frames[0]
    colours = len(np.unique(before.reshape(-1, 4), axis=0))
    if kind is GIF and (colours > 250 or not set(np.unique(before[..., 3]).tolist()) <= {0, 255}):
        return
    made = compress(png, Options(quality=Preset.LOSSLESS, formats=(kind,))).data
    assert np.array_equal(view(made).frames[0], before)


@pytest.mark.parametrize("target", OUTPUT_FORMATS)
@pytest.mark.parametrize("kind", [*WEB, *NEW])
def test_converted_again(kind: ImageFormat, target: ImageFormat) -> None:
    """A conversion is deterministic, and compressing its result again changes no pixel and saves or keeps its size."""
    data = file_of(photo(60, 44), kind)
    first = compress(data, Options(formats=(target,)))
    assert compress(data, Options(formats=(target,))) == first
    second = compress(first.data, Options())
    assert len(second.data) <= len(first.data)
    assert np.array_equal(view(second.data).frames[0], view(first.data).frames[0])


@pytest.mark.parametrize("quality", [Preset.SMART, Preset.EXTREME])
@pytest.mark.parametrize("kind", FILMS)
def test_films_again(kind: ImageFormat, quality: Quality) -> None:
    """An animation is never larger, made the same way each time, and a second pass shows the same for as long."""
    data = animation(kind.value, quality=95)
    first = compress(data, Options(quality=quality))
    assert compress(data, Options(quality=quality)) == first
    second = compress(first.data, Options(quality=quality))
    assert len(second.data) <= len(first.data) <= len(data)
    before, after = view(first.data), view(second.data)
    assert [at for at, _ in before.instants] == [at for at, _ in after.instants]
    assert before.plays == after.plays == view(data).plays
    assert all(np.array_equal(left, right) for (_, left), (_, right) in
               zip(before.instants, after.instants, strict=True))  # fmt: skip


def leaky(kind: ImageFormat, image: Image.Image, **params: Any) -> bytes:
    """Return a file that tells a secret wherever its format has a place for one."""
    block = Image.Exif()
    block[0x010E] = SECRET
    block.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 58.0), 3: "E", 4: (13.0, 22.0, 39.0), 29: SECRET})
    if kind is ImageFormat.HEIC:
        out = io.BytesIO()
        pillow_heif.from_pillow(image).save(out, exif=block.tobytes(), xmp=SECRET.encode())
        return out.getvalue()
    if kind is GIF:
        return saved(image, "GIF", comment=SECRET, **params)
    if kind is TIFF:
        return saved(image, "TIFF", exif=block, tiffinfo={700: SECRET.encode(), 270: SECRET, 33723: SECRET}, **params)
    return saved(image, kind.value, exif=block.tobytes(), xmp=SECRET.encode(), **params)


@pytest.mark.parametrize("is_film", [False, True])
@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS])
@pytest.mark.parametrize("kind", [ImageFormat.HEIC, *NEW])
def test_metadata_is_gone(kind: ImageFormat, quality: Quality, is_film: bool) -> None:
    """No byte of EXIF, XMP, IPTC or comments survives, in no format and no fall-back, films and pages included."""
    more = [transparent(40, 30).rotate(90 * n) for n in range(3)] if is_film and kind is not ImageFormat.HEIC else []
    params: dict[str, Any] = {"save_all": True, "append_images": more} if more else {}
    data = leaky(kind, transparent(40, 30), **params)
    assert SECRET.encode() in data
    targets = [()] if more else [(), *((target,) for target in OUTPUT_FORMATS if target is not ImageFormat.JPEG)]
    for formats in targets:
        result = compress(data, Options(quality=quality, formats=formats)).data
        assert GPS_TEXT not in result
        assert b"GPS" not in result
        assert kind is GIF or b"Exif\0\0II" not in result


@pytest.mark.parametrize("target", OUTPUT_FORMATS)
@pytest.mark.parametrize("kind", [*WEB, AVIF])
def test_preserved(kind: ImageFormat, target: ImageFormat) -> None:
    """Copyright, time and place are found in every format and written into every other, where they are found again."""
    block = Image.Exif()
    block[0x8298] = "Ada & Co"
    block[0x010E] = SECRET
    block.get_ifd(0x8769)[0x9003] = "2026:11:22 10:00:02"
    block.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 58.0), 3: "E", 4: (13.0, 22.0, 39.0)})
    data = saved(photo(60, 44), kind.value, exif=block.tobytes())
    first = compress(data, Options(formats=(target,), preserve=ALL)).data
    again = compress(first, Options(formats=(ImageFormat.JPEG,), preserve=ALL)).data
    found = Image.open(io.BytesIO(again)).getexif()
    assert found[0x8298] == "Ada & Co"
    assert found.get_ifd(0x8769)[0x9003] == "2026:11:22 10:00:02"
    place = found.get_ifd(0x8825)
    assert (place[1], place[3]) == ("N", "E")
    degrees, minutes, seconds = map(float, place[2])
    assert degrees + minutes / 60 + seconds / 3600 == pytest.approx(52 + 30 / 60 + 58 / 3600, abs=1e-4)
    assert SECRET.encode() not in first
    assert np.array_equal(view(first).frames[0], view(compress(data, Options(formats=(target,))).data).frames[0])


@pytest.mark.parametrize("target", FILMS)
def test_films_keep_what_is_asked(target: ImageFormat) -> None:
    """Copyright and place of an animation go along, into every format that moves, and from there into the next."""
    block = Image.Exif()
    block[0x8298] = "Ada & Co"
    block.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 58.0), 3: "E", 4: (13.0, 22.0, 39.0)})
    data = animation("WEBP", exif=block.tobytes())
    first = compress(data, Options(formats=(target,), preserve=ALL)).data
    again = compress(compress(first, Options(preserve=ALL)).data, Options(formats=(ImageFormat.WEBP,), preserve=ALL))
    found = Image.open(io.BytesIO(again.data)).getexif()
    assert found[0x8298] == "Ada & Co"
    assert found.get_ifd(0x8825)[3] == "E"
    assert b"GPS" not in compress(first, Options()).data


@pytest.mark.parametrize("kind", FILMS)
def test_films_are_cut_and_filled(kind: ImageFormat) -> None:
    """A new size and a background are given to every frame of an animation, in every format that moves."""
    data = animation(kind.value, quality=95)
    options = Options(Preset.HIGH, resize=Resize(ResizeMethod.COVER, 30, 30), background=(250, 10, 20))
    for target in FILMS:
        shown = view(compress(data, Options(options.quality, (target,), options.background, options.resize)).data)
        assert shown.size == (30, 30)
        assert all(frame[..., 3].min() == 255 for frame in shown.frames)
        assert np.abs(shown.frames[0][28, 28, :3].astype(int) - (250, 10, 20)).max() < 12
        assert sum(shown.durations) == pytest.approx(750, abs=10)


def test_pages_are_resized_one_by_one() -> None:
    """Every page of a TIFF gets its own new size and the background; none is lost."""
    pages = [photo(80, 40), transparent(40, 80), photo(10, 10)]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    result = compress(data, Options(resize=Resize(ResizeMethod.FIT, 20, 20), background=(255, 255, 255)))
    assert [frame.shape for frame in view(result.data).frames] == [(10, 20, 4), (20, 10, 4), (10, 10, 4)]
    assert all(frame[..., 3].min() == 255 for frame in view(result.data).frames)
    assert (result.width, result.height) == (20, 10)


def test_smallest_of_all() -> None:
    """`*/*` gives a photo to a lossy format, pages to TIFF, and lets GIF win only with all its colours."""
    assert compress(saved(photo(), "PNG"), Options(formats=OUTPUT_FORMATS)).format in (ImageFormat.WEBP, AVIF)
    pages = saved(photo(40, 40), "TIFF", save_all=True, append_images=[photo(40, 40, seed=1)])
    assert compress(pages, Options(formats=OUTPUT_FORMATS)).format is TIFF
    result = compress(animation("GIF"), Options(formats=OUTPUT_FORMATS))
    assert result.format in FILMS
    assert sum(view(result.data).durations) == 750


def test_no_file_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is worked on, also in vain, leaves nothing in the folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    for data in (animation("GIF"), animation("GIF")[:-200], saved(photo(), "TIFF"), saved(photo(), "AVIF")):
        for target in OUTPUT_FORMATS:
            try:
                compress(data, Options(quality=30, formats=(target,)))
            except MiniPicError:
                continue
    assert os.listdir(tmp_path) == []
