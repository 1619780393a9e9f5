"""Pictures that need no corpus, always the same: a photo, a screen, a badge with shadows, a recording."""

import io
from collections.abc import Iterator

import numpy as np
from benchmarks.engine_limits.pictures import picture
from PIL import Image, ImageDraw, ImageFilter, ImageFont

_PHOTO = (512, 384)
_SCREEN = (640, 400)
_BADGE = (320, 240)
_RECORDING = (240, 160)
_FRAMES = 12
_WORDS = ("Invoices", "Customers", "Settings", "Archive", "Reports", "Help")


def photo() -> Image.Image:
    """Return what a photo is to an encoder."""
    return Image.fromarray(picture(_PHOTO))


def screen(cursor: tuple[int, int] | None = None, size: tuple[int, int] = _SCREEN) -> Image.Image:
    """Return a program's window: lettering, flat panels, a chart, a gradient; perhaps a pointer."""
    width, height = size
    image = Image.new("RGB", size, (248, 249, 251))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    for row in range(28):
        draw.line((0, row, width, row), fill=(30 + row, 60 + row, 120 + row))
    draw.rectangle((0, 28, width // 5, height), fill=(233, 236, 241))
    for row, word in enumerate(_WORDS):
        draw.text((8, 40 + 22 * row), word, font=font, fill=(40, 44, 52))
    for row in range(40, height - 20, 18):
        draw.text((width // 5 + 12, row), f"Row {row}: the quick brown fox", font=font, fill=(70, 74, 82))
        draw.line((width // 5 + 8, row + 16, width - 8, row + 16), fill=(222, 225, 230))
    for column in range(8):
        top = height - 20 - (column * 37) % (height // 3)
        draw.rectangle(
            (width * 3 // 4 + 12 * column, top, width * 3 // 4 + 12 * column + 8, height - 12), fill=(220, 90, 60)
        )
    if cursor:
        x, y = cursor
        draw.polygon([(x, y), (x + 9, y + 7), (x + 4, y + 8), (x + 2, y + 12)], fill=(0, 0, 0))
    return image


def badge() -> Image.Image:
    """Return smooth shapes with a soft shadow on nothing."""
    width, height = _BADGE
    y, x = np.mgrid[0 : 2 * height, 0 : 2 * width]
    colours = np.stack(
        [60 + x * 150 // (2 * width), 90 + y * 120 // (2 * height), 200 - x * 90 // (2 * width)], axis=-1
    )
    shape = Image.new("L", (2 * width, 2 * height))
    ImageDraw.Draw(shape).rounded_rectangle((60, 60, 2 * width - 60, 2 * height - 60), 70, fill=255)
    shadow = shape.filter(ImageFilter.GaussianBlur(24)).point(lambda value: value // 3)
    made = Image.new("RGBA", shape.size)
    made.putalpha(shadow)
    made.paste(Image.fromarray(colours.astype(np.uint8)), mask=shape)
    made.putalpha(Image.fromarray(np.maximum(np.asarray(shadow), np.asarray(shape))))
    return made.resize(_BADGE, Image.Resampling.LANCZOS)


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _photo_jpeg() -> bytes:
    out = io.BytesIO()
    photo().save(out, "JPEG", quality=95)
    return out.getvalue()


def recording() -> bytes:
    """Return a GIF of a pointer that moves over a window."""
    frames = [screen((20 + 15 * step, 30 + 8 * step), _RECORDING).quantize(64) for step in range(_FRAMES)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)
    return out.getvalue()


def cases() -> Iterator[tuple[str, str, bytes]]:
    """Yield a name, a kind of result (a key of ``aims.AIMS``) and a file."""
    pictured, windowed = _png(photo()), _png(screen())
    yield "photo.png", "jpeg", pictured
    yield "photo.jpg", "jpeg", _photo_jpeg()
    yield "photo.png", "webp", pictured
    yield "screen.png", "webp", windowed
    yield "photo.png", "avif", pictured
    yield "screen.png", "png", windowed
    yield "badge.png", "png", _png(badge())
    yield "photo.png", "png", _png(photo().resize((256, 192)))
    film = recording()
    yield "recording.gif", "gif", film
    yield "recording.gif", "gif → webp", film
    yield "recording.gif", "gif → png", film
