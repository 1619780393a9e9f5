"""An animated PNG in one palette, as chunks: frames that are rectangles, laid over or put in place of what is there."""

import struct
import time
from collections.abc import Sequence

import numpy as np

from . import effort, palette_file, png_chunks
from .apng_parts import Part
from .palette_native import Bytes
from .timeline import Timeline

_PALETTE_TYPE = 3
_SOURCE, _OVER = 0, 1
_MOST = 65_535
_UNITS = (1000, 100, 10, 1)
_NO_DENOMINATOR = 100
"""What a denominator of 0 stands for."""

_SLOWER = ((palette_file.BEST, 20), (palette_file.WELL, 14), (palette_file.QUICKLY, 10))
"""Levels of packing, and how many times as long as the least one they take, with some to spare."""

Delay = tuple[int, int]
"""How long a frame is shown: a fraction of a second."""


def read_delays(data: bytes) -> list[Delay]:
    """Return how long each frame of ``data`` is shown, as it is written there; raises DecodeError."""
    controls = [chunk.payload for chunk in png_chunks.chunks(data) if chunk.name == b"fcTL"]
    return [struct.unpack_from(">HH", control, 20) for control in controls if len(control) == 26]


def read_plays(data: bytes) -> int:
    """Return how often the animation ``data`` is shown, 0 for ever; raises DecodeError."""
    controls = (chunk.payload for chunk in png_chunks.chunks(data) if chunk.name == b"acTL")
    return next((int(struct.unpack_from(">I", one, 4)[0]) for one in controls if len(one) == 8), 0)


def delays_of(timeline: Timeline) -> list[Delay]:
    """Return how long each frame is shown: to the thousandth of a second where the format can count that far."""
    return [_delay(duration) for duration in timeline.durations]


def _delay(duration_ms: int) -> Delay:
    counted = ((round(duration_ms * unit / 1000), unit) for unit in _UNITS)
    return next(((count, unit) for count, unit in counted if count <= _MOST), (_MOST, 1))


def packed(
    palette: Bytes, size: tuple[int, int], parts: Sequence[Part], delays: Sequence[Delay], plays: int, level: int
) -> bytes:
    """Return the animation without a profile; packed as hard as ``level`` if there is time."""
    parts, delays = _merged(parts, delays)
    palette, parts = _without_unused(palette, parts)
    started_s = time.monotonic()
    least = palette_file.bits_for(len(palette))
    rivals = {bits: _streams(palette, parts, bits, palette_file.LEAST) for bits in {least, 8}}
    took_s = time.monotonic() - started_s
    bits = min(rivals, key=lambda bits: (sum(map(len, rivals[bits])), bits))
    possible = (one for one, slower in _SLOWER if one <= level and effort.has(slower * took_s))
    harder = next(possible, None)
    streams = rivals[bits]
    if harder is not None:
        streams = [min(pair, key=len) for pair in zip(_streams(palette, parts, bits, harder), streams, strict=True)]
    return _file(palette, size, bits, parts, delays, plays, streams)


def _streams(palette: Bytes, parts: Sequence[Part], bits: int, level: int) -> list[bytes]:
    """Return the image data of each part."""
    return [_image_data(palette, part.indices, bits, level) for part in parts]


def _image_data(palette: Bytes, indices: Bytes, bits: int, level: int) -> bytes:
    is_smooth = bits == 8 and level > palette_file.LEAST and palette_file.may_be_filtered(palette, indices)
    ways = (palette_file.PLAIN, palette_file.FILTERED) if is_smooth else (palette_file.PLAIN,)
    made = min((palette_file.at_depth(palette, indices, bits, level, filters) for filters in ways), key=len)
    return b"".join(chunk.payload for chunk in png_chunks.chunks(made) if chunk.name == b"IDAT")


def _merged(parts: Sequence[Part], delays: Sequence[Delay]) -> tuple[list[Part], list[Delay]]:
    """Return the parts without those that change nothing: the frame before is shown for longer, where it can be."""
    made: list[Part] = []
    shown: list[Delay] = []
    for part, (count, unit) in zip(parts, delays, strict=True):
        is_same = bool(made) and part.is_over and not part.indices.any()
        if is_same and shown[-1][1] == unit and shown[-1][0] + count <= _MOST:
            shown[-1] = (shown[-1][0] + count, unit)
        else:
            made.append(part)
            shown.append((count, unit))
    return made, shown


def _without_unused(palette: Bytes, parts: Sequence[Part]) -> tuple[Bytes, list[Part]]:
    """Return the palette without colours that no pixel has, and the parts with indices into that."""
    counts = sum(np.bincount(part.indices.ravel(), minlength=len(palette)) for part in parts)
    used = np.asarray(counts) > 0
    used[0] = True  # which lets what is below be seen, and has to be 0
    rank = (np.cumsum(used) - 1).astype(np.uint8)
    return palette[used], [Part(part.left, part.top, rank[part.indices], part.is_over) for part in parts]


def _file(
    palette: Bytes, size: tuple[int, int], bits: int, parts: Sequence[Part], delays: Sequence[Delay], plays: int,
    streams: Sequence[bytes],
) -> bytes:  # fmt: skip
    make = png_chunks.make_chunk
    opacity = palette[:, 3]
    translucent = int(np.count_nonzero(opacity < 255))  # which come first
    made = [
        png_chunks.SIGNATURE, make(b"IHDR", struct.pack(">IIBBBBB", *size, bits, _PALETTE_TYPE, 0, 0, 0)),
        make(b"acTL", struct.pack(">II", len(parts), plays)), make(b"PLTE", palette[:, :3].tobytes()),
        make(b"tRNS", opacity[:translucent].tobytes()),
    ]  # fmt: skip
    number = 0
    for index, (part, (count, unit), stream) in enumerate(zip(parts, delays, streams, strict=True)):
        height, width = part.indices.shape
        place = struct.pack(">IIIII", number, width, height, part.left, part.top)
        made.append(make(b"fcTL", place + struct.pack(">HHBB", count, unit, 0, _OVER if part.is_over else _SOURCE)))
        number += 1
        if index:
            made.append(make(b"fdAT", struct.pack(">I", number) + stream))
            number += 1
        else:
            made.append(make(b"IDAT", stream))
    return b"".join([*made, make(b"IEND", b"")])
