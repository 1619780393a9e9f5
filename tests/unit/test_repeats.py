import hashlib
from dataclasses import replace

import pytest

from minipic.domain.identifiers import make_result_id
from minipic.domain.image import ImageFormat, Options, Preserve, Preset, Resize, ResizeMethod
from minipic.domain.ledger import Line
from minipic.domain.metering import LEASE_MS, PRUNE_AFTER_MS, Lease
from minipic.domain.repeats import Claim, identify, is_too_late, months_between, parse_key, remembered_until_ms
from minipic.errors import BadRequest

NOW_MS = 1_795_000_000_000
DAY_S = 86_400
LEASE = Lease("acct", "key", "lease", NOW_MS + LEASE_MS)
RESULT_ID = make_result_id(NOW_MS, bytes(14))
OTHER_OPTIONS = [
    Options(quality=Preset.HIGH),
    Options(quality=80),
    Options(formats=(ImageFormat.WEBP,)),
    Options(background=(0, 0, 0)),
    Options(resize=Resize(ResizeMethod.SCALE, 5)),
    Options(resize=Resize(ResizeMethod.SCALE, None, 5)),
    Options(preserve=frozenset({Preserve.COPYRIGHT})),
]


def test_the_same_request_has_the_same_identity() -> None:
    """Equal routes, options and contents are one request; the order in which things to keep are named is none."""
    kept = [Options(preserve=frozenset(names)) for names in (list(Preserve), list(reversed(Preserve)))]
    first, second = (identify("key", "shrink", options, b"image") for options in kept)
    assert first == second


def test_whatever_differs_is_another_request() -> None:
    """Another route, option or content is another fingerprint under the same key."""
    asked = [
        identify("key", "shrink", Options(), b"image"),
        identify("key", "compress", Options(), b"image"),
        identify("key", "shrink", Options(), b"imagf"),
        identify("key", "shrink", Options(), "image"),
        *(identify("key", "shrink", options, b"image") for options in OTHER_OPTIONS),
    ]
    assert len({identity.fingerprint for identity in asked}) == len(asked)
    assert len({identity.key_hash for identity in asked}) == 1


def test_the_key_is_only_its_hash() -> None:
    """Neither hash holds the key, and two keys have two."""
    first, second = (identify(key, "shrink", Options(), b"image") for key in ("order-17", "order-18"))
    assert first.key_hash != second.key_hash
    assert first.fingerprint == second.fingerprint
    assert "order" not in first.key_hash + first.fingerprint


def test_options_at_their_default_are_not_in_it() -> None:
    """What nobody asked for is no part of the fingerprint: an option that comes later changes no request of before."""
    plain = identify("key", "shrink", Options(), b"image")
    assert identify("key", "shrink", Options(quality=Preset.SMART, formats=()), b"image") == plain
    assert plain.fingerprint == hashlib.sha256(b'["shrink","image",{}]\nimage').hexdigest()


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "\x7f", "é", "k" * 256])
def test_what_is_no_key(text: str) -> None:
    """A key is 1 to 255 characters from ! to ~."""
    with pytest.raises(BadRequest, match="Idempotency-Key"):
        parse_key(text)


def test_a_claim_lives_as_long_as_its_result() -> None:
    """A claim ends with its result, after 24 hours at most, and not while its own request may still be charged."""
    assert remembered_until_ms(RESULT_ID, LEASE, DAY_S * 1000) == NOW_MS + DAY_S * 1000
    assert remembered_until_ms(RESULT_ID, LEASE, 3_600_000) == NOW_MS + 3_600_000
    assert remembered_until_ms(RESULT_ID, LEASE, 60_000) == LEASE.expires_ms + PRUNE_AFTER_MS


@pytest.mark.parametrize(
    ("first", "last", "months"),
    [
        (202611, 202611, [202611]),
        (202611, 202702, [202611, 202612, 202701, 202702]),
        (202612, 202611, []),
    ],
)
def test_months(first: int, last: int, months: list[int]) -> None:
    """Months follow each other over the end of a year."""
    assert list(months_between(first, last)) == months


def test_lines_that_come_too_late() -> None:
    """A line later than the lease, by more than clocks differ, is not the claim's, nor is any after it."""
    claim = Claim("acct", "h", "f", RESULT_ID, "", LEASE, seq=0, month=202611, expires_ms=NOW_MS)
    line = Line(1, LEASE.expires_ms + PRUNE_AFTER_MS, 202611, "shrink", "key", "", RESULT_ID, 1, 1, 1, "plan", 0, 0)
    assert not is_too_late(claim, line)
    assert is_too_late(claim, replace(line, at_ms=line.at_ms + 1))
    assert not is_too_late(claim, replace(line, at_ms=line.at_ms + 1, images=0, credits=5))
