"""API keys: ``mp_live_`` or ``mp_test_``, 29 random characters, 6 of checksum; 43 characters in all.

The checksum (CRC-32 of everything before it) lets a typo be refused without asking the store. It is no secret and
guards nothing: what guards is 168 random bits, of which only a SHA-256 is kept.
"""

import hashlib
import zlib
from dataclasses import dataclass
from enum import StrEnum

from minipic.errors import Unauthorized

ENTROPY_BYTES = 21  # 168 bits
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_CHARS = 29  # 62**29 > 2**168
_CHECKSUM_CHARS = 6  # 62**6 > 2**32


class Environment(StrEnum):
    """Production keys are billed, sandbox keys never are."""

    LIVE = "live"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """What the store knows by a key's hash alone; it never changes, so it may be cached."""

    account_id: str
    key_id: str
    environment: Environment


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def make_key(environment: Environment, entropy: bytes) -> str:
    """Return a new key from exactly 21 random bytes, which the caller draws."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a key needs {ENTROPY_BYTES} random bytes, not {len(entropy)}")
    body = f"mp_{environment}_{_base62(int.from_bytes(entropy), _RANDOM_CHARS)}"
    return body + _base62(zlib.crc32(body.encode()), _CHECKSUM_CHARS)


def hash_key(text: str) -> str:
    """Return the hash under which the store knows this key; Unauthorized when it cannot be one of ours."""
    prefix, rest = text[:8], text[8:]
    well_formed = (
        prefix in ("mp_live_", "mp_test_")
        and len(rest) == _RANDOM_CHARS + _CHECKSUM_CHARS
        and rest.isascii()
        and rest.isalnum()
    )
    if not well_formed:
        raise Unauthorized
    body, checksum = text[:-_CHECKSUM_CHARS], text[-_CHECKSUM_CHARS:]
    if _base62(zlib.crc32(body.encode()), _CHECKSUM_CHARS) != checksum:
        raise Unauthorized
    return hashlib.sha256(text.encode()).hexdigest()
