"""What HEIC and AVIF say of their main picture: depth, colours, turns."""

import io
import struct
from dataclasses import replace

import numpy as np
import pillow_heif
import pytest
import pyvips  # type: ignore[import-untyped]
from PIL import Image

from minipic.domain.image import ImageFormat, Options, Preset
from minipic.errors import BadRequest, DecodeError
from minipic_engine import avif, avif_boxes, colour, heic, heif_facts, isobmff, png_chunks, profiles, tiff
from minipic_engine.picture import Picture
from minipic_engine.pipeline import compress
from tests.engine.engine_images import exif, photo, saved
from tests.engine.test_matrix import heic as made_heic
from tests.engine.viewer import distance, view


@pytest.mark.parametrize(("mode", "bits"), [("RGB;16", 12), ("L;16", 10), ("RGBA;16", 10)])
@pytest.mark.parametrize("target", [ImageFormat.PNG, ImageFormat.TIFF])
def test_deep_heic(mode: str, bits: int, target: ImageFormat) -> None:
    """10 and 12 bits a sample become 16 without loss, with white at the top, and 8 rounded elsewhere."""
    bands = len(mode.split(";", maxsplit=1)[0])
    ramp = np.repeat(np.linspace(0, 65_535, 64 * 64).astype(np.uint16).reshape(64, 64, 1), bands, axis=2)
    if bands == 1:
        ramp = ramp[..., 0]
    made = pillow_heif.from_bytes(mode if bands > 1 else "I;16", (64, 64), ramp.tobytes())
    out = io.BytesIO()
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    made.save(out, quality=-1)
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False
    data = out.getvalue()
    header = heic.read_header(data)
    assert header.is_deep
    lossless = compress(data, Options(quality=Preset.LOSSLESS, formats=(target,))).data
    assert (lossless[24] == 16) if target is ImageFormat.PNG else tiff.read_header(lossless).is_deep
    plain = compress(data, Options(quality=Preset.HIGH, formats=(ImageFormat.WEBP,))).data
    assert distance(view(plain).frames[0], view(lossless).frames[0]) < 4


def test_named_colours() -> None:
    """A gamut that a file only names becomes a short profile; HDR says so; sRGB needs none."""
    wide = profiles.named(12, 13)
    assert wide is not None
    assert len(wide) < 600
    assert colour.judge(wide, "RGB") is colour.Verdict.KEEP
    assert profiles.named(1, 13) is None
    assert profiles.named(12, 8) is None
    nclx = b"nclx" + struct.pack(">HHHB", 9, 16, 9, 128)
    assert heif_facts.profile_of([nclx]) == (None, True)
    assert heif_facts.profile_of([b"nclx" + struct.pack(">HHHB", 12, 13, 6, 128)]) == (wide, False)


def test_named_gamut_is_shown() -> None:
    """Display P3 that an AVIF names by a number looks the same in WebP, which gets a profile."""
    data = saved(photo(40, 30), "AVIF", quality=90, subsampling="4:4:4")
    at = data.index(b"nclx") + 4
    named = data[:at] + struct.pack(">HH", 12, 13) + data[at + 4 :]
    result = view(compress(named, Options(Preset.HIGH, (ImageFormat.WEBP,))).data)
    plain = view(compress(data, Options(Preset.HIGH, (ImageFormat.WEBP,))).data)
    assert distance(result.frames[0], plain.frames[0]) > 3
    hdr = data[:at] + struct.pack(">HH", 9, 16) + data[at + 4 :]
    assert avif_boxes.read_header(hdr).is_wide
    assert len(compress(hdr, Options(quality=5)).data) <= len(hdr)
    for asked in (Options(formats=(ImageFormat.WEBP,)), Options(background=(0, 0, 0))):
        with pytest.raises(BadRequest, match="HDR"):
            compress(hdr, asked)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns(orientation: int) -> None:
    """An AVIF's quarter turns and mirrors are EXIF's orientations, in every format that is made of it."""
    data = saved(photo(48, 32), "AVIF", quality=90, exif=exif(orientation))
    assert avif_boxes.read_header(data).orientation == orientation
    for target in (ImageFormat.AVIF, ImageFormat.PNG, ImageFormat.TIFF):
        result = compress(data, Options(Preset.LOSSLESS, formats=(target,)))
        assert view(result.data).size == (result.width, result.height)
        assert distance(view(result.data).frames[0], view(data).frames[0]) < 3


def deep_avif(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint16]]) -> bytes:
    """Return an AVIF of 10 bits a sample."""
    height, width, bands = pixels.shape
    image = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, bands, "ushort")
    image = image.copy(interpretation="grey16" if bands < 3 else "rgb16")
    made: bytes = image.heifsave_buffer(compression="av1", bitdepth=10, lossless=True)
    return made


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_deep_avif(bands: int) -> None:
    """10 bits of an AVIF stay in PNG and TIFF without loss, and are rounded elsewhere."""
    ramp = np.repeat(np.linspace(0, 65_535, 64 * 48).astype(np.uint16).reshape(48, 64, 1), bands, axis=2)
    ramp[..., 1:3] //= 2
    data = deep_avif(ramp)
    assert avif_boxes.read_header(data).is_deep
    for target, kind in ((ImageFormat.PNG, png_chunks), (ImageFormat.TIFF, tiff)):
        made = compress(data, Options(Preset.LOSSLESS, (target,))).data
        assert kind.read_header(made).is_deep
        samples = pyvips.Image.new_from_buffer(made, "").numpy().reshape(48, 64, -1)
        assert np.abs(samples[..., :1].astype(int) - ramp[..., :1]).max() < 200
    plain = compress(data, Options(Preset.HIGH, (ImageFormat.WEBP,))).data
    assert distance(view(plain).frames[0], view(data).frames[0]) < 4


def test_deep_colours_that_two_decoders_see_otherwise() -> None:
    """Where a file leaves the range of its samples open, browsers' decoder decides: its 8 bits are taken."""
    picture = Picture(photo(40, 30))
    deep = np.asarray(picture.image).astype(np.uint16) * 257
    assert avif._is_same(deep, picture)
    assert avif._is_same(deep[..., :1].repeat(3, axis=2), Picture(picture.image.getchannel("R")))
    assert not avif._is_same(deep - deep // 10, picture)
    assert not avif._is_same(deep, Picture(picture.image.convert("RGBA")))
    turned = deep_avif(deep)
    header = avif_boxes.read_header(turned)
    assert avif.decode_deep(turned, replace(header, orientation=6)) is None
    assert avif.decode_deep(turned, replace(header, width=41)) is None
    assert avif.decode_deep(turned[: len(turned) // 2], header) is None
    eight = saved(photo(40, 30), "AVIF")
    assert avif.decode_deep(eight, avif_boxes.read_header(eight)) is None


def test_broken_heic() -> None:
    """A HEIC whose pixels are damaged, or are more than its header says, is a DecodeError in 8 bits and in 16."""
    data = made_heic(photo(96, 64))
    header = heic.read_header(data)
    assert heic.decode_deep(data, header) is None
    at = data.index(b"mdat") + 4
    for broken, facts in ((data[:at] + bytes(len(data) - at), header), (data, replace(header, width=95))):
        for decode in (heic.decode, heic.decode_deep):
            with pytest.raises(DecodeError):
                decode(broken, facts)
    with pytest.raises(DecodeError, match="no main picture"):
        heic.read_header(b"\0\0\0\x10ftypheic\0\0\0\0")


def test_premultiplied_heic() -> None:
    """Colours that a HEIC holds multiplied by their transparency come out as they were."""
    faded = Image.new("RGBA", (64, 64), (200, 120, 40, 128))
    out = io.BytesIO()
    pillow_heif.from_bytes("RGBa", (64, 64), faded.convert("RGBa").tobytes()).save(out, quality=-1)
    shown = view(compress(out.getvalue(), Options(Preset.LOSSLESS, (ImageFormat.PNG,))).data)
    assert np.abs(shown.frames[0][30, 30].astype(int) - [200, 120, 40, 128]).max() <= 4


@pytest.mark.parametrize(
    ("properties", "size", "bits"),
    [
        ({b"av1C": b"\x81\0\x40\0"}, (30, 20), 10), ({b"av1C": b"\x81\0\x60\0"}, (30, 20), 12),
        ({b"av1C": b"\x81\0\0\0"}, (30, 20), 8), ({b"pixi": b"\0\0\0\0\2\x0a\x08"}, (30, 20), 10), ({}, (30, 20), 8),
        ({b"clap": struct.pack(">8I", 12, 1, 9, 1, 0, 1, 0, 1)}, (12, 9), 8),
        ({b"clap": struct.pack(">8I", 12, 0, 9, 1, 0, 1, 0, 1)}, (30, 20), 8),
        ({b"clap": struct.pack(">8I", 12, 1, 9, 1, 0, 1, 0, 1), b"irot": b"\1"}, (9, 12), 8),
    ],
)  # fmt: skip
def test_depth_and_cut(properties: dict[bytes, bytes], size: tuple[int, int], bits: int) -> None:
    """The depth is the deepest channel's, or what the codec's own description says; a sound cut gives the size."""
    listed = [(b"ispe", bytes(4) + struct.pack(">II", 30, 20)), *properties.items()]
    item = isobmff.Item(b"av01", properties=[(0, False), *((n, False) for n in range(1, len(listed) + 1)), (9, True)])
    facts = heif_facts.read(isobmff.Meta(1, {1: item}, listed))
    assert (facts.shown_size, facts.bits) == (size, bits)


@pytest.mark.parametrize("size", [b"", struct.pack(">II", 0, 5)])
def test_picture_without_a_size(size: bytes) -> None:
    """A main picture of no size, or of 0 pixels, is a DecodeError."""
    item = isobmff.Item(b"av01", properties=[(1, False)])
    with pytest.raises(DecodeError):
        heif_facts.read(isobmff.Meta(1, {1: item}, [(b"ispe", bytes(4) + size)]))


def test_profile_before_name() -> None:
    """A real profile goes before a gamut that is only named; one that is too large or empty is none."""
    nclx = b"nclx" + struct.pack(">HHHB", 12, 13, 6, 128)
    assert heif_facts.profile_of([nclx, b"prof" + b"icc"]) == (b"icc", False)
    assert heif_facts.profile_of([b"prof", b"rICC" + bytes(5_000_000), b"nclx", b"test"]) == (None, False)
