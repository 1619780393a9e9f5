"""AVIF stills at a fixed setting: with loss by Pillow (libavif, libaom), without by libvips; large ones as grids.

Measured on photographs against libaom's usual tuning for images at speed 6: its tuning for SSIMULACRA2 takes 3 % fewer
bytes at a score of 65 and 1 % at 80, and Butteraugli sees no difference between the two. No trellis search takes a
quarter less time for no bytes, no blocks under 8 pixels a tenth to a fifth less; without flipped and identity
transforms a picture is 1 % smaller.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import pyvips  # type: ignore[import-untyped]
from PIL import Image

from minipic.errors import ImageTooComplex

from . import avif_grid, effort
from .picture import Picture, to_vips

FINEST = 62
"""The finest of the encoder's steps; the coarsest is 0. One more is meant for lossless encoding."""

QUICK_SPEED = 9
"""The encoder's fastest for stills: a tenth of the time of speed 6, and a quarter more bytes."""

THREADS = 2
_STEPS = 63
_USUAL_STRENGTH, _STRENGTH_A_STEP = 100, 45
"""How strongly the encoder favours smooth areas, in percent; 14 to 60 more have the effect of one step."""

_SPEEDS = ((16 * effort.MEGAPIXEL, 6), (25 * effort.MEGAPIXEL, 7))
_LOSSLESS_EFFORT, _HURRIED_EFFORT = 4, 0
_OPTIONS = {
    "tune": "ssimulacra2", "disable-trellis-quant": "1", "enable-flip-idtx": "0", "min-partition-size": "8",
}  # fmt: skip

_TILED_PIXELS = 2 * effort.MEGAPIXEL
"""From here on the encoder may cut a picture in tiles for its threads, which costs a small one 0.3 % of its bytes."""

_WHOLE_PIXELS = effort.FULL_EFFORT_PIXELS
"""Above this a picture is encoded as a grid: in one piece of 100 megapixels the encoder takes 4 GB."""

_LEAN_PIXELS = 50 * effort.MEGAPIXEL
"""Above this with half of the colours' resolution: a third less time."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to encode: a step from 0 to ``FINEST``, between two of them by a fraction, and a speed from 6 to 9."""

    step: float
    speed: int

    @property
    def options(self) -> dict[str, object]:
        """The same in the encoder's words. Between two steps smooth areas get more bits than they usually do."""
        whole = int(self.step)
        strength = round(_USUAL_STRENGTH + _STRENGTH_A_STEP * (self.step - whole))
        return {
            "quality": 100 - round((_STEPS - whole) * 100 / _STEPS), "speed": self.speed,
            "advanced": _OPTIONS | {"deltaq-strength": str(strength)},
        }  # fmt: skip


def speed_for(pixels: int) -> int:
    """Return the speed that there is time for."""
    if not effort.is_full(pixels) and effort.is_short():
        return QUICK_SPEED
    return next((speed for most, speed in _SPEEDS if pixels <= most), QUICK_SPEED)


def lossy(picture: Picture, settings: Settings) -> bytes:
    """Return a picture (L, RGB or RGBA) as AVIF with its profile; raises ImageTooComplex where memory runs out."""
    options = settings.options | {
        "max_threads": THREADS, "subsampling": "4:4:4", "autotiling": picture.pixels >= _TILED_PIXELS,
        "icc_profile": picture.icc,
    }  # fmt: skip
    if picture.pixels <= _WHOLE_PIXELS:
        return saved(picture.image, options)
    is_even = not (picture.image.width | picture.image.height) & 1
    if picture.pixels > _LEAN_PIXELS and is_even:
        options["subsampling"] = "4:2:0"
    return _in_tiles(picture, lambda tile: saved(tile, options | {"max_threads": 1}))


def lossless(picture: Picture, *, is_quick: bool = False) -> bytes:
    """Return a picture (L, RGB or RGBA) as AVIF with the very pixels, and its profile; quickly twice as large."""
    if picture.pixels > _WHOLE_PIXELS:
        icc = picture.icc
        return _in_tiles(picture, lambda tile: _exact(tile, icc if tile.mode != "L" else None, _HURRIED_EFFORT))
    is_quick = is_quick or not effort.is_full(picture.pixels)
    return _exact(picture.image, picture.icc, _HURRIED_EFFORT if is_quick else _LOSSLESS_EFFORT)


def saved(image: Image.Image, options: dict[str, object]) -> bytes:
    """Return what Pillow makes of an image; raises ImageTooComplex where memory runs out."""
    out = io.BytesIO()
    if image.mode == "L":
        options = {name: value for name, value in options.items() if name != "subsampling"}
    try:
        image.save(out, "AVIF", **options)
    except RuntimeError as error:  # the encoder's word for no memory: it takes many times that of the picture
        raise ImageTooComplex(
            f"The image has {image.width} x {image.height} pixels, more than can be encoded as AVIF. Make it smaller."
        ) from error
    return out.getvalue()


def _in_tiles(picture: Picture, encode: Callable[[Image.Image], bytes]) -> bytes:
    """Return a large picture as a grid, whose tiles are encoded two at a time, each by one thread."""
    return avif_grid.encoded(picture.image, encode, picture.icc)


def _exact(image: Image.Image, icc: bytes | None, work: int) -> bytes:
    made = to_vips(Picture(image)).copy()
    if icc is not None:
        made.set_type(pyvips.GValue.blob_type, "icc-profile-data", icc)
    data: bytes = made.heifsave_buffer(compression="av1", lossless=True, effort=work, keep="icc")
    return data
