"""PNG packed by oxipng, with as much effort as the size of a picture and the time that is left allow."""

import time

import oxipng

from . import effort

TIMED_PIXELS = 4 * effort.MEGAPIXEL
"""Up to this a picture is packed with care unless the job's time is short."""

_SMALL_PIXELS = 320_000
"""Up to this nothing takes long."""

_REPACKS = ((2, 14), (1, 8))
"""How many times as long as at level 0 oxipng takes, measured on large photographs, the worst there are."""

_LONGEST_S = 6.0
_S_PER_PIXEL, _S_PER_BYTE = 0.04 / effort.MEGAPIXEL, 0.04 / 1_000_000
"""About what level 0 takes, by the pixels and by the bytes of the result."""


def pack(data: bytes, pixels: int) -> bytes:
    """Return ``data`` packed; with little care above so many ``pixels`` that more would take too long."""
    if pixels <= TIMED_PIXELS and effort.is_full(pixels):
        return packed(data, 2)
    return packed_more(data, pixels, *quickly(data))


def pack_alone(data: bytes, pixels: int) -> bytes:
    """Return ``data`` packed, where that is all that is done to it: with the most care if it is small."""
    if pixels <= _SMALL_PIXELS and effort.is_full(pixels):
        return packed(data, 4)
    return pack(data, pixels)


def quickly(data: bytes) -> tuple[bytes, float]:
    """Return ``data`` packed with little care, and the seconds that it took."""
    started_s = time.monotonic()
    made = packed(data, 0)
    return made, time.monotonic() - started_s


def packed_more(data: bytes, pixels: int, quick: bytes, took_s: float) -> bytes:
    """Return ``data`` packed with care if it is small enough for that and there is time, else ``quick``.

    What a large picture will take is forecast by its size, so that the clock has no say unless the machine is slow.
    """
    if pixels <= TIMED_PIXELS:
        return packed(data, 2) if effort.is_full(pixels) else quick
    possible = careful_levels(pixels, len(quick))
    if pixels <= effort.FULL_EFFORT_PIXELS and not possible:
        return quick
    if effort.is_full(pixels):
        for level, times in possible:
            if effort.has(times * took_s):
                return packed(data, level)
    return quick


def careful_levels(pixels: int, size_bytes: int) -> list[tuple[int, int]]:
    """Return the levels, and their ``_REPACKS``, for a large picture of so many bytes when quickly packed."""
    forecast_s = pixels * _S_PER_PIXEL + size_bytes * _S_PER_BYTE
    return [(level, times) for level, times in _REPACKS if times * forecast_s <= _LONGEST_S]


def packed(data: bytes, level: int, *, keeps_order: bool = False) -> bytes:
    """Return ``data`` packed at a ``level`` of oxipng if it gets smaller; raises oxipng.PngError."""
    reduces = None if not keeps_order else False
    made = oxipng.optimize_from_memory(
        data, level=level, interlace=oxipng.Interlacing.off, strip=oxipng.StripChunks.none, palette_reduction=reduces,
        color_type_reduction=reduces, grayscale_reduction=reduces,
    )  # fmt: skip
    return min(data, made, key=len)
