"""What fuzzing found, each as the smallest file that showed it: a told error or a result, never a fault."""

import os
import signal
import struct
import zlib

import pytest

from minipic.domain.image import ImageFormat, Options, Preset
from minipic.errors import DecodeError
from minipic_engine import avif_film, effort, gif_blocks
from minipic_engine.aside import aside
from minipic_engine.pipeline import compress
from minipic_engine.png_chunks import make_chunk
from tests.engine.engine_images import animation, opened, photo, raw_png, saved
from tests.engine.hostile_bytes import boxed, gif, jpeg_out_of_range

ROWS = struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0)


def test_gif_extension_without_label_is_no_frame() -> None:
    """A GIF's extension of number 0 is skipped; it was once taken for a frame, and read beyond the file's end."""
    with pytest.raises(DecodeError):
        gif_blocks.read_header(b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + b"\x21\0\0")
    assert gif_blocks.read_header(gif((8, 8), 1, b"\x21\0\0")).frames == 1


@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS])
def test_png_with_more_rows_than_it_says(quality: Preset) -> None:
    """A PNG whose rows go on behind its end is worked on as decoders show it, though oxipng refuses it."""
    pixels = b"".join(b"\0" + row for row in (photo(40, 30).tobytes()[at : at + 120] for at in range(0, 3_600, 120)))
    data = raw_png(ROWS, zlib.compress(pixels + bytes(5_000)))
    result = compress(data, Options(quality=quality))
    assert opened(result.data).size == (40, 30)
    assert result.size_bytes <= len(data)


def test_png_of_no_rows() -> None:
    """A PNG whose data is none is broken, at every quality, though a lossless repack decodes nothing."""
    for quality in (Preset.SMART, Preset.LOSSLESS):
        with pytest.raises(DecodeError):
            compress(raw_png(ROWS, b"no zlib"), Options(quality=quality))


def test_film_that_is_shown_more_often_than_others_can_count() -> None:
    """An animation of 2^32 - 1 rounds is shown for ever in formats that count to less."""
    data = animation("PNG")
    at = data.index(b"acTL")
    often = data[: at - 4] + make_chunk(b"acTL", struct.pack(">II", 4, 2**32 - 1)) + data[at + 16 :]
    result = compress(often, Options(formats=(ImageFormat.WEBP,)))
    assert opened(result.data).info["loop"] == 0


def test_avif_film_of_a_short_edit() -> None:
    """An AVIF whose edit is a billionth of its length is taken as endless, not as a billion rounds."""
    data = bytearray(animation("AVIF"))
    edit, head = data.index(b"elst") + 4, data.index(b"tkhd") + 4
    data[edit + 8 : edit + 16] = (1).to_bytes(8, "big")
    data[head + 28 : head + 36] = (2**60).to_bytes(8, "big")
    assert avif_film.read_plays(bytes(data)) > 2**31
    result = compress(bytes(data), Options(quality=Preset.LOSSLESS, formats=(ImageFormat.WEBP,)))
    assert opened(result.data).info["loop"] == 0


@pytest.mark.parametrize("data", [
    boxed(b"avif", 8, 8, refers=struct.pack(">HHH", 1, 1, 1)),
    saved(photo(32, 32), "AVIF").replace(b"av01", b"hvc1"),
])  # fmt: skip
def test_avif_that_its_decoder_refuses(data: bytes) -> None:
    """What libavif says of a broken file is the file's fault, not ours."""
    with pytest.raises(DecodeError):
        compress(data, Options())


@pytest.mark.parametrize("quality", [Preset.SMART, Preset.LOSSLESS])
def test_jpeg_with_values_out_of_range(quality: Preset) -> None:
    """A JPEG that mozjpeg ends the process over is worked on without it, in a process that lives on."""
    data = jpeg_out_of_range()
    result = compress(data, Options(quality=quality))
    assert opened(result.data).size == (8, 8)
    assert result.size_bytes <= len(data)


def test_aside() -> None:
    """What a copy of the process returns comes back; of one that fails, ends or takes too long, nothing does."""

    def failing() -> bytes:
        raise ValueError

    def ending() -> bytes:
        os.kill(os.getpid(), signal.SIGSEGV)
        return b"never"

    def endless() -> bytes:
        while True:
            pass

    assert aside(lambda: b"made" * 100_000) == b"made" * 100_000
    assert aside(failing) is None
    assert aside(ending) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effort, "BUDGET_S", 1.0)
        assert aside(endless) is None


def test_gif_frame_without_colours() -> None:
    """A GIF's frame that has a transparent colour and no palette is taken for grey, or for broken."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 4, 4, 0, 0, 0)
    control = bytes([0x21, 0xF9, 4, 1, 0, 0, 7, 0])
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 4, 4, 0) + b"\x02\x05\x84\x8f\xa9\xcb\x05\0"
    outcomes = set()
    for data in (screen + (control + frame) * 2 + b";", screen + control + frame + b";"):
        try:
            outcomes.add(compress(data, Options(formats=(ImageFormat.WEBP,))).width)
        except DecodeError:
            outcomes.add(4)
    assert outcomes == {4}
