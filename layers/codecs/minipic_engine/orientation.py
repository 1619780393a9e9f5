"""EXIF orientation: read from a file's EXIF block, applied to pixels, or written as a block of this one tag."""

import struct

from PIL import Image

UPRIGHT = 1
_TAG = 0x0112
_SHORT = 3
_MAX_ENTRIES = 512
_APPLIED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_orientation(tiff: bytes) -> int:
    """Return the orientation (1 to 8) in an EXIF block, from its TIFF header on; 1 where it is absent or broken."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 8:
        return UPRIGHT
    (start,) = struct.unpack_from(order + "I", tiff, 4)
    if start + 2 > len(tiff):
        return UPRIGHT
    (entries,) = struct.unpack_from(order + "H", tiff, start)
    for index in range(min(entries, _MAX_ENTRIES)):
        at = start + 2 + 12 * index
        if at + 12 > len(tiff):
            return UPRIGHT
        tag, kind, count, value = struct.unpack_from(order + "HHIH", tiff, at)
        if tag == _TAG:
            return value if kind == _SHORT and count == 1 and 1 <= value <= 8 else UPRIGHT
    return UPRIGHT


def minimal_exif(orientation: int) -> bytes:
    """Return an EXIF block (from its TIFF header on) that holds the orientation and nothing else: 26 bytes."""
    return b"MM\0*" + struct.pack(">IHHHIHHI", 8, 1, _TAG, _SHORT, 1, orientation, 0, 0)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return ``image`` turned and mirrored as ``orientation`` asks."""
    method = _APPLIED.get(orientation)
    return image if method is None else image.transpose(method)
