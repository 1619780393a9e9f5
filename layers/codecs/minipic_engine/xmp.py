"""XMP: the few properties that are read, and the shortest packet that says them, for GIF, which knows nothing else.

In every other format EXIF and PNG's texts say the same in fewer bytes.

Expat reads the packet as a stream. A packet with a DOCTYPE is refused at that point, so that none can define an entity;
the packet's size bounds everything else.
"""

import re
import struct
from html import escape
from xml.parsers import expat

from .exif import ASCII, RATIONAL
from .kept import NOTHING, Kept, Tag, tidy_copyright, tidy_time

MAX_XMP_BYTES = 1024 * 1024
"""A larger packet is an editor's history; it is not searched."""

_RIGHTS = "http://purl.org/dc/elements/1.1/ rights"
_TIMES = ("http://ns.adobe.com/xap/1.0/ CreateDate", "http://ns.adobe.com/photoshop/1.0/ DateCreated")
_LATITUDE, _LONGITUDE = (f"http://ns.adobe.com/exif/1.0/ GPS{side}" for side in ("Latitude", "Longitude"))
_WANTED = frozenset({_RIGHTS, *_TIMES, _LATITUDE, _LONGITUDE})
_COORDINATE = re.compile(r"([0-9]{1,3}),([0-9]{1,2})(?:,([0-9]{1,2})|(\.[0-9]{1,9}))?([NSEW])")
_MINUTE_PARTS = 1_000_000


class _RefusedError(Exception):
    """The packet has a DOCTYPE."""


class _Reader:
    """Collects the wanted properties, written as an attribute, as an element's text, or as a list's first item."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._open = ""
        self._depth = 0
        self._text: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element."""
        for wanted in _WANTED & attributes.keys():
            self.found.setdefault(wanted, attributes[wanted])
        if self._open:
            self._depth += 1
        elif name in _WANTED:
            self._open, self._depth = name, 0
        self._text.clear()

    def end(self, _name: str) -> None:
        """End an element; its own text counts, so of a list's items the first that has some."""
        if not self._open:
            return
        text = "".join(self._text).strip()
        self._text.clear()
        if text:
            self.found.setdefault(self._open, text)
        if self._depth == 0:
            self._open = ""
        self._depth -= 1

    def text(self, text: str) -> None:
        """Take a piece of text."""
        if self._open:
            self._text.append(text)

    def refuse(self, *_: object) -> None:
        """Stop at a DOCTYPE."""
        raise _RefusedError


def find(packet: bytes) -> Kept:
    """Return what an XMP packet holds of the kinds that may be kept, as far as it is sound."""
    if len(packet) > MAX_XMP_BYTES:
        return NOTHING
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(packet.strip(b"\0 \r\n\t"), True)
    except expat.ExpatError:
        pass
    except (_RefusedError, LookupError, ValueError):  # also an encoding that is unknown, or wrong for the bytes
        return NOTHING
    found = reader.found
    latitude, longitude = (_coordinate(found.get(side, ""), side == _LATITUDE) for side in (_LATITUDE, _LONGITUDE))
    return Kept(
        copyright=tidy_copyright(found.get(_RIGHTS, "")),
        creation=next(filter(None, (tidy_time(found.get(name, "")) for name in _TIMES)), ""),
        location=latitude + longitude if latitude and longitude else (),
    )


def _coordinate(text: str, is_latitude: bool) -> tuple[Tag, ...]:
    """Return ``text``, such as ``52,30.98N`` or ``52,30,59N``, as EXIF's two tags; nothing where it is another."""
    match = _COORDINATE.fullmatch(text.strip())
    if match is None or (match[5] in "NS") != is_latitude:
        return ()
    degrees, minutes, seconds = int(match[1]), int(match[2]), int(match[3] or 0)
    if minutes >= 60 or seconds >= 60 or degrees > (90 if is_latitude else 180):
        return ()
    minute_parts = minutes * _MINUTE_PARTS + round(float(match[4] or 0) * _MINUTE_PARTS)
    number = 1 if is_latitude else 3
    value = struct.pack(">6I", degrees, 1, minute_parts, _MINUTE_PARTS, seconds, 1)
    return Tag(number, ASCII, match[5].encode() + b"\0"), Tag(number + 1, RATIONAL, value)


def packet(kept: Kept) -> bytes:
    """Return a packet that says what is kept, in ASCII, so that no byte of it ends a GIF's block; empty for nothing."""
    attributes = ""
    if kept.creation:
        attributes += f' xmlns:x="http://ns.adobe.com/xap/1.0/" x:CreateDate="{kept.creation}"'
    sides = _sides(kept.location)
    if sides:
        attributes += ' xmlns:e="http://ns.adobe.com/exif/1.0/"'
        attributes += "".join(f' e:GPS{name}="{value}"' for name, value in sides.items())
    rights = ""
    if kept.copyright:
        attributes += ' xmlns:d="http://purl.org/dc/elements/1.1/"'
        text = escape(kept.copyright, quote=False)
        rights = f'<d:rights><r:Alt><r:li xml:lang="x-default">{text}</r:li></r:Alt></d:rights>'
    if not attributes:
        return b""
    resource = 'xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
    body = f'<r:Description r:about=""{attributes}>{rights}</r:Description>'
    whole = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF {resource}>{body}</r:RDF></x:xmpmeta>'
    return whole.encode("ascii", errors="xmlcharrefreplace")


def _sides(location: tuple[Tag, ...]) -> dict[str, str]:
    """Return latitude and longitude as XMP writes them; nothing where a tag of them is missing or odd."""
    tags = {tag.number: tag.value for tag in location}
    found: dict[str, str] = {}
    for name, number in (("Latitude", 1), ("Longitude", 3)):
        half, value = tags.get(number, b"")[:1].decode("latin-1"), tags.get(number + 1, b"")
        numbers = struct.unpack(">6I", value) if len(value) == 24 else ()
        if half not in tuple("NSEW") or not numbers or not all(numbers[1::2]):
            return {}
        degrees, minutes, seconds = (top / bottom for top, bottom in zip(numbers[::2], numbers[1::2], strict=True))
        whole = int(degrees)
        found[name] = f"{whole},{(degrees - whole) * 60 + minutes + seconds / 60:.6f}{half}"
    return found
