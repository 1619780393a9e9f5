"""Files as pixels, decoded by Pillow alone: the engine under test has no part in how its results are judged."""

import hashlib
import io
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, ImageSequence

Pixels = NDArray[np.uint8]
Image.MAX_IMAGE_PIXELS = None
_MOMENTS = 6


def pixels_of(data: bytes) -> Pixels:
    """Return a still image as a viewer sees it: rows by columns by 3, or by 4 where anything is transparent.

    Colour profiles are ignored, as no tool here changes them. Raises OSError for what Pillow cannot read.
    """
    with Image.open(io.BytesIO(data)) as image:
        return _pixels(ImageOps.exif_transpose(image))


def _pixels(image: Image.Image) -> Pixels:
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB"))
    made = np.asarray(image.convert("RGBA"))
    return made if made[..., 3].min() < 255 else np.ascontiguousarray(made[..., :3])


def frames_of(data: bytes) -> tuple[list[Pixels], list[int]]:
    """Return an animation's frames as shown, rows by columns by 4, and how long each is shown in ms."""
    frames, durations_ms = [], []
    with Image.open(io.BytesIO(data)) as film:
        for frame in ImageSequence.Iterator(film):
            frames.append(np.asarray(frame.convert("RGBA")))
            durations_ms.append(int(frame.info.get("duration", 0)))
    return frames, durations_ms


def timeline(data: bytes) -> list[tuple[str, int]]:
    """Return what an animation shows and for how many ms; frames that follow each other and look the same count as one.

    What is shown is told by a hash of the pixels, those without any opacity aside.
    """
    shown: list[tuple[str, int]] = []
    for frame, duration_ms in zip(*frames_of(data), strict=True):
        seen = np.where(frame[..., 3:] > 0, frame, np.uint8(0))
        name = hashlib.sha256(seen.tobytes()).hexdigest()
        if shown and shown[-1][0] == name:
            shown[-1] = (name, shown[-1][1] + duration_ms)
        else:
            shown.append((name, duration_ms))
    return shown


def shown_at(frames: list[Pixels], durations_ms: list[int]) -> Iterator[Pixels]:
    """Yield what is shown at a few moments spread evenly: encoders may join frames that look the same.

    Moments are counted in time where every frame has one, and by number where not.
    """
    lengths = np.asarray(durations_ms if all(durations_ms) else [1] * len(frames), dtype=np.float64)
    ends = np.cumsum(lengths)
    for moment in range(_MOMENTS):
        at = (moment + 0.5) / _MOMENTS * ends[-1]
        yield frames[min(int(np.searchsorted(ends, at, side="right")), len(frames) - 1)]


def alike(reference: Pixels, other: Pixels) -> Pixels:
    """Return ``other`` with as many channels as ``reference`` has, so that the two can be compared."""
    if other.shape[-1] == reference.shape[-1]:
        return other
    if reference.shape[-1] == 3:
        return np.ascontiguousarray(other[..., :3])
    return np.dstack([other, np.full(other.shape[:2], 255, np.uint8)])


def on_white(pixels: Pixels) -> Pixels:
    """Return ``pixels`` without transparency, composed on white."""
    if pixels.shape[-1] == 3:
        return pixels
    share = pixels[..., 3:].astype(np.float32) / 255
    composed = pixels[..., :3] * share + 255 * (1 - share)
    return np.rint(composed).astype(np.uint8)


def as_png(pixels: Pixels) -> bytes:
    """Return ``pixels`` as a PNG, packed in haste."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
