"""Photo-like pictures of any size, always the same, and files of them in every format and kind that is read.

A picture is a slope of light, clouds of two sizes whose periods share no factor, and grain: to an encoder it is a photo
without a plain sky. It is made band by band, and a file is made once and kept.
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pillow_heif
import pyvips  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image

from minipic.domain.image import ImageFormat

CACHE = Path(__file__).parents[2] / ".cache" / "engine_limits"
SIZES = {1: (1_000, 1_000), 12: (4_000, 3_000), 25: (5_000, 5_000), 50: (8_000, 6_250), 100: (10_000, 10_000)}
"""Width and height by megapixels."""

_BAND_ROWS = 250
_PERIODS = (1_021, 769)
_FALL = 1.3
_CONTRAST = 38.0
_GRAIN = 3.0
_TILE_SIDE = 512

Pixels = NDArray[np.uint8]
Image.MAX_IMAGE_PIXELS = None


def _clouds(period: int, seed: int) -> NDArray[np.float32]:
    """Return noise that falls with the frequency, as light in photos does, and repeats seamlessly."""
    rng = np.random.default_rng(seed)
    across, down = np.fft.rfftfreq(period), np.fft.fftfreq(period)
    frequency = np.hypot(down[:, None], across[None])
    frequency[0, 0] = 1
    made = []
    for _ in range(3):
        phases = np.exp(2j * np.pi * rng.random(frequency.shape))
        plane = np.fft.irfft2(phases / frequency**_FALL, (period, period))
        made.append(plane / plane.std() * _CONTRAST)
    grey = made[0][..., None]  # the channels of a photo move together
    return np.asarray(0.8 * grey + 0.35 * np.stack(made, axis=-1), dtype=np.float32)


def picture(size: tuple[int, int], channels: int = 3) -> Pixels:
    """Return a photo-like picture, rows by columns by ``channels``: grey, RGB, RGBA or CMYK."""
    width, height = size
    made = np.empty((height, width, channels), np.uint8)
    textures = [_clouds(period, seed) for seed, period in enumerate(_PERIODS)]
    grain = np.random.default_rng(9).normal(0, _GRAIN, (_BAND_ROWS, width, 1)).astype(np.float32)
    across = np.arange(width)
    slope = (across * np.float32(70 / width))[None, :, None]
    for top in range(0, height, _BAND_ROWS):
        down = np.arange(top, min(height, top + _BAND_ROWS))
        band = slope + (90 + 50 * down / height).astype(np.float32)[:, None, None] + grain[: len(down)]
        for texture in textures:
            band = band + texture.take(down, 0, mode="wrap").take(across, 1, mode="wrap")
        colours = np.clip(band, 0, 255).astype(np.uint8)
        if channels > 3:
            fading = np.clip(np.hypot(down[:, None] - height / 2, across[None] - width / 2) / width * 400, 0, 255)
            colours = np.concatenate([colours, (255 - fading).astype(np.uint8)[..., None]], axis=-1)
        made[top : top + len(down)] = colours[..., :channels]
    return made


def _by_pillow(kind: str, **settings: object) -> Callable[[tuple[int, int]], bytes]:
    def make(size: tuple[int, int]) -> bytes:
        out = io.BytesIO()
        Image.fromarray(picture(size)).save(out, kind, **settings)
        return out.getvalue()

    return make


def _heic(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    pillow_heif.options.GRID_TILE_SIZE = _TILE_SIDE  # as phones do: no decoder takes so many pixels in one piece
    made = pillow_heif.from_pillow(Image.fromarray(picture(size)))
    made.save(out, quality=85, enc_params={"preset": "ultrafast"})
    return out.getvalue()


def _gif(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    grey = Image.fromarray(picture(size, 1)[..., 0])
    colours = np.stack([np.arange(256), np.arange(256) // 2 + 60, 255 - np.arange(256)], axis=-1).astype(np.uint8)
    painted = grey.convert("P")
    painted.putpalette(colours.tobytes())
    painted.save(out, "GIF")
    return out.getvalue()


def _webp(size: tuple[int, int]) -> bytes:
    image, out = Image.fromarray(picture(size)), io.BytesIO()
    for quality in (90, 75, 60, 40, 20):
        try:
            image.save(out, "WEBP", quality=quality, method=0)
            break
        except ValueError:  # what describes the blocks is held to 512 KiB, too few for so many
            continue
    return out.getvalue()


def _with_alpha(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture(size, 4)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def _deep(kind: str) -> Callable[[tuple[int, int]], bytes]:
    """Return a maker of files of 16 bits a sample, whose lower ones are noise."""

    def make(size: tuple[int, int]) -> bytes:
        width, height = size
        samples = picture(size).astype(np.uint16)
        samples *= 257
        samples ^= np.random.default_rng(5).integers(0, 64, (height, 1, 1), np.uint16)
        image = pyvips.Image.new_from_memory(samples.data, width, height, 3, "ushort").copy(interpretation="rgb16")
        if kind == "tiff":
            return bytes(image.tiffsave_buffer(compression="none"))
        return bytes(image.pngsave_buffer(compression=1, bitdepth=16))

    return make


def _inks(kind: str, **settings: object) -> Callable[[tuple[int, int]], bytes]:
    def make(size: tuple[int, int]) -> bytes:
        out = io.BytesIO()
        Image.frombuffer("CMYK", size, picture(size, 4), "raw", "CMYK", 0, 1).save(out, kind, **settings)
        return out.getvalue()

    return make


MAKERS: dict[str, Callable[[tuple[int, int]], bytes]] = {
    "jpeg": _by_pillow("JPEG", quality=92), "png": _by_pillow("PNG", compress_level=1),
    "webp": _webp, "avif": _by_pillow("AVIF", quality=80, speed=10),
    "gif": _gif, "tiff": _by_pillow("TIFF"), "bmp": _by_pillow("BMP"), "heic": _heic,
    "png-alpha": _with_alpha, "png-16-bit": _deep("png"), "tiff-16-bit": _deep("tiff"),
    "jpeg-progressive": _by_pillow("JPEG", quality=92, progressive=True),
    "jpeg-cmyk": _inks("JPEG", quality=92), "tiff-cmyk": _inks("TIFF"),
    "webp-lossless": _by_pillow("WEBP", lossless=True, quality=0, method=0),
}  # fmt: skip
"""A file of a picture by its kind: the format's own name, and what else is hard on memory."""

FORMAT_OF = {kind: ImageFormat(kind.partition("-")[0]) for kind in MAKERS}


def file_of(kind: str, megapixels: int) -> bytes:
    """Return a file of ``kind``, from the cache if it was made before."""
    path = CACHE / f"{kind}-{megapixels}"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(MAKERS[kind](SIZES[megapixels]))
        unfinished.rename(path)
    return path.read_bytes()
