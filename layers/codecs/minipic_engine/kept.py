"""What may be kept of a file's metadata, in no format's own terms. What a client does not ask for is never kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate

from minipic.domain.image import Preserve

MAX_COPYRIGHT_BYTES = 2_000
"""A longer copyright is cut: it is somebody's terms of use, which no image needs to carry along."""

_MAX_TIME_CHARS = 64
_TIME = re.compile(r"([0-9]{4})[-:]([0-9]{2})[-:]([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?")


@dataclass(frozen=True, slots=True)
class Tag:
    """One EXIF tag: its number, the number of its type, its values in big-endian order."""

    number: int
    kind: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found of the three kinds; empty where there is none.

    ``creation`` is a local time such as ``2026-11-22T10:00:00``, as far as it was given; ``location`` holds EXIF's tags
    of a GPS position.
    """

    copyright: str = ""
    creation: str = ""
    location: tuple[Tag, ...] = ()

    def only(self, preserve: frozenset[Preserve]) -> "Kept":
        """Return the kinds that ``preserve`` names."""
        return Kept(
            copyright=self.copyright if Preserve.COPYRIGHT in preserve else "",
            creation=self.creation if Preserve.CREATION in preserve else "",
            location=self.location if Preserve.LOCATION in preserve else (),
        )

    def or_else(self, other: "Kept") -> "Kept":
        """Return this, with the kinds that it lacks taken from ``other``."""
        return Kept(
            copyright=self.copyright or other.copyright,
            creation=self.creation or other.creation,
            location=self.location or other.location,
        )


NOTHING = Kept()


@dataclass(frozen=True, slots=True)
class Metadata:
    """The parts of a file that may hold something to keep, unpacked and not understood yet.

    ``exif`` begins with its TIFF header, ``texts`` are PNG's, by keyword.
    """

    exif: bytes = b""
    xmp: bytes = b""
    texts: Mapping[str, str] = field(default_factory=dict)
    iptc: bytes = b""


def tidy_copyright(text: str) -> str:
    """Return ``text`` in one line of printable characters, cut to what is kept at most."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line.encode(errors="ignore")[:MAX_COPYRIGHT_BYTES].decode(errors="ignore").rstrip()


def tidy_time(text: str) -> str:
    """Return the time in ``text`` (EXIF, ISO 8601 or RFC 1123) without its zone; empty where it is none.

    The zone goes because EXIF's tag of the time has none. A year or a month alone goes too: no tag can say so.
    """
    text = text.strip()[:_MAX_TIME_CHARS]
    match = _TIME.match(text)
    if match is None:
        parsed = parsedate(text)
        parts = [f"{number:02}" for number in parsed[:6]] if parsed else []
    else:
        parts = [part for part in match.groups() if part is not None]
    try:
        datetime(*map(int, parts))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return ""
    parts[0] = parts[0].zfill(4)
    return "-".join(parts[:3]) + ("T" + ":".join(parts[3:]) if len(parts) > 3 else "")
