"""Finds the format of a file by its first bytes."""

from minipic.domain.image import ImageFormat
from minipic.errors import UnsupportedMediaType


def sniff(data: bytes) -> ImageFormat:
    """Return the format that the magic bytes of ``data`` name; whether the rest is sound is not looked at.

    Raises UnsupportedMediaType when they name none.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageFormat.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return ImageFormat.JPEG
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ImageFormat.WEBP
    raise UnsupportedMediaType
