"""BMP: its headers of different age, and the profile that the newest can hold."""

import struct

import numpy as np
import pytest

from minipic.domain.image import ImageFormat, Options, Preserve, Preset
from minipic_engine import bmp
from minipic_engine.pipeline import compress
from tests.engine.engine_images import opened, photo, saved, wide_profile
from tests.engine.viewer import view

WIDTH, HEIGHT = 20, 12
PIXELS = np.asarray(photo(WIDTH, HEIGHT))
ROWS = b"".join(row[:, ::-1].tobytes() for row in PIXELS[::-1])


def bmp_with(header: bytes, behind: bytes = b"") -> bytes:
    """Return a BMP of the picture with a header of one's own."""
    at = 14 + len(header)
    return b"BM" + struct.pack("<IHHI", at + len(ROWS) + len(behind), 0, 0, at) + header + ROWS + behind


def newest(kind: bytes, length: int) -> bytes:
    """Return the newest header, which says of what kind and how long the profile behind the pixels is."""
    start = struct.pack("<IiiHHIIiiII", 124, WIDTH, HEIGHT, 1, 24, 0, len(ROWS), 0, 0, 0, 0)
    return (start.ljust(56, b"\0") + kind).ljust(112, b"\0") + struct.pack("<III", 124 + len(ROWS), length, 0)


def test_oldest_header() -> None:
    """The header of 12 bytes, whose sides have 16 bits, is read like the others."""
    data = bmp_with(struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24))
    assert bmp.read_header(data).shown_size == (WIDTH, HEIGHT)
    assert np.array_equal(view(compress(data, Options(quality=Preset.LOSSLESS)).data).frames[0][..., :3], PIXELS)


def test_profile() -> None:
    """The profile in a BMP goes along with the pixels."""
    profile = wide_profile()
    result = compress(bmp_with(newest(b"DEBM", len(profile)), profile), Options(quality=Preset.LOSSLESS))
    assert result.format is ImageFormat.PNG
    image = opened(result.data)
    assert image.info["icc_profile"] == profile
    assert np.array_equal(np.asarray(image.convert("RGB")), PIXELS)


@pytest.mark.parametrize(("kind", "length"), [(b"BGRs", 9), (b"DEBM", 0), (b"DEBM", 9), (b"DEBM", 2**31)])
def test_no_profile(kind: bytes, length: int) -> None:
    """A BMP that says sRGB has no profile, nor has one whose profile is empty, too long or cut off."""
    assert bmp.read_header(bmp_with(newest(kind, length), b"cut")).icc is None


def test_palettes() -> None:
    """Palettes become colours, one bit becomes grey."""
    data = saved(photo(WIDTH, HEIGHT).quantize(9), "BMP")
    assert bmp.decode(data, bmp.read_header(data)).image.mode == "RGB"
    data = saved(photo(WIDTH, HEIGHT).convert("1"), "BMP")
    assert bmp.decode(data, bmp.read_header(data)).image.mode == "L"


def test_nothing_to_keep() -> None:
    """A BMP has no metadata: what is to be kept of it is no error."""
    asked = Options(quality=Preset.LOSSLESS, preserve=frozenset(Preserve))
    data = saved(photo(WIDTH, HEIGHT), "BMP")
    assert compress(data, asked) == compress(data, Options(quality=Preset.LOSSLESS))
