"""From one format to another, to the best of several, and the options on the wire."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minipic.domain.image import ImageFormat, Options, Preserve, Preset, Resize, ResizeMethod
from minipic.errors import BadRequest, ImageTooComplex
from minipic_engine import jpeg, png, steps, wire
from minipic_engine.goal import Encoded
from minipic_engine.picture import Picture
from minipic_engine.pipeline import compress
from tests.engine.engine_images import (
    WEB,
    animation,
    difference,
    frames,
    graphic,
    logo,
    opened,
    photo,
    saved,
    shown,
    transparent,
)

JPEG, PNG, WEBP = ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP
EVERY = tuple(WEB)
STILLS = {
    "opaque": photo(),
    "graphic": graphic(),
    "grey": photo().convert("L"),
    "alpha": transparent(),
    "grey-alpha": transparent().convert("LA"),
    "logo": logo(),
}


@pytest.mark.parametrize("target", EVERY)
@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize("name", STILLS)
def test_matrix(name: str, source: ImageFormat, target: ImageFormat) -> None:
    """Each kind of picture looks the same in every format that can hold it, and JPEG refuses transparency."""
    has_alpha = STILLS[name].mode in ("LA", "RGBA")
    image = STILLS[name].convert("RGB") if has_alpha and source is JPEG else STILLS[name]
    data = saved(image, source.value, quality=98, lossless=True)
    options = Options(Preset.HIGH, formats=(target,))
    if target is JPEG and has_alpha and source is not JPEG:
        with pytest.raises(BadRequest, match="transparent image to JPEG needs `background`"):
            compress(data, options)
        return
    result = compress(data, options)
    assert result.format is target
    assert opened(result.data).format == target.name
    assert difference(shown(result.data), shown(data)) < 6
    assert np.abs(shown(result.data)[..., 3].astype(int) - shown(data)[..., 3]).mean() < 3
    if "grey" in name:
        assert np.ptp(shown(result.data)[..., :3].astype(int), axis=-1).max() <= (2 if target is WEBP else 0)


@pytest.mark.parametrize("size", [None, Resize(ResizeMethod.FIT, 60, 60)])
@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize("name", STILLS)
def test_smallest_of_several(name: str, source: ImageFormat, size: Resize | None) -> None:
    """Of several formats the result is that of the smallest alone; one that can't hold the picture is passed over."""
    image = STILLS[name].convert("RGB") if source is JPEG else STILLS[name]
    data = saved(image, source.value, quality=98, lossless=True)
    has_alpha = image.mode in ("LA", "RGBA")
    alone = [
        compress(data, Options(formats=(kind,), resize=size)) for kind in EVERY if not (has_alpha and kind is JPEG)
    ]
    result = compress(data, Options(formats=EVERY, resize=size))
    assert result == min(alone, key=lambda one: one.size_bytes)
    assert size is not None or result.size_bytes <= len(data)


def test_different_pictures_have_different_best_formats() -> None:
    """A photo and a drawing do not end in the same format."""
    best = {
        compress(saved(image, "PNG"), Options(formats=(JPEG, PNG))).format
        for image in (photo(400, 300), graphic(40, 30))
    }
    assert best == {JPEG, PNG}


def test_first_of_equals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among results of the same size the format that is named first wins; naming one twice means nothing."""
    for module in (jpeg, png):
        monkeypatch.setattr(module, "encode", lambda *_: Encoded(b"same", 80.0))
    data = saved(photo(), "WEBP")
    for first, second in ((JPEG, PNG), (PNG, JPEG)):
        assert compress(data, Options(formats=(first, second, first))).format is first


def test_decoded_and_prepared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many formats are tried, the input is decoded and resized once."""
    calls: list[str] = []
    data = saved(photo(), "PNG")

    def counted(name: str, real: Callable[..., Picture]) -> Callable[..., Picture]:
        def call(*args: object) -> Picture:
            if not isinstance(args[0], bytes) or args[0] == data:  # results are decoded, too, to score them
                calls.append(name)
            return real(*args)

        return call

    monkeypatch.setattr(png, "decode", counted("decode", png.decode))
    monkeypatch.setattr(steps, "apply", counted("apply", steps.apply))
    compress(data, Options(formats=EVERY, resize=Resize(ResizeMethod.SCALE, 50)))
    assert calls == ["decode", "apply"]


@pytest.mark.parametrize("kind", [PNG, WEBP])
def test_animation_to_the_smallest(kind: ImageFormat) -> None:
    """An animation passes JPEG over, and stays an animation in the smaller of the others."""
    data = animation(kind.value, lossless=True)
    result = compress(data, Options(formats=EVERY))
    assert result.format is not JPEG
    assert [duration for _, duration in frames(result.data)] == [100, 200, 50, 400]
    assert result.size_bytes == min(compress(data, Options(formats=(one,))).size_bytes for one in (PNG, WEBP))


def test_still_apart_passes_webp_over() -> None:
    """An animated PNG with a still beside its frames stays a PNG when it may."""
    stills = [photo(40, 40, seed=n) for n in range(3)]
    data = saved(stills[0], "PNG", save_all=True, append_images=stills[1:], default_image=True, duration=100)
    assert compress(data, Options(formats=(WEBP, PNG))).format is PNG
    with pytest.raises(BadRequest, match=r"None of the formats.*WebP can't hold.*kept in JPEG"):
        compress(data, Options(formats=(WEBP, JPEG)))


def test_size_that_a_format_can_not_hold() -> None:
    """A side too long for one format leaves the others; alone, it is named; when all refuse, each says why."""
    image = Image.new("RGBA", (17_000, 2), (9, 9, 9, 100))
    assert compress(saved(image, "PNG"), Options(formats=EVERY)).format is PNG
    with pytest.raises(ImageTooComplex, match="webp holds at most 16383"):
        compress(saved(image, "PNG"), Options(formats=(WEBP, WEBP)))
    with pytest.raises(BadRequest, match=r"None of the formats.*16383.*background"):
        compress(saved(image, "PNG"), Options(formats=(WEBP, JPEG)))


def test_background_lets_jpeg_in() -> None:
    """With a background a transparent photo can be a JPEG among several."""
    data = saved(transparent(), "PNG")
    white = (255, 255, 255)
    alone = [compress(data, Options(formats=(kind,), background=white)) for kind in EVERY]
    result = compress(data, Options(formats=EVERY, background=white))
    assert result == min(alone, key=lambda one: one.size_bytes)
    assert shown(result.data)[..., 3].min() == 255


SIDES = st.none() | st.integers(1, 16_383)
OPTIONS = st.builds(
    Options,
    quality=st.sampled_from(Preset) | st.integers(1, 100),
    formats=st.lists(st.sampled_from(ImageFormat), max_size=4).map(tuple),
    background=st.none() | st.tuples(*[st.integers(0, 255)] * 3),
    resize=st.none() | st.builds(Resize, st.sampled_from(ResizeMethod), SIDES, SIDES),
    preserve=st.frozensets(st.sampled_from(Preserve)),
)


@given(OPTIONS)
def test_options_travel(options: Options) -> None:
    """Whatever is asked arrives in the child as it was, type by type."""
    arrived = wire.to_options(json.loads(json.dumps(wire.from_options(options))))
    assert arrived == options
    assert repr(arrived.resize) == repr(options.resize)
    assert type(arrived.quality) is type(options.quality)
