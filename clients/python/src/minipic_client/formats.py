"""Formats by the names of files and by media types."""

from __future__ import annotations

FORMAT_OF_SUFFIX = {
    ".png": "png",
    ".apng": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".webp": "webp",
    ".gif": "gif",
    ".avif": "avif",
    ".avifs": "avif",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".heic": "heic",
    ".heif": "heic",
    ".bmp": "bmp",
}
SUFFIX_OF_FORMAT = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "gif": ".gif", "avif": ".avif", "tiff": ".tiff"}
_BEGINNINGS = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "tiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
}
INPUT_ONLY = {"heic": "jpeg", "bmp": "png"}  # read but never written, and what is mostly made of them


def suffix_for(suffix: str, wanted: str) -> str:
    """Return the suffix of a result that was asked for as ``wanted``: the one that is there while it is true.

    ``wanted`` is a format or ``keep``; a suffix that says nothing stays with ``keep``.
    """
    own = FORMAT_OF_SUFFIX.get(suffix.lower(), "")
    made = INPUT_ONLY.get(own, own) if wanted == "keep" else wanted
    return suffix if made == own else SUFFIX_OF_FORMAT[made]


def is_image(data: bytes, format_name: str) -> bool:
    """Tell whether the data begins as a file of this format does."""
    if format_name == "avif":  # a box `ftyp` with the brand, which need not be the major one
        return data[4:8] == b"ftyp" and any(brand in data[8:64] for brand in (b"avif", b"avis"))
    if format_name == "webp":
        return data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return data.startswith(_BEGINNINGS.get(format_name, ()))


def format_of(data: bytes) -> str:
    """Return the format that the data begins as, "" for none that is written here."""
    return next((name for name in SUFFIX_OF_FORMAT if is_image(data, name)), "")


def format_of_type(media_type: str) -> str:
    """Return the format that a Content-Type names, "" for none that is written here."""
    name = media_type.partition(";")[0].strip().lower()
    kind, _, format_name = name.partition("/")
    return format_name if kind == "image" and format_name in SUFFIX_OF_FORMAT else ""
