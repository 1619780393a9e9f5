"""Pictures that tests make for themselves, as files' bytes; the same arguments always give the same bytes."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

LOGO_SIZE = (137, 21)
LETTERED_LOGO_BYTES = 17_150
COPYRIGHT = "Copyright Example Pictures"
TAKEN = "2026:11:22 10:00:02"
LATITUDE = (52.0, 22.0, 30.0)
_XMP = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
   <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{COPYRIGHT}</rdf:li></rdf:Alt></dc:rights>
   <xmp:CreateDate>2026-11-22T10:00:02+01:00</xmp:CreateDate>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""


def photo(width: int, height: int, seed: int = 0, noise: float = 4.0) -> Image.Image:
    """Return what looks like a photo to a codec: gradients, soft shapes, some grain; RGB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    red, green = x * 255 / width, y * 255 / height
    blue = 128 + 60 * np.sin((x + y) / 20) + 40 * np.cos((x - 2 * y) / 35)
    grain = rng.normal(0, noise, (height, width, 3))
    return Image.fromarray(np.clip(np.stack([red, green, blue], axis=-1) + grain, 0, 255).astype(np.uint8))


def photo_jpeg(width: int = 320, height: int = 240, seed: int = 0, quality: int = 95, noise: float = 4.0) -> bytes:
    """Return a photo-like JPEG that has room to become smaller."""
    return _saved(photo(width, height, seed, noise), "JPEG", quality=quality)


def photo_webp(width: int = 320, height: int = 240, seed: int = 0, quality: int = 95) -> bytes:
    """Return a photo-like, lossy WebP that has room to become smaller."""
    return _saved(photo(width, height, seed), "WEBP", quality=quality)


def photo_png(width: int = 320, height: int = 240, seed: int = 0, noise: float = 4.0) -> bytes:
    """Return a photo saved as PNG: large for its size, and slow to compress."""
    return _saved(photo(width, height, seed, noise), "PNG", compress_level=1)


def graphic_png(width: int = 320, height: int = 240, seed: int = 0) -> bytes:
    """Return an RGBA PNG of flat, partly transparent shapes."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        left, right = sorted(int(value) for value in rng.integers(0, width, 2))
        top, bottom = sorted(int(value) for value in rng.integers(0, height, 2))
        red, green, blue, alpha = (int(value) for value in rng.integers(40, 256, 4))
        draw.ellipse((left, top, right, bottom), fill=(red, green, blue, alpha))
    return _saved(image, "PNG", compress_level=1)


def tiny_png(seed: int = 0) -> bytes:
    """Return a PNG of 64 pixels, which takes next to no time."""
    return graphic_png(8, 8, seed)


def truncated_jpeg(seed: int = 0) -> bytes:
    """Return a JPEG whose second half is missing."""
    whole = photo_jpeg(seed=seed)
    return whole[: len(whole) // 2]


def logo_png_with_xmp(seed: int = 0, xmp_bytes: int = 15_000) -> bytes:
    """Return a logo as graphics programs save it: a PNG of 137 by 21 pixels with far more metadata than picture."""
    rng = np.random.default_rng(seed)
    width, height = LOGO_SIZE
    large = Image.new("RGBA", (width * 4, height * 4), (0, 0, 0, 0))
    draw = ImageDraw.Draw(large)
    draw.ellipse((2, 2, 80, 80), fill=(20, 110, 180, 255))
    for left in range(100, 4 * width - 40, 50):
        draw.rectangle((left, int(rng.integers(8, 30)), left + 12, 70), fill=(60, 60, 60, 255))
    start = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><!--'
    packet = start + "".join(chr(code) for code in rng.integers(97, 123, xmp_bytes)) + "--></x:xmpmeta>"
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", packet)
    return _saved(large.resize(LOGO_SIZE, Image.Resampling.LANCZOS), "PNG", pnginfo=info)


def lettered_logo_png() -> bytes:
    """Return a logo of anti-aliased letters in two colours, in a file that is mostly XMP: rights, time, and padding."""
    width, height = LOGO_SIZE
    large = Image.new("RGBA", (width * 4, height * 4), (0, 0, 0, 0))
    draw = ImageDraw.Draw(large)
    font = ImageFont.load_default(19 * 4)
    left = 0.0
    for word, colour in (("mini", (20, 110, 180, 255)), ("Pictures", (60, 60, 60, 255))):
        draw.text((left, -4), word, font=font, fill=colour)
        left += draw.textlength(word, font=font)
    image = large.resize(LOGO_SIZE, Image.Resampling.LANCZOS)

    def with_packet(packet: str) -> bytes:
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", packet)
        return _saved(image, "PNG", pnginfo=info)

    end = '<?xpacket end="w"?>'
    padding = " " * (LETTERED_LOGO_BYTES - len(with_packet(_XMP + end)))
    return with_packet(_XMP + padding + end)


def with_rights(kind: str, width: int = 160, height: int = 120) -> bytes:
    """Return a photo as a JPEG or PNG whose EXIF says who owns it, when and where it was taken, and by what camera."""
    exif = Image.Exif()
    exif[0x010F] = "Secret Camera Maker"
    exif[0x8298] = COPYRIGHT
    exif.get_ifd(0x8769)[0x9003] = TAKEN
    exif.get_ifd(0x8825).update({1: "N", 2: LATITUDE, 3: "E", 4: (4.0, 54.0, 0.0)})
    return _saved(photo(width, height), kind, exif=exif)


def too_large_png(side: int = 100_000) -> bytes:
    """Return a PNG of some dozens of bytes whose header claims a picture of ``side`` by ``side`` pixels."""

    def chunk(name: bytes, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))

    header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(64))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, payload) for name, payload in parts)


def padded_png(size_bytes: int, seed: int = 0) -> bytes:
    """Return a tiny PNG that a private chunk makes ``size_bytes`` large: a large file, yet quick to compress."""
    png = tiny_png(seed)
    header_end = 33
    filling = bytes(size_bytes - len(png) - 12)
    chunk = struct.pack(">I", len(filling)) + b"prVt" + filling + struct.pack(">I", zlib.crc32(b"prVt" + filling))
    return png[:header_end] + chunk + png[header_end:]


def opened(data: bytes) -> Image.Image:
    """Return the file decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def _saved(image: Image.Image, kind: str, **params: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **params)
    return out.getvalue()
