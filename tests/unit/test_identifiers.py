"""Identifiers of results."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minipic.domain.identifiers import RANDOM_BYTES, created_ms, is_result_id, make_result_id, storage_day

TIMES_MS = st.integers(0, 253_402_300_799_000)
ENTROPY = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)


@given(TIMES_MS, ENTROPY)
def test_time_is_readable(now_ms: int, entropy: bytes) -> None:
    """An id has the shape of one and tells when and on which UTC day it was made."""
    result_id = make_result_id(now_ms, entropy)
    assert is_result_id(result_id)
    assert created_ms(result_id) == now_ms
    assert storage_day(result_id) == f"{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%d}".zfill(8)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567", min_size=32, max_size=32))
def test_any_well_formed_id_has_a_day(result_id: str) -> None:
    """Every well-formed id, made or guessed, has a folder: looking it up never fails."""
    assert len(storage_day(result_id)) == 8


@pytest.mark.parametrize("text", ["", "short", "a" * 31, "a" * 33, "A" * 32, "../" + "a" * 29, "a" * 31 + "\n"])
def test_malformed(text: str) -> None:
    """What never was an id is told from one: wrong length, capitals, paths, line ends."""
    assert not is_result_id(text)


def test_wrong_amount_of_entropy() -> None:
    """An id is never made from fewer random bytes than it needs."""
    with pytest.raises(ValueError, match="14 random bytes"):
        make_result_id(0, b"short")
