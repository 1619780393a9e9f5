"""Finds the format of a file by its first bytes."""

from minipic.domain.image import ImageFormat
from minipic.errors import UnsupportedMediaType

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", ImageFormat.PNG), (b"\xff\xd8\xff", ImageFormat.JPEG),
    (b"GIF87a", ImageFormat.GIF), (b"GIF89a", ImageFormat.GIF),
    (b"II*\0", ImageFormat.TIFF), (b"MM\0*", ImageFormat.TIFF),
    (b"II+\0\x08\0\0\0", ImageFormat.TIFF), (b"MM\0+\0\x08\0\0", ImageFormat.TIFF),
)  # fmt: skip
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_MAX_BRANDS_BYTES = 512
_BMP_HEADER_BYTES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def sniff(data: bytes) -> ImageFormat:
    """Return the format that the magic bytes of ``data`` name; whether the rest is sound is not looked at.

    Raises UnsupportedMediaType when they name none.
    """
    for magic, image_format in _MAGIC:
        if data.startswith(magic):
            return image_format
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ImageFormat.WEBP
    if data[4:8] == b"ftyp":
        return _of_brands(data)
    # Two letters are no proof: a program or a text may begin so, too.
    if data[:2] == b"BM" and len(data) >= 18 and int.from_bytes(data[14:18], "little") in _BMP_HEADER_BYTES:
        return ImageFormat.BMP
    raise UnsupportedMediaType


def _of_brands(data: bytes) -> ImageFormat:
    """Return which of the formats in ISO's container the brands name: the first one that is known decides."""
    end = min(int.from_bytes(data[:4], "big"), _MAX_BRANDS_BYTES, len(data))
    brands = [data[8:12]] + [data[at : at + 4] for at in range(16, end - 3, 4)]
    if _AVIF_BRANDS & set(brands) and not brands[0].startswith(b"hei"):
        return ImageFormat.AVIF
    if _HEIC_BRANDS & set(brands):
        return ImageFormat.HEIC
    raise UnsupportedMediaType
