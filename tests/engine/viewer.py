"""A viewer for tests: decodes with another library than the engine wrote with, upright, in sRGB, and says how long."""

import io
from dataclasses import dataclass

import numpy as np
import pyvips  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from minipic_engine import avif_film

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """What a viewer shows: each frame or page as RGBA, for how long (ms), how often (0: for ever)."""

    frames: list[Pixels]
    durations: list[int]
    plays: int
    format: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        height, width = self.frames[0].shape[:2]
        return width, height

    @property
    def instants(self) -> list[tuple[int, Pixels]]:
        """When (ms) which picture begins; equal neighbours count as one."""
        found: list[tuple[int, Pixels]] = []
        at = 0
        for frame, duration in zip(self.frames, self.durations, strict=True):
            if not found or not np.array_equal(found[-1][1], frame):
                found.append((at, frame))
            at += duration
        return found

    def at(self, when_ms: int) -> Pixels:
        """Return what is shown at an instant."""
        end = 0
        for frame, duration in zip(self.frames, self.durations, strict=True):
            end += duration
            if when_ms < end:
                return frame
        return self.frames[-1]


def view(data: bytes) -> Shown:
    """Decode a file; GIF counts repeats after the first time, the others how often it is shown in all."""
    image = Image.open(io.BytesIO(data))
    count = getattr(image, "n_frames", 1)
    frames, durations = [], []
    for index in range(count):
        image.seek(index)
        image.load()
        turned = image.getexif().get(0x0112, 1)
        stored: Image.Image = image
        if count == 1 and image.format == "WEBP":
            stored = _by_vips(pyvips.Image.webpload_buffer(data))
        elif count == 1 and image.format == "AVIF":
            turned, stored = 1, _by_vips(pyvips.Image.heifload_buffer(data))  # which turns it by itself
        frames.append(_upright_in_srgb(stored, turned, image.info.get("icc_profile")))
        durations.append(round(float(image.info.get("duration", 0) or 0)))
    loop = image.info.get("loop")
    if count == 1:
        plays = 1
    elif image.format == "GIF":
        plays = 1 if loop is None else loop + 1 if loop else 0
    else:
        plays = avif_film.read_plays(data) if image.format == "AVIF" else loop or 0
    return Shown(frames, durations, plays, str(image.format))


def _by_vips(made: pyvips.Image) -> Image.Image:
    if made.format == "ushort":
        made = (made / 257).rint().cast("uchar")
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[made.bands]
    return Image.frombytes(mode, (made.width, made.height), made.write_to_memory())


def _upright_in_srgb(image: Image.Image, orientation: int, icc: bytes | None) -> Pixels:
    if image.mode.startswith("I"):
        image = Image.fromarray(np.rint(np.asarray(image).astype(float) / 257).astype(np.uint8))
    alpha = image.convert("RGBA").getchannel("A")
    if image.mode in ("P", "1"):
        image = image.convert("RGBA").convert("RGB")
    colours = image.convert(image.mode[:-1]) if image.mode in ("LA", "RGBA") else image
    if icc:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        if source.profile.xcolor_space.strip() == {"L": "GRAY"}.get(colours.mode, colours.mode):
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(
                colours, source, target, ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )  # fmt: skip
            assert converted is not None
            colours = converted
    shown = colours.convert("RGB")
    shown.putalpha(alpha)
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown.info["exif"] = exif.tobytes()
    turned = ImageOps.exif_transpose(shown)
    pixels = np.array(turned)
    pixels[pixels[..., 3] == 0] = 0
    return pixels


def distance(left: Pixels, right: Pixels) -> float:
    """Return the mean absolute difference of two pictures over black and over white, the larger of the two."""
    means = []
    for ground in (0, 255):
        flat = [side[..., :3] * (side[..., 3:] / 255) + ground * (1 - side[..., 3:] / 255) for side in (left, right)]
        means.append(float(np.abs(flat[0] - flat[1]).mean()))
    return max(means)
