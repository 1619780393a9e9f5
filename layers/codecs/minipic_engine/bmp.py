"""BMP: read by Pillow, never written. All that is known of it stands in its header."""

import struct

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from .header import MAX_ICC_BYTES, Header
from .kept import Metadata
from .picture import Picture, decoding, open_with_pillow

_OLD_HEADER_BYTES, _NEW_HEADER_BYTES = 12, 124
_FILE_HEADER_BYTES = 14
_EMBEDDED = b"DEBM"


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
    return Header(ImageFormat.BMP, width, abs(height), icc=_icc_of(data, header_bytes), is_lossless=True)


def _icc_of(data: bytes, header_bytes: int) -> bytes | None:
    """Return the profile behind the pixels, which only the newest header can name."""
    if header_bytes != _NEW_HEADER_BYTES or len(data) < _FILE_HEADER_BYTES + header_bytes:
        return None
    kind, at, length = data[70:74], *struct.unpack_from("<II", data, 126)
    found = data[_FILE_HEADER_BYTES + at :][:length] if kind == _EMBEDDED and length <= MAX_ICC_BYTES else b""
    return found if 0 < len(found) == length else None


def read_metadata(_data: bytes) -> Metadata:
    """Return nothing: the format has no place for it."""
    return Metadata()


def decode(data: bytes, header: Header) -> Picture:
    """Return the pixels; raises DecodeError, ImageTooComplex."""
    image = open_with_pillow(data, header)
    with decoding():
        image.load()
    mode = {"1": "L", "P": "RGB"}.get(image.mode, image.mode)
    return Picture(image.convert(mode), header.icc)
