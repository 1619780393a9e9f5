"""Identifiers of results: base32 of 48 bits of time and 112 random bits, 32 lower-case characters.

The time makes the storage folder and the expiry readable from the id alone, so a download reads one object.
"""

import base64
import re
from datetime import UTC, datetime

RANDOM_BYTES = 14
_SHAPE = re.compile(r"[a-z2-7]{32}")


def make_result_id(now_ms: int, entropy: bytes) -> str:
    """Return an id for a result made at ``now_ms`` (Unix time) from exactly 14 random bytes."""
    if len(entropy) != RANDOM_BYTES:
        raise ValueError(f"a result id needs {RANDOM_BYTES} random bytes, not {len(entropy)}")
    return base64.b32encode(now_ms.to_bytes(6) + entropy).decode().lower()


def is_result_id(text: str) -> bool:
    """Tell whether the text has an id's shape; it may still name nothing."""
    return _SHAPE.fullmatch(text) is not None


def created_ms(result_id: str) -> int:
    """Return the Unix time in milliseconds that a well-formed id carries."""
    return int.from_bytes(base64.b32decode(result_id.upper())[:6])


def storage_day(result_id: str) -> str:
    """Return the UTC day of an id as ``yyyymmdd``: the folder its object lies in."""
    # The largest 48-bit time lies past the year 9999, which strftime cannot write.
    seconds = min(created_ms(result_id) / 1000, 253_402_300_799)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d")
