"""Screening lists."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minipic.domain.screening import PDQ_DISTANCE, Screening, ScreeningListError, parse_screening_list

HASHES = st.integers(0, 2**256 - 1)


def test_off() -> None:
    """Without lists nothing is blocked, and no fingerprint is needed."""
    off = Screening()
    assert not off.blocks_bytes(b"anything")
    assert not off.blocks_look("f" * 64)
    assert not off.looks


def test_list() -> None:
    """A list names bytes and looks, one a line; comments and empty lines say nothing."""
    digest = hashlib.sha256(b"bad").hexdigest()
    screening = parse_screening_list(f"# ours\n\nsha256:{digest.upper()}\npdq:{'0' * 64}\n")
    assert screening.blocks_bytes(b"bad")
    assert not screening.blocks_bytes(b"good")
    assert screening.looks


@given(HASHES, st.sets(st.integers(0, 255), max_size=60))
def test_looks_alike(blocked: int, flipped: set[int]) -> None:
    """A picture is blocked when at most 31 of its 256 bits differ, and not beyond."""
    seen = blocked
    for bit in flipped:
        seen ^= 1 << bit
    assert Screening(pdq=(blocked,)).blocks_look(f"{seen:064x}") == (len(flipped) <= PDQ_DISTANCE)


@pytest.mark.parametrize("line", ["sha256:123", "md5:" + "0" * 64, "0" * 64])
def test_bad_line(line: str) -> None:
    """A line that is neither is an error that says which."""
    with pytest.raises(ScreeningListError, match="line 2"):
        parse_screening_list(f"# first\n{line}\n")
