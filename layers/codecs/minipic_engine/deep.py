"""Samples of 16 bits from one format to another, without a detour over 8: where nothing is done to them but packing."""

from collections.abc import Callable

from minipic.domain.image import ImageFormat

from . import avif, heic, png, tiff
from .header import Header
from .tiff_encode import Samples

_DECODERS: dict[ImageFormat, Callable[[bytes, Header], Samples | None]] = {
    ImageFormat.PNG: png.decode_deep, ImageFormat.TIFF: tiff.decode_deep,
    ImageFormat.HEIC: heic.decode_deep, ImageFormat.AVIF: avif.decode_deep,
}  # fmt: skip
_ENCODERS: dict[ImageFormat, Callable[[Samples, bytes | None, int], bytes]] = {
    ImageFormat.PNG: png.encode_deep, ImageFormat.TIFF: tiff.encode_deep,
}  # fmt: skip


def converted(data: bytes, header: Header, target: ImageFormat, icc: bytes | None) -> bytes | None:
    """Return ``data`` in ``target`` with all its bits; None where its samples have none to lose, or none there."""
    if not header.is_deep or header.is_wide or header.gamma is not None or target not in _ENCODERS:
        return None
    samples = _DECODERS[header.format](data, header)
    return None if samples is None else _ENCODERS[target](samples, icc, header.orientation)
