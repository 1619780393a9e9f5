"""What is sent: a JPEG of about 1 MB, and the smallest of PNGs. Always the same bytes."""

import io
import random

from PIL import Image

TARGET_BYTES = 1024 * 1024


def large_jpeg() -> bytes:
    """Return a picture of soft shapes and fine noise, of 2 megapixels and about 1 MB."""
    chance = random.Random(7)
    shapes = Image.frombytes("RGB", (20, 15), chance.randbytes(20 * 15 * 3)).resize(
        (1600, 1200), Image.Resampling.BICUBIC
    )
    noise = Image.frombytes("RGB", (1600, 1200), chance.randbytes(1600 * 1200 * 3))
    picture = Image.blend(shapes, noise, 0.12)
    return min((_jpeg(picture, quality) for quality in range(80, 98)), key=lambda data: abs(len(data) - TARGET_BYTES))


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=quality)
    return target.getvalue()


def small_png() -> bytes:
    """Return a picture of 8 by 8 pixels."""
    target = io.BytesIO()
    Image.linear_gradient("L").resize((8, 8)).save(target, "PNG")
    return target.getvalue()
