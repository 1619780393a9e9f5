"""BMP: read by Pillow, never written. All that is known of it stands in its first 54 bytes."""

import struct

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from .header import Header
from .kept import Metadata
from .picture import Picture, decoding, open_with_pillow

_OLD_HEADER_BYTES = 12
_RUN_LENGTH = (1, 2)


def read_header(data: bytes) -> Header:
    """Return what the header says; raises DecodeError."""
    try:
        (header_bytes,) = struct.unpack_from("<I", data, 14)
        if header_bytes == _OLD_HEADER_BYTES:
            width, height, _, _ = struct.unpack_from("<HHHH", data, 18)
        else:
            width, height = struct.unpack_from("<ii", data, 18)
    except struct.error as error:
        raise DecodeError("The BMP is damaged: it ends inside its header.") from error
    if width <= 0 or height == 0:
        raise DecodeError("The BMP is damaged: a side is not a number of pixels above 0.")
    return Header(ImageFormat.BMP, width, abs(height), is_lossless=True)


def read_metadata(_data: bytes) -> Metadata:
    """Return nothing: the format has no place for it."""
    return Metadata()


def decode(data: bytes, header: Header) -> Picture:
    """Return the pixels; raises DecodeError, ImageTooComplex."""
    image = open_with_pillow(data, header)
    with decoding():
        image.load()
    if image.mode == "1":
        return Picture(image.convert("L"))
    if image.mode == "P":
        return Picture(image.convert("RGB"))
    return Picture(image)
