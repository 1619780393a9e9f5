"""API keys."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minipic.domain.keys import ENTROPY_BYTES, Environment, hash_key, make_key
from minipic.errors import Unauthorized

ENTROPY = st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES)
ENVIRONMENTS = st.sampled_from(Environment)


@given(ENVIRONMENTS, ENTROPY)
def test_shape(environment: Environment, entropy: bytes) -> None:
    """A key names its environment, is letters and digits after that, and fits into 44 characters."""
    key = make_key(environment, entropy)
    prefix, rest = key[:8], key[8:]
    assert prefix == f"mp_{environment}_"
    assert set(rest) <= set(string.ascii_letters + string.digits)
    assert len(key) <= 44


@given(ENVIRONMENTS, ENTROPY, ENTROPY)
def test_distinct(environment: Environment, one: bytes, other: bytes) -> None:
    """Two keys are equal only if their random bytes are: no entropy is lost on the way."""
    assert (make_key(environment, one) == make_key(environment, other)) == (one == other)


@given(ENVIRONMENTS, ENTROPY, st.data())
def test_typo(environment: Environment, entropy: bytes, data: st.DataObject) -> None:
    """One wrong character anywhere makes a key that is refused without asking a store."""
    key = make_key(environment, entropy)
    at = data.draw(st.integers(0, len(key) - 1))
    wrong = data.draw(st.sampled_from(string.ascii_letters + string.digits).filter(lambda char: char != key[at]))
    with pytest.raises(Unauthorized):
        hash_key(key[:at] + wrong + key[at + 1 :])


@given(st.text(max_size=60))
def test_anything_else(text: str) -> None:
    """Text that was never made as a key is refused, whatever it holds."""
    with pytest.raises(Unauthorized):
        hash_key(text)


def test_hash_is_no_key() -> None:
    """What the store keeps is a SHA-256 and contains nothing of the key."""
    key = make_key(Environment.LIVE, bytes(range(ENTROPY_BYTES)))
    assert len(hash_key(key)) == 64
    assert key[8:] not in hash_key(key)


def test_wrong_amount_of_entropy() -> None:
    """A key is never made from fewer random bytes than it needs."""
    with pytest.raises(ValueError, match="21 random bytes"):
        make_key(Environment.LIVE, b"short")
