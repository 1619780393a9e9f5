"""PNG's container: a chain of chunks. Read and rebuilt in plain Python; no pixel is decoded here."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import exif, png_texts
from .header import MAX_ICC_BYTES, UPRIGHT, Header
from .kept import NOTHING, Kept, Metadata

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END, _EMPTY_BYTES = 33, 12
_MAX_CHUNKS = 250_000
_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_MARK = b"mpFc"
"""A chunk of ours without content: some of the colours were merged, so that they are not to be merged again."""

_FRAMES = frozenset({b"acTL", b"fcTL", b"fdAT"})
_SRGB_GAMMA = 45_455
_SRGB_CICP = bytes([1, 13, 0, 1])
_HDR_TRANSFERS = (16, 18)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: its four-letter name, and where it stands in the file, length and checksum included."""

    name: bytes
    file: bytes
    start: int
    end: int

    @property
    def payload(self) -> bytes:
        """The chunk's content."""
        return self.file[self.start + 8 : self.end - 4]

    def to_bytes(self) -> bytes:
        """Return the chunk as it stands in the file."""
        return self.file[self.start : self.end]


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks of ``data`` up to IEND; raises DecodeError where the chain breaks or is absurdly long."""
    position = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if position + 12 > len(data):
            raise DecodeError("The PNG is damaged: it ends before its last chunk.")
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise DecodeError("The PNG is damaged: a chunk is longer than the file.")
        yield Chunk(name, data, position, end)
        if name == b"IEND":
            return
        position = end
    raise DecodeError("The PNG is damaged: it has more chunks than any real image.")


def make_chunk(name: bytes, payload: bytes) -> bytes:
    """Return a chunk as it stands in a file."""
    return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))


def read_header(data: bytes) -> Header:
    """Return what the chunks of ``data`` say; raises DecodeError."""
    found: dict[bytes, bytes] = {}
    frame_controls, is_default_hidden = 0, False
    for index, chunk in enumerate(chunks(data)):
        if (index == 0) != (chunk.name == b"IHDR"):
            raise DecodeError("The PNG is damaged: its header chunk is not the first, or there are two.")
        if chunk.name == b"fcTL":
            frame_controls += 1
        elif chunk.name == b"IDAT":
            is_default_hidden = is_default_hidden or (b"IDAT" not in found and frame_controls == 0)
            found.setdefault(b"IDAT", b"")
        elif chunk.name == b"acTL" and b"IDAT" in found:
            continue
        else:
            found.setdefault(chunk.name, chunk.payload)
    if len(found[b"IHDR"]) != 13 or b"IDAT" not in found:
        raise DecodeError("The PNG is damaged: it has no complete header, or no image data.")
    width, height, depth = struct.unpack_from(">IIB", found[b"IHDR"])
    if not 0 < width < 2**31 or not 0 < height < 2**31:
        raise DecodeError("The PNG is damaged: a side is 0 pixels, or more than the format holds.")
    announced = struct.unpack_from(">I", found[b"acTL"])[0] if len(found.get(b"acTL", b"")) == 8 else 0
    return Header(
        ImageFormat.PNG, width, height,
        frames=max(1, announced, frame_controls) if announced else 1,
        is_animated=announced > 0 and frame_controls > (0 if is_default_hidden else 1),
        has_still_apart=announced > 0 and is_default_hidden,
        orientation=exif.read_orientation(found.get(b"eXIf", b"")),
        icc=_icc_of(found), gamma=_gamma_of(found), is_deep=depth == 16, is_wide=_is_wide(found), is_lossless=True,
        made_at=1 if found.get(_MARK) == b"" else None,
    )  # fmt: skip


def read_metadata(data: bytes) -> Metadata:
    """Return the parts of ``data`` that may hold something to keep; raises DecodeError."""
    wanted = [chunk for chunk in chunks(data) if chunk.name in png_texts.NAMES or chunk.name == b"eXIf"]
    block = next((chunk.payload for chunk in wanted if chunk.name == b"eXIf"), b"")
    texts = png_texts.read((chunk.name, chunk.payload) for chunk in wanted)
    return Metadata(exif=block, xmp=texts.pop(png_texts.XMP, "").encode(), texts=texts)


def _icc_of(found: dict[bytes, bytes]) -> bytes | None:
    name, separator, packed = found.get(b"iCCP", b"").partition(b"\0")
    if not separator or not 1 <= len(name) <= 79:
        return None
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(packed[1:], MAX_ICC_BYTES + 1)
    except zlib.error:
        return None
    return profile if inflater.eof and 0 < len(profile) <= MAX_ICC_BYTES else None


def _gamma_of(found: dict[bytes, bytes]) -> float | None:
    """Return gAMA's exponent, unless a better description of the colours overrides it or it says sRGB."""
    if {b"sRGB", b"iCCP", b"cICP"} & found.keys() or len(found.get(b"gAMA", b"")) != 4:
        return None
    gamma = int.from_bytes(found[b"gAMA"], "big")
    if abs(gamma - _SRGB_GAMMA) <= _SRGB_GAMMA // 20 or not 1_000 <= gamma <= 1_000_000:
        return None
    return gamma / 100_000


def _icc_chunk(data: bytes, icc: bytes) -> bytes:
    """Return ``icc`` as a chunk: the one of ``data`` if that holds it in as few bytes."""
    made = make_chunk(b"iCCP", b"icc\0\0" + zlib.compress(icc, 9))
    for chunk in chunks(data):
        if chunk.name == b"iCCP" and chunk.end - chunk.start <= len(made) and _icc_of({b"iCCP": chunk.payload}) == icc:
            return chunk.to_bytes()
    return made


def _is_wide(found: dict[bytes, bytes]) -> bool:
    """Tell whether cICP gives the pixels a meaning that only the PNG itself can carry: HDR, or a gamut without iCCP."""
    coding = found.get(b"cICP", b"")
    return len(coding) == 4 and coding != _SRGB_CICP and (coding[1] in _HDR_TRANSFERS or b"iCCP" not in found)


def colour_chunks(header: Header, icc: bytes | None) -> frozenset[bytes]:
    """Return the names of the chunks beside ``icc`` that a lossless repack must keep."""
    if header.is_wide:
        return frozenset({b"cICP"})
    return frozenset({b"gAMA", b"cHRM"}) if icc is None and header.gamma is not None else frozenset()


def _is_mark(chunk: Chunk) -> bool:
    return chunk.name == _MARK and chunk.end - chunk.start == _EMPTY_BYTES


def marked(data: bytes) -> bytes:
    """Return ``data``, which has no such mark, with the mark of a picture whose colours were merged."""
    return data[:_HEADER_END] + make_chunk(_MARK, b"") + data[_HEADER_END:]


def rebuild(
    data: bytes,
    *,
    icc: bytes | None = None,
    orientation: int = UPRIGHT,
    keep_frames: bool = False,
    colour_chunks: frozenset[bytes] = frozenset(),
    kept: Kept = NOTHING,
    is_tight: bool = False,
) -> bytes:
    """Return ``data`` with the same pixels and no metadata but what is given here.

    ``keep_frames`` keeps an animation, ``colour_chunks`` names the short chunks to keep that give the stored values
    their meaning, ``is_tight`` deflates the texts of ``kept``. Raises DecodeError.
    """
    wanted = _PIXELS | (_FRAMES if keep_frames else frozenset())
    wanted |= colour_chunks
    parts = [SIGNATURE]
    for chunk in chunks(data):
        if chunk.name in wanted or _is_mark(chunk):
            parts.append(chunk.to_bytes())
        elif chunk.name[:1].isupper():
            raise DecodeError("The PNG is damaged: it has a chunk that must be understood and is not known.")
        if chunk.name == b"IHDR":
            if icc is not None:
                parts.append(_icc_chunk(data, icc))
            parts += (make_chunk(name, text) for name, text in png_texts.written(kept, is_packed=is_tight))
            block = exif.block(orientation, Kept(location=kept.location))
            if block:
                parts.append(make_chunk(b"eXIf", block))
    return b"".join(parts)
