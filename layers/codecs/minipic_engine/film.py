"""An animation, unpacked: every frame as it is shown, and the timeline."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import avif_film, effort, gif_blocks, gif_frames, png_chunks, webp_chunks
from .header import Header
from .picture import Picture, decoding, open_with_pillow
from .timeline import Timeline

_MOST_PLAYS = 65_535


@dataclass(frozen=True, slots=True)
class Film:
    """All frames, of one size and one mode; the first may be a still that is no frame."""

    pictures: list[Picture]
    timeline: Timeline
    has_still_apart: bool = False

    @property
    def pixels(self) -> int:
        """The number of pixels of all frames."""
        return sum(picture.pixels for picture in self.pictures)


def frames(data: bytes, header: Header) -> Iterator[tuple[Image.Image, int]]:
    """Yield each frame, as stored, in mode L, LA, RGB or RGBA, and how long it is shown (ms); raises DecodeError."""
    if header.format is ImageFormat.GIF:
        durations, _ = gif_blocks.read_timeline(data)
        yield from zip(gif_frames.frames(data, header), durations, strict=True)
        return
    image = open_with_pillow(_plain(data, header), header)
    count = int(getattr(image, "n_frames", 1))
    if count > header.frames + header.has_still_apart:
        raise DecodeError("The animation is damaged: it has more frames than it says.")
    for index in range(count):
        effort.check()
        with decoding():
            image.seek(index)
            image.load()
            yield _in_eight_bits(image), round(float(image.info.get("duration", 0)))


def _plain(data: bytes, header: Header) -> bytes:
    if header.format is ImageFormat.PNG:
        return png_chunks.rebuild(data, keep_frames=True)
    return webp_chunks.rebuild(data) if header.format is ImageFormat.WEBP else data


def _in_eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow would cut off at 255
        return Image.fromarray(np.rint(np.asarray(image).astype(float) / 257).astype(np.uint8))
    if image.mode not in ("L", "LA", "RGB", "RGBA") or (image.has_transparency_data and "A" not in image.mode):
        return image.convert("RGBA" if image.has_transparency_data else "RGB")
    return image.copy()


def plays(data: bytes, header: Header) -> int:
    """Return how often the animation is shown; 0 for ever, which is also said of more than every format can count."""
    if header.format is ImageFormat.GIF:
        said = gif_blocks.read_timeline(data)[1]
    elif header.format is ImageFormat.AVIF:
        said = avif_film.read_plays(data)
    else:
        with decoding():
            said = int(open_with_pillow(_plain(data, header), header).info.get("loop", 0))
    return said if said <= _MOST_PLAYS else 0


def of_one_mode(pictures: list[Picture]) -> list[Picture]:
    """Return the pictures with transparency where any of them has it, and in colour where any of them is."""
    modes = {picture.image.mode for picture in pictures}
    if len(modes) == 1:
        return pictures
    mode = "RGB" if any(mode.startswith("RGB") for mode in modes) else "L"
    mode += "A" if any(mode.endswith("A") for mode in modes) else ""
    return [Picture(picture.image.convert(mode), picture.icc) for picture in pictures]
