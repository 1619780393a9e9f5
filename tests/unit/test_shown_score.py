"""Scores as answers tell them."""

from hypothesis import given
from hypothesis import strategies as st

from minipic.http.headers import shown_score


@given(st.floats(-200, 100))
def test_a_score_is_never_rounded_up(score: float) -> None:
    shown = shown_score(score)
    assert shown is not None
    assert score - 0.0101 < shown <= score


def test_no_score_is_none() -> None:
    assert shown_score(None) is None
