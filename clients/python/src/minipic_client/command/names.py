"""Names: what a terminal may show, and what every file system takes."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote, urlsplit

MAX_NAME_CHARS = 120
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$")  # devices on Windows, with any suffix


def shown(text: str) -> str:
    """Return text that a terminal shows and does not obey; what is no text at all becomes U+FFFD."""
    # Bytes of a name that are no text are U+DC80 to U+DCFF; the other halves of a pair come from JSON alone.
    known = "".join(
        char if not "\ud800" <= char < "\udc80" and not "\udcff" < char <= "\udfff" else "\ufffd" for char in text
    )
    whole = known.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\ufffd" for char in whole)


def reason(error: OSError) -> str:
    """Return what the system says of a failure, fit for the middle of a sentence."""
    text = error.strerror or "cannot be used"
    return text[:1].lower() + text[1:]


def name_from_url(url: str) -> str:
    """Return a file name for what is at the address: the last part of its path, made safe for every file system."""
    last = unquote(urlsplit(url).path, errors="replace").replace("\\", "/").rstrip("/").rpartition("/")[2]
    name = _UNSAFE.sub("_", last).strip(" .")
    if not name:
        return "image"
    stem, suffix = os.path.splitext(name)
    kept = stem[: MAX_NAME_CHARS - len(suffix)] + suffix if len(suffix) < 10 else name[:MAX_NAME_CHARS]
    return f"_{kept}" if _RESERVED.match(kept) else kept
