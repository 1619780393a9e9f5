"""PNG's text chunks: three ways to store a keyword and a text."""

import zlib
from collections.abc import Iterable

from .kept import Kept
from .xmp import MAX_XMP_BYTES

XMP = "XML:com.adobe.xmp"
COPYRIGHT, CREATION = "Copyright", "Creation Time"
NAMES = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_MAX_TEXT_BYTES = 64 * 1024
_MOST_BYTES = {XMP: MAX_XMP_BYTES, COPYRIGHT: _MAX_TEXT_BYTES, CREATION: _MAX_TEXT_BYTES}


def read(chunks: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the texts among ``chunks`` (name and payload) whose keyword may matter, as far as they are sound.

    Of one keyword only the first chunk is looked at: unpacking stays bounded however many there are.
    """
    seen: dict[str, str] = {}
    for name, payload in chunks:
        keyword = payload[:80].partition(b"\0")[0].decode("latin-1")
        if name in NAMES and keyword in _MOST_BYTES and keyword not in seen:
            seen[keyword] = _text_of(name, payload[len(keyword) + 1 :], _MOST_BYTES[keyword])
    return seen


def _text_of(name: bytes, content: bytes, most_bytes: int) -> str:
    is_packed, encoding = name == b"zTXt", "latin-1"
    if is_packed:
        content = content[1:]
    elif name == b"iTXt":
        is_packed, encoding = content[:1] == b"\1", "utf-8"
        content = content[2:].partition(b"\0")[2].partition(b"\0")[2]
    try:
        if is_packed:
            content = zlib.decompressobj().decompress(content, most_bytes + 1)
        return "" if len(content) > most_bytes else content.decode(encoding)
    except (zlib.error, UnicodeDecodeError):
        return ""


def written(kept: Kept, *, is_packed: bool = False) -> list[tuple[bytes, bytes]]:
    """Return copyright and time of ``kept`` as chunks (name and payload), in plain text unless ``is_packed``."""
    texts = ((COPYRIGHT, kept.copyright), (CREATION, kept.creation))
    return [_chunk_of(keyword.encode(), text, is_packed) for keyword, text in texts if text]


def _chunk_of(keyword: bytes, text: str, is_packed: bool) -> tuple[bytes, bytes]:
    try:
        plain = text.encode("latin-1")
    except UnicodeEncodeError:
        unicode = text.encode()
        return b"iTXt", keyword + (b"\0\1\0\0\0" + zlib.compress(unicode, 9) if is_packed else b"\0\0\0\0\0" + unicode)
    return (b"zTXt", keyword + b"\0\0" + zlib.compress(plain, 9)) if is_packed else (b"tEXt", keyword + b"\0" + plain)
