"""JPEG's container: a chain of marked segments. Read and rebuilt in plain Python; no pixel is decoded here."""

import re
import struct
from dataclasses import dataclass

from minipic.domain.image import ImageFormat
from minipic.errors import DecodeError

from . import exif, iptc
from .header import MAX_ICC_BYTES, UPRIGHT, Header
from .kept import NOTHING, Kept, Metadata

_SOI, _EOI, _SOS, _DQT, _COM = 0xD8, 0xD9, 0xDA, 0xDB, 0xFE
_APP0, _APP1, _APP2, _APP13, _APP14 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE
_FRAME_STARTS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MAX_SEGMENTS = 20_000
_MAX_SCANS = 200
_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_ICC = b"ICC_PROFILE\0"
_ICC_PART = 65_533 - len(_ICC) - 2
_LEVEL = re.compile(rb"minipic:([0-9]{1,3})")
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its marker's second byte, its payload without the length, and the scan that follows a SOS."""

    marker: int
    payload: bytes
    scan: bytes = b""

    def to_bytes(self) -> bytes:
        """Return the segment as it stands in a file."""
        return struct.pack(">BBH", 0xFF, self.marker, len(self.payload) + 2) + self.payload + self.scan


@dataclass(frozen=True, slots=True)
class JpegFile:
    """The segments between SOI and EOI, and whether an EOI was met."""

    segments: list[Segment]
    is_ended: bool


def parse(data: bytes) -> JpegFile:
    """Return the segments of the first image in ``data``; what follows its EOI is no part of it. Raises DecodeError."""
    segments: list[Segment] = []
    position, scans = 2, 0
    while position < len(data):
        if data[position] != 0xFF:
            raise DecodeError("The JPEG is damaged: a segment does not begin where the one before it ends.")
        while data[position : position + 1] == b"\xff":
            position += 1
        if position >= len(data):
            break
        marker = data[position]
        position += 1
        if marker == _EOI:
            return JpegFile(segments, is_ended=True)
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2 or position + length > len(data):
            raise DecodeError("The JPEG is damaged: a segment is longer than the file.")
        payload = data[position + 2 : position + length]
        position += length
        scan = b""
        if marker == _SOS:
            scans += 1
            end = _SCAN_END.search(data, position)
            stop = end.start() if end else len(data)
            scan, position = data[position:stop], stop
        segments.append(Segment(marker, payload, scan))
        if len(segments) > _MAX_SEGMENTS or scans > _MAX_SCANS:
            raise DecodeError("The JPEG is damaged: it has more segments than any real image.")
    return JpegFile(segments, is_ended=False)


def read_header(data: bytes) -> Header:
    """Return what the segments of ``data`` say; raises DecodeError."""
    segments = parse(data).segments
    frames = [segment.payload for segment in segments if segment.marker in _FRAME_STARTS]
    if len(frames) != 1 or len(frames[0]) < 6:
        raise DecodeError("The JPEG is damaged: it does not have exactly one frame header.")
    height, width = struct.unpack_from(">HH", frames[0], 1)
    if not width or not height:
        raise DecodeError("The JPEG is damaged: its frame header gives a side of 0 pixels.")
    made_at = next((int(m[1]) for s in segments if s.marker == _COM and (m := _LEVEL.fullmatch(s.payload))), None)
    return Header(
        ImageFormat.JPEG, width, height,
        orientation=exif.read_orientation(_application(segments, _EXIF)), icc=_icc_of(segments), made_at=made_at,
    )  # fmt: skip


def coarseness(data: bytes) -> tuple[float, bool] | None:
    """Return the mean step of luma's first 15 frequencies, and whether colours have less resolution.

    None where there are no tables, or other colours than grey or three. Raises DecodeError.
    """
    steps, sampling = None, b""
    for segment in parse(data).segments:
        payload = segment.payload
        if segment.marker == _DQT and steps is None and payload and payload[0] & 0x0F == 0:
            size = 2 if payload[0] >> 4 else 1
            steps = [int.from_bytes(payload[at : at + size], "big") for at in range(1, 1 + 15 * size, size)]
        elif segment.marker in _FRAME_STARTS and len(payload) >= 6 + 3 * payload[5]:
            sampling = payload[7 : 6 + 3 * payload[5] : 3]
    if steps is None or not all(steps) or len(sampling) not in (1, 3):
        return None
    return sum(steps) / len(steps), len(sampling) > 1 and sampling[0] > max(sampling[1:])


def read_metadata(data: bytes) -> Metadata:
    """Return the parts of ``data`` that may hold something to keep; raises DecodeError."""
    segments = parse(data).segments
    photoshop = (s.payload for s in segments if s.marker == _APP13 and s.payload.startswith(iptc.PHOTOSHOP))
    resources = next(photoshop, b"")[len(iptc.PHOTOSHOP) :]
    return Metadata(_application(segments, _EXIF), _application(segments, _XMP), iptc=iptc.records_in(resources))


def _application(segments: list[Segment], start: bytes) -> bytes:
    """Return what follows ``start`` in the first application segment that begins with it."""
    return next((s.payload[len(start) :] for s in segments if s.marker == _APP1 and s.payload.startswith(start)), b"")


def _icc_of(segments: list[Segment]) -> bytes | None:
    parts: dict[int, bytes] = {}
    for segment in segments:
        if segment.marker == _APP2 and segment.payload.startswith(_ICC) and len(segment.payload) > len(_ICC) + 2:
            parts.setdefault(segment.payload[len(_ICC)], segment.payload[len(_ICC) + 2 :])
    profile = b"".join(parts[number] for number in sorted(parts))
    return profile if 0 < len(profile) <= MAX_ICC_BYTES else None


def rebuild(
    data: bytes,
    *,
    icc: bytes | None = None,
    orientation: int = UPRIGHT,
    made_at: int | None = None,
    kept: Kept = NOTHING,
) -> bytes:
    """Return ``data`` with the same coefficients and no metadata but what is given here.

    JFIF (without its thumbnail) and Adobe segments stay: decoders tell YCbCr, RGB, CMYK and YCCK apart by them.
    """
    file = parse(data)
    front, rest = [], []
    for segment in file.segments:
        if segment.marker == _APP0 and segment.payload.startswith(b"JFIF\0") and len(segment.payload) >= 12:
            front.append(Segment(_APP0, segment.payload[:12] + b"\0\0"[: len(segment.payload) - 12]))
        elif segment.marker == _APP14 and segment.payload.startswith(b"Adobe"):
            front.append(Segment(_APP14, segment.payload[:12]))
        elif not 0xE0 <= segment.marker <= 0xEF and segment.marker != _COM:
            rest.append(segment)
    block = exif.block(orientation, kept)
    if block:
        front.append(Segment(_APP1, _EXIF + block))
    front += _icc_segments(icc)
    if made_at is not None:
        front.append(Segment(_COM, b"minipic:%d" % made_at))
    body = b"".join(segment.to_bytes() for segment in front + rest)
    return b"\xff\xd8" + body + (b"\xff\xd9" if file.is_ended else b"")


def _icc_segments(icc: bytes | None) -> list[Segment]:
    if icc is None:
        return []
    parts = [icc[at : at + _ICC_PART] for at in range(0, len(icc), _ICC_PART)]
    return [Segment(_APP2, _ICC + bytes([n, len(parts)]) + part) for n, part in enumerate(parts, 1)]
