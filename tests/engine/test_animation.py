"""Animations keep their timeline, or are refused in words."""

import numpy as np
import pytest

from minipic.domain.image import ImageFormat, Options, Preset, Quality
from minipic.errors import BadRequest, DecodeError
from minipic_engine import animation as engine_animation
from minipic_engine import png_chunks, webp_chunks, webp_film
from minipic_engine.film import Film
from minipic_engine.pipeline import compress
from tests.engine.engine_images import (
    GPS_TEXT,
    Pixels,
    animation,
    exif,
    frames,
    opened,
    photo,
    saved,
    wide_profile,
    with_chunks,
)

KINDS = [ImageFormat.PNG, ImageFormat.WEBP]


def timeline(data: bytes) -> list[int]:
    """Return the durations in ms."""
    return [duration for _, duration in frames(data)]


def far(left: list[tuple[Pixels, int]], right: list[tuple[Pixels, int]]) -> float:
    """Return the largest mean difference of two frames, with transparency as black."""
    weighed = [[pixels[..., :3] * (pixels[..., 3:] / 255.0) for pixels, _ in side] for side in (left, right)]
    return max(float(np.abs(a - b).mean()) for a, b in zip(*weighed, strict=True))


@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS, Preset.EXTREME])
@pytest.mark.parametrize("target", KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_timeline(kind: ImageFormat, target: ImageFormat, quality: Quality) -> None:
    """Frames, durations, loops and transparency survive, in both formats and between them."""
    data = animation(kind.value, lossless=True)
    result = compress(data, Options(quality=quality, formats=(target,))).data
    assert timeline(result) == [100, 200, 50, 400]
    assert opened(result).info["loop"] == 3
    assert far(frames(result), frames(data)) <= (0 if quality is Preset.LOSSLESS else 6)
    assert frames(result)[0][0][47, 63, 3] == 0


@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_idempotent_and_not_larger(kind: ImageFormat, quality: Quality, orientation: int) -> None:
    """A second pass returns the same frames, and metadata but the orientation is gone."""
    data = animation(kind.value, quality=95, exif=exif(orientation), icc_profile=wide_profile())
    first = compress(data, Options(quality=quality))
    second = compress(first.data, Options(quality=quality))
    assert len(second.data) <= len(first.data) <= len(data)
    assert far(frames(first.data), frames(second.data)) == 0
    assert GPS_TEXT not in first.data
    image = opened(first.data)
    assert image.getexif().get(0x0112, 1) == orientation
    assert image.info["icc_profile"] == wide_profile()
    assert (first.width, first.height) == ((64, 48) if orientation == 1 else (48, 64))


def test_opaque_frames_on_a_transparent_ground() -> None:
    """A ground that no frame covers stays transparent, though WebP's encoder sees nothing but opaque rectangles."""
    data = animation("PNG", is_solid=True)
    first = compress(data, Options(formats=(ImageFormat.WEBP,)))
    second = compress(first.data, Options())
    for result in (first.data, second.data):
        assert [int(pixels[47, 0, 3]) for pixels, _ in frames(result)] == [0] * 4


def test_orientation_travels_to_png() -> None:
    """A turned animated WebP is turned as a PNG too."""
    data = animation("WEBP", quality=95, exif=exif(6))
    assert opened(compress(data, Options(formats=(ImageFormat.PNG,))).data).getexif()[0x0112] == 6


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_animation_can_not_be(kind: ImageFormat) -> None:
    """JPEG and TIFF are refused plainly; a still is never made silently."""
    for target in (ImageFormat.JPEG, ImageFormat.TIFF):
        with pytest.raises(BadRequest, match=f"animation can't be kept in {target.name}"):
            compress(animation(kind.value), Options(formats=(target,), background=(0, 0, 0)))


def test_still_beside_the_frames() -> None:
    """An APNG with a default image apart is kept in PNG, and refused elsewhere."""
    stills = [photo(40, 40, seed=n) for n in range(3)]
    data = saved(stills[0], "PNG", save_all=True, append_images=stills[1:], default_image=True, duration=100)
    assert len(frames(compress(data, Options()).data)) == 3
    with pytest.raises(BadRequest, match="still beside its frames"):
        compress(data, Options(formats=(ImageFormat.WEBP,)))


def test_announced_but_absent() -> None:
    """A PNG that announces an animation and has no frames is a still; one after the data announces nothing."""
    still = saved(photo(40, 40), "PNG")
    control = png_chunks.make_chunk(b"acTL", (1).to_bytes(4, "big") + bytes(4))
    assert not png_chunks.read_header(with_chunks(still, control)).is_animated
    assert png_chunks.read_header(still[:-12] + control + still[-12:]).frames == 1
    assert opened(compress(with_chunks(still, control), Options()).data).size == (40, 40)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_animation(kind: ImageFormat) -> None:
    """An animation that ends early is a DecodeError."""
    data = animation(kind.value)
    with pytest.raises(DecodeError):
        compress(data[: len(data) // 2], Options())


def test_frames_out_of_order() -> None:
    """An APNG whose frames are missing is a DecodeError, not a still."""
    parts = list(png_chunks.chunks(animation("PNG")))
    kept = [chunk.to_bytes() for chunk in parts if chunk is not next(c for c in parts if c.name == b"fdAT")]
    with pytest.raises(DecodeError, match="animated PNG is damaged"):
        compress(png_chunks.SIGNATURE + b"".join(kept), Options())


def test_too_long_to_encode(monkeypatch: pytest.MonkeyPatch) -> None:
    """A very long animated WebP is repacked as it is, without its metadata, and the result says so."""
    monkeypatch.setattr(engine_animation, "_MAX_ENCODED_PIXELS", 1_000)
    data = animation("WEBP", quality=95, exif=exif(3))
    result = compress(data, Options())
    assert result.reduced_effort
    assert far(frames(result.data), frames(data)) == 0
    assert GPS_TEXT not in result.data


def test_hidden_data_in_frames() -> None:
    """Chunks inside an animated WebP's frames that are no pixels go as well."""
    data = animation("WEBP", quality=30)
    at = data.index(b"ANMF")
    size = int.from_bytes(data[at + 4 : at + 8], "little")
    extra = webp_chunks.make_chunk(b"GPS ", GPS_TEXT)
    grown = data[: at + 4] + (size + len(extra)).to_bytes(4, "little") + data[at + 8 : at + 8 + size] + extra
    spiked = b"RIFF" + (len(data) - 8 + len(extra)).to_bytes(4, "little") + grown[8:] + data[at + 8 + size :]
    assert len(frames(spiked)) == 4
    assert GPS_TEXT not in compress(spiked, Options(quality=Preset.LOSSLESS)).data


def test_one_frame_is_enough() -> None:
    """An animated WebP of a single frame stays what it is."""
    base = animation("WEBP", lossless=True)
    first = base.index(b"ANMF")
    end = first + 8 + int.from_bytes(base[first + 4 : first + 8], "little")
    body = base[8 : end + end % 2]
    data = b"RIFF" + len(body).to_bytes(4, "little") + body
    result = compress(data, Options()).data
    assert opened(result).size == (64, 48)


def test_palette_travels() -> None:
    """Frames of a palette keep their colours in WebP."""
    stills = [photo(64, 48).rotate(90 * n).convert("P") for n in range(3)]
    data = saved(stills[0], "PNG", save_all=True, append_images=stills[1:], duration=100)
    result = compress(data, Options(quality=Preset.LOSSLESS, formats=(ImageFormat.WEBP,))).data
    assert far(frames(result), frames(data)) == 0


def test_overflow_in_a_frame_falls_back_to_lossless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame too huge and noisy for lossy WebP is stored without loss, or the input is kept, and nobody is faulted."""
    real = webp_film._saved

    def overflowing(made: Film, keys: tuple[int, int], **settings: object) -> bytes:
        if "lossless" not in settings:
            raise RuntimeError("encoding error 6")
        return real(made, webp_film._Keys(*keys), **settings)

    monkeypatch.setattr(webp_film, "_saved", overflowing)
    for kind in KINDS:
        data = animation(kind.value, lossless=True)
        result = compress(data, Options(formats=(ImageFormat.WEBP,))).data
        assert far(frames(result), frames(data)) == 0
        assert timeline(result) == [100, 200, 50, 400]
