"""What is kept of metadata beside EXIF: press records, and XMP as it is written for GIF."""

import struct

from minipic.domain.image import Preserve
from minipic_engine import iptc, jpeg_segments, kept, metadata, xmp
from tests.engine.engine_images import photo, saved


def test_iptc() -> None:
    """Press records are read from JPEG's Photoshop segment and from TIFF, also when a program swapped their bytes."""

    def record(number: int, text: bytes) -> bytes:
        return b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(text)) + text

    records = record(116, "© Ada".encode()) + record(55, b"20261122") + record(60, b"100002+0000") + record(5, b"x")
    expected = kept.Kept("© Ada", "2026-11-22T10:00:02")
    assert iptc.find(records) == expected
    resources = b"8BIM\x04\x00\0\0\0\0\0\1x\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records
    assert iptc.records_in(resources) == records
    assert iptc.records_in(b"8BIM\x04\x00\0\0\0\0\0\0") == iptc.records_in(b"") == b""
    padded = records + bytes(-len(records) % 4)
    swapped = b"".join(padded[at : at + 4][::-1] for at in range(0, len(padded), 4))
    assert iptc.find(iptc.swapped_back(swapped)) == expected
    assert iptc.find(b"\x1c" * 70_000) == iptc.find(b"\x1c\x02\x74\xff\xff") == kept.NOTHING
    assert iptc.find(record(55, b"2026") + record(116, b"\xe9")) == kept.Kept("é")
    assert iptc.find(record(55, b"20261122") + record(60, b"99")).creation == "2026-11-22"
    data = saved(photo(60, 44), "JPEG", quality=95)
    segment = b"\xff\xed" + struct.pack(">H", 2 + 14 + len(resources)) + iptc.PHOTOSHOP + resources
    spiked = data[:2] + segment + data[2:]
    found = metadata.find(jpeg_segments.read_metadata(spiked), frozenset(Preserve))
    assert found == expected


def test_xmp_is_written_as_it_is_read() -> None:
    """The packet for GIF says just what is kept, in ASCII; a position that is incomplete is left out."""
    rights = kept.Kept("Ä & <Co>", "2026-11-22T10:00:02")
    assert xmp.find(xmp.packet(rights)) == rights
    assert xmp.packet(kept.NOTHING) == b""
    assert xmp.packet(kept.Kept(location=(kept.Tag(1, 2, b"N\0"),))) == b""
    assert xmp.packet(rights).isascii()
