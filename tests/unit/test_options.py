"""Parameters of a request, from text to options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minipic.domain.image import ImageFormat, Options, Preset
from minipic.domain.options import parse_options
from minipic.errors import BadRequest


def test_defaults() -> None:
    """Nothing asked means smart quality in the input's own format."""
    assert parse_options() == Options(Preset.SMART)


@given(st.integers(1, 100))
def test_numbers(number: int) -> None:
    """Every whole number from 1 to 100 is a quality."""
    assert parse_options(quality=str(number)).quality == number


@pytest.mark.parametrize("preset", Preset)
def test_presets(preset: Preset) -> None:
    """Every preset is a quality by its name."""
    assert parse_options(quality=str(preset)).quality is preset


@pytest.mark.parametrize("text", ["0", "101", "-1", "1.5", "80%", "SMART", "best", " 80", "８０", "1" * 5000])
def test_bad_quality(text: str) -> None:
    """A quality outside the range is refused with the parameter's name and what it takes."""
    with pytest.raises(BadRequest, match=r"`quality` takes smart, high, extreme, lossless or a whole number"):
        parse_options(quality=text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("keep", None),
        ("png", ImageFormat.PNG),
        ("jpeg", ImageFormat.JPEG),
        ("jpg", ImageFormat.JPEG),
        ("webp", ImageFormat.WEBP),
    ],
)
def test_formats(text: str, expected: ImageFormat | None) -> None:
    """A format is named as in the API; jpg is another name of jpeg."""
    assert parse_options(output_format=text).formats == ((expected,) if expected else ())


@pytest.mark.parametrize("text", ["bmp", "PNG", "image/png", "none"])
def test_bad_format(text: str) -> None:
    """An unknown format is refused with the names of all that there are."""
    with pytest.raises(BadRequest, match="`format` takes keep, png, jpeg, webp"):
        parse_options(output_format=text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("white", (255, 255, 255)), ("black", (0, 0, 0)), ("#0a80FF", (10, 128, 255))],
)
def test_backgrounds(text: str, expected: tuple[int, int, int]) -> None:
    """A background is one of two names, or six hexadecimal digits."""
    assert parse_options(background=text).background == expected


@pytest.mark.parametrize("text", ["red", "#fff", "#gggggg", "ffffff", "#ffffff0"])
def test_bad_background(text: str) -> None:
    """Any other background is refused."""
    with pytest.raises(BadRequest, match="`background` takes #RRGGBB, white or black"):
        parse_options(background=text)


def test_long_value_is_cut() -> None:
    """A refusal never repeats more than 40 characters of what was sent."""
    with pytest.raises(BadRequest) as caught:
        parse_options(quality="x" * 10_000)
    assert len(caught.value.message) < 200
