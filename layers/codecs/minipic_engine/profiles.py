"""Colour profiles for what a file only names by a number (H.273): as short as the format of profiles allows."""

import struct
from functools import cache

import numpy as np

HDR_TRANSFERS = frozenset({16, 18})
_SRGB_PRIMARIES = frozenset({1, 2, 0})
_PRIMARIES = {
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # BT.2020
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # DCI-P3, whose white the display adapts anyhow
}
_D65, _D50 = (0.3127, 0.3290), (0.9642, 1.0, 0.8249)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_LINEAR = 8
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


@cache
def named(primaries: int, transfer: int) -> bytes | None:
    """Return a profile for numbers that mean another gamut than sRGB's; None where none is needed or known.

    Video's curves stand for sRGB's, as every browser takes them.
    """
    corners = _PRIMARIES.get(primaries)
    if corners is None or transfer == _LINEAR:
        return None
    curve = b"para\0\0\0\0\0\3\0\0" + _fixed(*_SRGB_CURVE)
    columns = _to_d50(corners)
    tags = {
        b"desc": b"mluc\0\0\0\0" + bytes(8), b"cprt": b"mluc\0\0\0\0" + bytes(8), b"wtpt": _xyz(*_D50),
        b"rXYZ": _xyz(*columns[0]), b"gXYZ": _xyz(*columns[1]), b"bXYZ": _xyz(*columns[2]),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    at = 128 + 4 + 12 * len(tags)
    table, body, places = struct.pack(">I", len(tags)), b"", dict[bytes, int]()
    for name, content in tags.items():
        if content not in places:
            places[content] = at + len(body)
            body += content + b"\0" * (-len(content) % 4)
        table += name + struct.pack(">II", places[content], len(content))
    size = at + len(body)
    head = struct.pack(">I4sI4s4s4s12s4s", size, b"\0\0\0\0", 0x04200000, b"mntr", b"RGB ", b"XYZ ", bytes(12), b"acsp")
    head += bytes(28) + bytes.fromhex("0000f6d6000100000000d32d")
    return head.ljust(128, b"\0") + table + body


def _to_d50(corners: tuple[tuple[float, float], ...]) -> list[tuple[float, float, float]]:
    """Return the primaries' XYZ, scaled to a white of D65 and adapted to D50, which profiles are in."""
    unscaled = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in corners]).T
    white = np.array([_D65[0] / _D65[1], 1.0, (1 - sum(_D65)) / _D65[1]])
    matrix = unscaled * np.linalg.solve(unscaled, white)
    gains = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    adapted = np.linalg.solve(_BRADFORD, gains[:, None] * (_BRADFORD @ matrix))
    return [(float(x), float(y), float(z)) for x, y, z in adapted.T]


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65_536)) for value in values)


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)
