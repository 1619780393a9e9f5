"""Pictures that the engine's tests make for themselves, and ways to look at results."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageDraw

from minipic.domain.image import ImageFormat
from minipic_engine import png_chunks, tiff_pages

Pixels = NDArray[np.uint8]
WEB = [ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP]
"""The formats that every test of the pipeline's promises runs through; the others have a matrix of their own."""
GPS_TEXT = b"GPS 52.5163 N 13.3777 E"


def photo(width: int = 160, height: int = 120, seed: int = 0) -> Image.Image:
    """Gradients, soft shapes and a little noise, in RGB."""
    noise = np.random.default_rng(seed).normal(0, 4, (height, width, 3))
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([x * 255 / width, y * 255 / height, 128 + 100 * np.sin((x + y) / 20)], axis=-1)
    return Image.fromarray(np.clip(base + noise, 0, 255).astype(np.uint8))


def graphic(width: int = 160, height: int = 120) -> Image.Image:
    """Draw a few flat colours."""
    image = Image.new("RGB", (width, height), (250, 250, 250))
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 16, height // 16, width // 2, height // 2), fill=(200, 30, 30))
    draw.ellipse((width // 3, height // 3, width - 1, height - 1), fill=(30, 60, 200))
    return image


def transparent(width: int = 160, height: int = 120) -> Image.Image:
    """Draw a photo that fades out to the right, with colours hidden where nothing is seen."""
    image = photo(width, height)
    alpha = np.tile(np.clip(np.linspace(300, -60, width), 0, 255).astype(np.uint8), (height, 1))
    image.putalpha(Image.fromarray(alpha))
    return image


def logo(width: int = 137, height: int = 21) -> Image.Image:
    """Anti-aliased flat shapes on nothing, drawn large and scaled down."""
    large = Image.new("RGBA", (width * 4, height * 4), (0, 0, 0, 0))
    draw = ImageDraw.Draw(large)
    draw.ellipse((2, 2, 80, 80), fill=(20, 110, 180, 255))
    for index, x in enumerate(range(100, 4 * width - 40, 50)):
        draw.rectangle((x, 16, x + 12, 70), fill=(60, 60, 60, 255))
        draw.arc((x, 30, x + 40, 72), 0, 180 + 20 * index, fill=(60, 60, 60, 255), width=8)
    return large.resize((width, height), Image.Resampling.LANCZOS)


def saved(image: Image.Image, kind: str, **params: Any) -> bytes:
    """``image`` as a file of Pillow's format ``kind``."""
    out = io.BytesIO()
    image.save(out, kind, **params)
    return out.getvalue()


def deep_png(pixels: NDArray[np.uint16], colour_type: int) -> bytes:
    """Make a PNG with 16 bits a sample; ``pixels`` is rows by columns by channels."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return raw_png(struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0), zlib.compress(rows))


def raw_png(header: bytes, data: bytes, *extra: bytes) -> bytes:
    """Make a PNG of these parts, ``extra`` being whole chunks before the data."""
    middle = b"".join(extra)
    make = png_chunks.make_chunk
    return png_chunks.SIGNATURE + make(b"IHDR", header) + middle + make(b"IDAT", data) + make(b"IEND", b"")


def with_chunks(png: bytes, *extra: bytes) -> bytes:
    """``png`` with whole chunks put in behind its header."""
    return png[:33] + b"".join(extra) + png[33:]


def exif(orientation: int = 1) -> bytes:
    """Make an EXIF block with an orientation and a text that must not survive."""
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010E] = GPS_TEXT.decode()
    return block.tobytes()


def srgb_profile() -> bytes:
    """Make an ICC profile that is sRGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def wide_profile(size_bytes: int = 0) -> bytes:
    """Display P3 as the smallest matrix profile, or padded to ``size_bytes``."""

    def fixed(*values: float) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + fixed(*values)

    curve = b"para\0\0\0\0\0\3\0\0" + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    description = b"desc\0\0\0\0\0\0\0\3P3\0" + b"\0" * 78
    tags = {
        b"desc": description, b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": xyz(0.9642, 1, 0.8249),
        b"rXYZ": xyz(0.51512, 0.24120, -0.00105), b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
        b"bXYZ": xyz(0.15710, 0.06657, 0.78407), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    return _profile(b"RGB ", tags, size_bytes)


def grey_profile(gamma: float) -> bytes:
    """Make a grey profile of one exponent."""
    curve = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1, 0.8249))
    return _profile(b"GRAY", {b"wtpt": white, b"kTRC": curve}, 0)


def press_profile() -> bytes:
    """Make a small CMYK profile of the 16 corners of its cube, in Lab."""
    inks = {8: (55, -37, -50), 4: (48, 74, -3), 2: (89, -5, 93)}
    corners = b""
    for mix in range(16):
        light, a, b = 100.0, 0.0, 0.0
        for bit, lab in inks.items():
            if mix & bit:
                light, a, b = light * lab[0] / 100, a + lab[1], b + lab[2]
        light, a, b = (0, 0, 0) if mix & 1 else (light, a, b)
        corners += bytes([round(light * 2.55), *(min(255, max(0, round(value + 128))) for value in (a, b))])
    matrix = b"".join(struct.pack(">i", 65_536 * (n % 4 == 0)) for n in range(9))
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + ramp * 4 + corners + ramp * 3
    white = b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(value * 65536)) for value in (0.9642, 1, 0.8249))
    return _profile(b"CMYK", {b"wtpt": white, b"A2B0": table}, 0, b"prtr", b"Lab ")


def _profile(
    space: bytes, tags: dict[bytes, bytes], size_bytes: int, kind: bytes = b"mntr", pcs: bytes = b"XYZ "
) -> bytes:
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        padded = content + b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", at + len(body), len(padded))
        body += padded
    size = max(at + len(body), size_bytes)
    head = struct.pack(">I4sI4s4s4s12s4s", size, b"lcms", 0x02400000, kind, space, pcs, bytes(12), b"acsp")
    head += bytes(28) + bytes.fromhex("0000f6d6000100000000d32d")
    return (head.ljust(128, b"\0") + table + body).ljust(size, b"\0")


def tiff_of(width: int, height: int, count: int = 1) -> bytes:
    """Return a TIFF of nothing but directories."""
    tag = tiff_pages.make_tag
    tags = {256: tag("<", 4, width), 257: tag("<", 4, height), 258: tag("<", 3, 8), 262: tag("<", 3, 1)}
    return tiff_pages.written([tiff_pages.Page("<", dict(tags), (b"x",))] * count)


def gif_of(width: int, height: int, count: int = 1) -> bytes:
    """Return a GIF of frames of one pixel on a large screen."""
    frame = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + bytes(6) + frame * count + b";"


def bmp_of(width: int, height: int) -> bytes:
    """Return a BMP's header."""
    return b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, width, height, 1, 24, 0) + bytes(20)


def opened(data: bytes) -> Image.Image:
    """Return the file decoded by Pillow."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def shown(data: bytes) -> Pixels:
    """Return the file's pixels as a viewer shows them: upright, RGBA, nothing hidden under full transparency."""
    image = opened(data)
    orientation = image.getexif().get(0x0112, 1)
    turn: dict[int, Callable[[Pixels], Pixels]] = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1), 6: lambda a: a[::-1].swapaxes(0, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1), 8: lambda a: a[:, ::-1].swapaxes(0, 1),
    }  # fmt: skip
    pixels = np.array(image.convert("RGBA"))
    pixels[pixels[..., 3] == 0] = 0
    return turn[orientation](pixels)


def frames(data: bytes) -> list[tuple[Pixels, int]]:
    """Each frame's pixels and its duration in ms."""
    image = Image.open(io.BytesIO(data))
    found = []
    for index in range(getattr(image, "n_frames", 1)):
        image.seek(index)
        image.load()
        pixels = np.array(image.convert("RGBA"))
        pixels[pixels[..., 3] == 0] = 0
        found.append((pixels, round(float(image.info.get("duration", 0)))))
    return found


def animation(kind: str, *, is_solid: bool = False, **params: Any) -> bytes:
    """Make four frames on a transparent ground, shown for 100, 200, 50 and 400 ms, three times."""
    stills = [Image.new("RGBA", (64, 48), (0, 0, 0, 0)) for _ in range(4)]
    for index, still in enumerate(stills):
        still.paste(photo(32, 32, seed=index), (8 * index, 4 * index))
        if not is_solid:
            still.putpixel((8 * index + 2, 4 * index + 2), (200, 100, 0, 120))
    return saved(
        stills[0], kind, save_all=True, append_images=stills[1:], duration=[100, 200, 50, 400], loop=3, **params
    )


def difference(left: Pixels, right: Pixels) -> float:
    """Return the mean absolute difference of two pictures, transparency counted as black."""
    weights = left[..., 3:].astype(float) / 255, right[..., 3:].astype(float) / 255
    return float(np.abs(left[..., :3] * weights[0] - right[..., :3] * weights[1]).mean())
