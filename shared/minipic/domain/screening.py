"""Screening: lists of content that is not worked on, by the bytes (SHA-256) or by the look (PDQ)."""

import hashlib
import re
from dataclasses import dataclass

PDQ_DISTANCE = 31
"""Two PDQ hashes at most this many of 256 bits apart are the same picture (the value its authors recommend)."""

_LINE = re.compile(r"(sha256|pdq):([0-9a-f]{64})")


class ScreeningListError(ValueError):
    """A line of the list is none; the message names it."""


@dataclass(frozen=True, slots=True)
class Screening:
    """What is blocked. With empty lists nothing is: that is screening switched off."""

    sha256: frozenset[str] = frozenset()
    pdq: tuple[int, ...] = ()

    @property
    def looks(self) -> bool:
        """Whether a picture's look has to be known, too."""
        return bool(self.pdq)

    def blocks_bytes(self, data: bytes) -> bool:
        """Tell whether exactly these bytes are blocked."""
        return bool(self.sha256) and hashlib.sha256(data).hexdigest() in self.sha256

    def blocks_look(self, fingerprint: str) -> bool:
        """Tell whether a picture with this PDQ hash (64 hexadecimal digits) is blocked."""
        return any((int(fingerprint, 16) ^ blocked).bit_count() <= PDQ_DISTANCE for blocked in self.pdq)


def parse_screening_list(text: str) -> Screening:
    """Return the screening that a list says: a line each, ``sha256:`` or ``pdq:`` and 64 hexadecimal digits.

    Empty lines and lines that begin with # are comments.
    """
    found: dict[str, list[str]] = {"sha256": [], "pdq": []}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip().lower()
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ScreeningListError(f"line {number} of the screening list is neither sha256:… nor pdq:…")
        found[match[1]].append(match[2])
    return Screening(frozenset(found["sha256"]), tuple(int(pdq, 16) for pdq in found["pdq"]))
