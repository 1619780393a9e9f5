"""The estimate of a result's size: between nothing and the file, rising with the number, near on usual pictures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minipic.domain.image import ImageFormat, Options, Preset
from minipic.errors import UnsupportedMediaType
from minipic_engine import EnginePool
from minipic_engine.estimate import estimate_bytes
from minipic_engine.pipeline import compress
from tests.engine.engine_images import animation
from tests.pictures import graphic_png, photo_jpeg, photo_png, photo_webp

PICTURES = {
    "jpeg": photo_jpeg(480, 360),
    "png": photo_png(200, 160),
    "palette": compress(graphic_png(200, 160), Options()).data,
    "gif": animation("gif"),
    "webp": photo_webp(),
}
SMOOTH = {
    "jpeg": photo_jpeg(480, 360, quality=90, noise=0.5),
    "png": photo_png(480, 360, noise=0.5),
    "webp": compress(photo_jpeg(480, 360, noise=0.5), Options(quality=95, formats=(ImageFormat.WEBP,))).data,
}
each_picture = pytest.mark.parametrize("name", PICTURES)


@each_picture
@given(first=st.integers(1, 100), second=st.integers(1, 100))
def test_estimates_are_possible(name: str, first: int, second: int) -> None:
    """Never more than the file, never nothing, and a higher number never gets less."""
    data = PICTURES[name]
    low, high = (estimate_bytes(data, Options(quality=number)) for number in sorted((first, second)))
    assert 0 < low <= len(data)
    assert low <= high


@pytest.mark.parametrize("name", ["jpeg", "png", "webp"])
def test_an_estimate_is_near(name: str) -> None:
    """On a picture without noise it is within a factor of three of what comes out."""
    data = SMOOTH[name]
    for number in (50, 80):
        estimated = estimate_bytes(data, Options(quality=number))
        assert 1 / 3 < estimated / compress(data, Options(quality=number)).size_bytes < 3


@pytest.mark.parametrize("preset", Preset)
def test_presets_have_estimates(preset: Preset) -> None:
    """A preset is estimated as a number that does about the same."""
    assert 0 < estimate_bytes(PICTURES["jpeg"], Options(quality=preset)) <= len(PICTURES["jpeg"])


def test_damaged_files_have_estimates() -> None:
    """A file that breaks off is estimated, too; one of no known format is refused as everywhere."""
    assert estimate_bytes(PICTURES["jpeg"][:300], Options(quality=80)) <= 300
    assert estimate_bytes(b"\xff\xd8\xff", Options(quality=80)) == 3
    assert estimate_bytes(b"GIF89a", Options(quality=80)) == 6
    with pytest.raises(UnsupportedMediaType):
        estimate_bytes(b"text", Options())


def test_a_pool_without_children_estimates() -> None:
    """Estimates are made in the caller's own process."""
    assert EnginePool(0).estimate(PICTURES["png"], Options(quality=80)) > 0
