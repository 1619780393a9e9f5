"""What is fuzzed: a name, and a function of any bytes. Importing this loads the codecs.

``parse_*`` are the parsers in plain Python, quick and followed line by line; ``decode_*`` go the whole way through the
pipeline, with options that the input itself chooses.
"""

import struct
import zlib
from collections.abc import Callable, Iterable

from minipic.domain.image import OUTPUT_FORMATS, ImageFormat, Options, Preserve, Preset, Resize, ResizeMethod
from minipic_engine import (
    avif_still,
    effort,
    exif,
    formats,
    header,
    heif_facts,
    iptc,
    metadata,
    pipeline,
    png,
    sniff,
    xmp,
)

MAX_PIXELS = 400_000
MAX_FRAMES = 200
_ALL = frozenset(Preserve)
_SMALL = Resize(ResizeMethod.COVER, 24, 16)
_CHOICES = (
    Options(quality=Preset.LOSSLESS, preserve=_ALL),
    Options(preserve=_ALL, fingerprint=True),
    Options(quality=40, resize=_SMALL, background=(1, 2, 3)),
    *(Options(quality=60, formats=(target,), background=(9, 9, 9), preserve=_ALL) for target in OUTPUT_FORMATS),
    *(Options(quality=Preset.LOSSLESS, formats=(target,)) for target in OUTPUT_FORMATS),
)
Target = Callable[[bytes], None]


def be_frugal() -> None:
    """Lower the engine's limits in this process, so that no input takes long."""
    header.MAX_FRAME_PIXELS = MAX_PIXELS
    heif_facts.MAX_FRAME_PIXELS = MAX_PIXELS  # type: ignore[attr-defined]
    header.MAX_TOTAL_PIXELS = 4 * MAX_PIXELS
    header.MAX_FRAMES = MAX_FRAMES


def everything_said(data: bytes) -> None:
    """Find the format, and read all that the file says of itself."""
    codec = formats.DECODERS[sniff(data)]
    header.check_limits(codec.read_header(data))
    metadata.find(codec.read_metadata(data), _ALL)


def parser_of(image_format: ImageFormat) -> Target:
    """Return a target for one format's parser: header, metadata, and the file rebuilt with and without what it kept."""
    codec = formats.DECODERS[image_format]

    def parse(data: bytes) -> None:
        if sniff(data) is not image_format:
            return
        facts = codec.read_header(data)
        header.check_limits(facts)
        kept = metadata.find(codec.read_metadata(data), _ALL)
        if image_format in formats.CODECS:
            formats.CODECS[image_format].with_metadata(data, kept, is_tight=True)

    return parse


def decoder_of(image_format: ImageFormat) -> Target:
    """Return a target for everything behind one format's decoder; bytes of another format are passed over."""

    def decode(data: bytes) -> None:
        if image_format is ImageFormat.PNG:
            data = with_right_sums(data)
        if sniff(data) is image_format:
            chosen = zlib.crc32(data)
            is_large = bool(chosen >> 16 & 1)  # half of them go the way of large pictures
            effort.FULL_EFFORT_PIXELS = avif_still._WHOLE_PIXELS = png._TIMED_PIXELS = 0 if is_large else MAX_PIXELS
            pipeline.compress(data, _CHOICES[chosen % len(_CHOICES)])

    return decode


def with_right_sums(data: bytes) -> bytes:
    """Return a PNG with its chunks' checksums corrected: libpng would look no further than at a wrong one."""
    made, at = bytearray(data), 8
    while at + 12 <= len(made):
        (length,) = struct.unpack_from(">I", made, at)
        end = at + 12 + length
        if end > len(made):
            break
        struct.pack_into(">I", made, end - 4, zlib.crc32(made[at + 4 : end - 4]))
        at = end
    return bytes(made)


def metadata_alone(data: bytes) -> None:
    """Read the bytes as each kind of metadata, and write what is found."""
    found = exif.find(data).or_else(iptc.find(iptc.records_in(data))).or_else(xmp.find(data))
    exif.block(exif.read_orientation(data), found.or_else(iptc.find(data)))
    xmp.packet(found)


def _targets() -> Iterable[tuple[str, Target]]:
    yield "parse_any", everything_said
    yield "parse_metadata", metadata_alone
    for image_format in ImageFormat:
        yield f"parse_{image_format}", parser_of(image_format)
    for image_format in ImageFormat:
        yield f"decode_{image_format}", decoder_of(image_format)


TARGETS: dict[str, Target] = dict(_targets())
