"""The one table from a format to the module that reads and writes it."""

from typing import Protocol

from minipic.domain.image import ImageFormat

from . import jpeg, png, webp
from .header import Header
from .kept import Kept, Metadata
from .picture import Picture


class Codec(Protocol):
    """What a format's module offers; each function is described there."""

    MAX_OUTPUT_SIDE: int

    def read_header(self, data: bytes) -> Header:
        """Read what the file says of itself."""

    def read_metadata(self, data: bytes) -> Metadata:
        """Return what may hold something to keep."""

    def decode(self, data: bytes, header: Header) -> Picture:
        """Return the pixels as stored."""

    def is_settled(self, header: Header, picture: Picture, /, level: int) -> bool:
        """Tell whether the file is only to be repacked."""

    def repack(self, data: bytes, header: Header, icc: bytes | None) -> bytes:
        """Return the same pixels in fewer bytes."""

    def smallest(self, data: bytes, header: Header, icc: bytes | None, picture: Picture, level: int) -> bytes:
        """Return the smallest of the repack and the new encodings."""

    def encode(self, picture: Picture, level: int) -> bytes:
        """Return the pixels as a new file."""

    def with_metadata(self, data: bytes, kept: Kept, *, is_tight: bool) -> bytes:
        """Write what is kept into a result."""


CODECS: dict[ImageFormat, Codec] = {ImageFormat.JPEG: jpeg, ImageFormat.PNG: png, ImageFormat.WEBP: webp}
