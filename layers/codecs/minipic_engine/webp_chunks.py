"""WebP's container: RIFF chunks. Read and rebuilt in plain Python; no pixel is decoded here."""

import struct
from collections.abc import Iterator

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import exif
from .header import MAX_ICC_BYTES, UPRIGHT, Header
from .kept import NOTHING, Kept, Metadata

_MAX_CHUNKS = 20_000
_LEVEL = b"mpic"
_PIXELS = frozenset({b"ALPH", b"VP8 ", b"VP8L"})
_ANIMATION, _EXIF_FLAG, _ALPHA, _ICC_FLAG = 0x02, 0x08, 0x10, 0x20


def chunks(data: bytes, start: int = 12) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and payload of each chunk from ``start`` on; raises DecodeError where the chain breaks."""
    position = start
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return
        name, length = struct.unpack_from("<4sI", data, position)
        if position + 8 + length > len(data):
            raise DecodeError("The WebP is damaged: a chunk is longer than the file.")
        yield name, data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    raise DecodeError("The WebP is damaged: it has more chunks than any real image.")


def _file_of(data: bytes) -> bytes:
    """Return ``data`` cut to the length that RIFF gives, so that nothing appended to the file is read or copied."""
    return data[: 8 + int.from_bytes(data[4:8], "little")]


def make_chunk(name: bytes, payload: bytes) -> bytes:
    """Return a chunk as it stands in a file, padded to an even length."""
    return struct.pack("<4sI", name, len(payload)) + payload + b"\0" * (len(payload) % 2)


def read_header(data: bytes) -> Header:
    """Return what the chunks of ``data`` say; raises DecodeError."""
    found: dict[bytes, bytes] = {}
    frames = 0
    is_lossless = False
    for name, payload in chunks(_file_of(data)):
        if name == b"ANMF":
            frames += 1
            is_lossless = is_lossless or b"VP8L" in (inner for inner, _ in chunks(payload, 16))
        found.setdefault(name, payload)
    width, height = _size_of(found)
    if not width or not height:
        raise DecodeError("The WebP is damaged: a side is 0 pixels.")
    icc = found.get(b"ICCP", b"")
    level = found.get(_LEVEL, b"")
    return Header(
        ImageFormat.WEBP, width, height,
        frames=max(1, frames), is_animated=frames > 0,
        orientation=exif.read_orientation(_exif_of(found)),
        icc=icc if 0 < len(icc) <= MAX_ICC_BYTES else None,
        made_at=level[0] if len(level) == 1 else None,
        is_lossless=is_lossless or b"VP8L" in found,
    )  # fmt: skip


def read_metadata(data: bytes) -> Metadata:
    """Return the parts of ``data`` that may hold something to keep; raises DecodeError."""
    found = _first_of_each(data)
    return Metadata(exif=_exif_of(found), xmp=found.get(b"XMP ", b""))


def _first_of_each(data: bytes) -> dict[bytes, bytes]:
    return dict(reversed(list(chunks(_file_of(data)))))


def _exif_of(found: dict[bytes, bytes]) -> bytes:
    """Return the EXIF chunk from its TIFF header on; many programs put JPEG's prefix before it."""
    return found.get(b"EXIF", b"").removeprefix(b"Exif\0\0")


def _size_of(found: dict[bytes, bytes]) -> tuple[int, int]:
    extended, lossy, lossless = (found.get(name, b"") for name in (b"VP8X", b"VP8 ", b"VP8L"))
    if len(extended) >= 10:
        return int.from_bytes(extended[4:7], "little") + 1, int.from_bytes(extended[7:10], "little") + 1
    if len(lossy) >= 10 and lossy[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", lossy, 6)
        return width & 0x3FFF, height & 0x3FFF
    if len(lossless) >= 5 and lossless[0] == 0x2F:
        bits = int.from_bytes(lossless[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise DecodeError("The WebP is damaged: it has no header of an image.")


def rebuild(
    data: bytes,
    *,
    icc: bytes | None = None,
    orientation: int = UPRIGHT,
    made_at: int | None = None,
    is_transparent: bool = False,
    kept: Kept = NOTHING,
) -> bytes:
    """Return ``data`` with the same pixels and frames, and no metadata but what is given here. Raises DecodeError.

    A still image that needs none of the extended header's features loses that header. ``is_transparent`` marks an
    animation as transparent where no frame covers it, which no frame can tell.
    """
    body: list[bytes] = []
    flags = 0
    found = _first_of_each(data)
    size = _size_of(found)
    for name, payload in chunks(_file_of(data)):
        if name == b"ANIM":
            flags |= _ANIMATION | (_ALPHA if is_transparent else found.get(b"VP8X", b"\0")[0] & _ALPHA)
            body.append(make_chunk(name, payload))
        elif name == b"ANMF":
            inner = [(kind, content) for kind, content in chunks(payload, 16) if kind in _PIXELS]
            flags |= _alpha_of(inner)
            body.append(make_chunk(name, payload[:16] + b"".join(make_chunk(*chunk) for chunk in inner)))
        elif name in _PIXELS:
            flags |= _alpha_of([(name, payload)])
            body.append(make_chunk(name, payload))
    is_extended = bool(flags & _ANIMATION) or len(body) > 1
    if icc is not None:
        flags |= _ICC_FLAG
        body.insert(0, make_chunk(b"ICCP", icc))
    block = exif.block(orientation, kept)
    if block:
        flags |= _EXIF_FLAG
        body.append(make_chunk(b"EXIF", block))
    if made_at is not None:
        body.append(make_chunk(_LEVEL, bytes([made_at])))
    if is_extended or flags & (_ICC_FLAG | _EXIF_FLAG) or made_at is not None:
        sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
        body.insert(0, make_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides))
    content = b"WEBP" + b"".join(body)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def _alpha_of(pixels: list[tuple[bytes, bytes]]) -> int:
    """Return the extended header's alpha flag if any of these chunks holds transparency."""
    for name, payload in pixels:
        if name == b"ALPH" or (name == b"VP8L" and len(payload) >= 5 and payload[4] & 0x10):
            return _ALPHA
    return 0
