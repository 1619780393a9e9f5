"""The tables from a format to the module that reads it, and to the one that writes it."""

from collections.abc import Callable
from typing import Protocol

from minipic.domain.image import ImageFormat

from . import avif, bmp, gif, heic, jpeg, png, tiff, webp
from .goal import Encoded, Goal
from .header import Header
from .kept import Kept, Metadata
from .picture import Picture


class Decoder(Protocol):
    """What the module of a format that is read offers; each function is described there."""

    def read_header(self, data: bytes) -> Header:
        """Read what the file says of itself."""

    def read_metadata(self, data: bytes) -> Metadata:
        """Return what may hold something to keep."""

    def decode(self, data: bytes, header: Header) -> Picture:
        """Return the pixels as stored."""


class Codec(Decoder, Protocol):
    """What the module of a format offers that is written as well."""

    MAX_OUTPUT_SIDE: int

    def is_settled(self, header: Header, stored: Callable[[], Picture], /, level: int) -> bool:
        """Tell whether the file is only to be repacked; its pixels are decoded when they are asked for."""

    def repack(self, data: bytes, header: Header, icc: bytes | None) -> bytes:
        """Return the same pixels in fewer bytes."""

    def smallest(self, data: bytes, header: Header, icc: bytes | None, picture: Picture, goal: Goal) -> Encoded:
        """Return the smallest of the repack and the new encodings."""

    def encode(self, picture: Picture, goal: Goal) -> Encoded:
        """Return the pixels as a new file."""

    def with_metadata(self, data: bytes, kept: Kept, *, is_tight: bool) -> bytes:
        """Write what is kept into a result."""


CODECS: dict[ImageFormat, Codec] = {
    ImageFormat.JPEG: jpeg, ImageFormat.PNG: png, ImageFormat.WEBP: webp, ImageFormat.AVIF: avif,
    ImageFormat.GIF: gif, ImageFormat.TIFF: tiff,
}  # fmt: skip
DECODERS: dict[ImageFormat, Decoder] = {**CODECS, ImageFormat.HEIC: heic, ImageFormat.BMP: bmp}
