"""Idempotency-Key: how a repeat is recognised, and what is remembered so that it gets the first answer, uncounted."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from minipic.domain.identifiers import created_ms
from minipic.domain.image import Options
from minipic.domain.ledger import Line
from minipic.domain.metering import PRUNE_AFTER_MS, Lease, next_month
from minipic.errors import BadRequest

HEADER = "Idempotency-Key"
MAX_KEY_CHARS = 255
KEY_PATTERN = f"^[!-~]{{1,{MAX_KEY_CHARS}}}$"
REMEMBERED_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a repeat from another request: a hash of its Idempotency-Key, and one of all that was asked."""

    key_hash: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that has taken an Idempotency-Key of its account; the key itself is never stored.

    ``result_id`` and ``link_token`` are chosen before the work, so that whoever meets the claim finds the result.
    ``seq`` and ``month`` are the account's at the claim: the charge, if there is one, comes after them.
    """

    account_id: str
    key_hash: str
    fingerprint: str
    result_id: str
    link_token: str
    lease: Lease
    seq: int
    month: int
    expires_ms: int
    is_done: bool = False


def parse_key(text: str) -> str:
    """Return the key that a header holds; BadRequest does not repeat it, because it may be a secret."""
    if not re.fullmatch(KEY_PATTERN, text):
        raise BadRequest(f"`{HEADER}` takes 1 to {MAX_KEY_CHARS} visible ASCII characters, without spaces.")
    return text


def identify(key: str, route: str, options: Options, content: bytes | str) -> Identity:
    """Return the identity of a request for ``route``; ``content`` is the image itself, or names where it is."""
    kind = "image" if isinstance(content, bytes) else "name"
    head = json.dumps([route, kind, _given(options)], separators=(",", ":"), sort_keys=True)
    asked = hashlib.sha256(head.encode() + b"\n")
    asked.update(content if isinstance(content, bytes) else content.encode())
    return Identity(hashlib.sha256(key.encode()).hexdigest(), asked.hexdigest())


def _given(options: Options) -> dict[str, object]:
    # Without what is at its default an option that a later version adds makes no repeat another request.
    defaults = json.loads(Options().to_json())
    return {name: value for name, value in json.loads(options.to_json()).items() if value != defaults[name]}


def remembered_until_ms(result_id: str, lease: Lease, lifetime_ms: int) -> int:
    """Return when a claim ends: so long after its work began, and never before its request does."""
    return max(created_ms(result_id) + lifetime_ms, lease.expires_ms + PRUNE_AFTER_MS)


def months_between(first: int, last: int) -> Iterator[int]:
    """Yield the months from ``first`` to ``last``, as yyyymm."""
    month = first
    while month <= last:
        yield month
        month = next_month(month)


def is_too_late(claim: Claim, line: Line) -> bool:
    """Tell whether a ledger's line was written after the claim's request could still be charged, by any clock.

    Purchases and corrections tell nothing: they bear the time of an operator's machine.
    """
    return not line.credits and line.at_ms > claim.lease.expires_ms + PRUNE_AFTER_MS
