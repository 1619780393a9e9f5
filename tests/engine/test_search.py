"""The search for a setting, on curves that are known: it holds its target, in few trials, whatever the curve."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minipic_engine.search import ABOVE, MOST, Curve, Search, Trial

EVEN = Curve(start=50, slope=1, lowest=0, highest=100)


def on(score: Callable[[float], float]) -> Callable[[float], Trial]:
    """Return an encoder whose files grow with the setting."""
    return lambda setting: Trial(setting, bytes(int(setting * 10)), score(setting))


@given(
    target=st.floats(20, 95), slope=st.floats(0.3, 3), bend=st.floats(0.3, 3), off=st.floats(-20, 20),
)  # fmt: skip
@settings(max_examples=300)
def test_any_rising_curve_is_held_within_six_trials(target: float, slope: float, bend: float, off: float) -> None:
    def score(setting: float) -> float:
        return 100 * slope * math.pow(max(0.0, setting + off) / 120, bend)

    search = Search(target, EVEN)
    best = search.run(on(score))
    assert len(search.trials) <= MOST
    is_near = abs(score(EVEN.start) - target) < 35
    if is_near and score(EVEN.highest) >= target + 3 and score(EVEN.lowest) <= target:
        assert best.score >= target
        nearer = [trial for trial in search.trials if target <= trial.score < best.score]
        assert not nearer


@given(st.floats(30, 90), st.floats(-8, 7))
def test_an_expected_curve_takes_two_trials(target: float, off: float) -> None:
    search = Search(target, Curve(target, 1, 0, 100))
    best = search.run(on(lambda setting: setting + off))
    assert target <= best.score <= target + ABOVE
    assert len(search.trials) <= 2


@given(st.integers(0, 100), st.floats(-40, 40))
def test_steps_end_at_the_least_whole_number_that_holds(start: int, off: float) -> None:
    target = min(max(start + off, 0), 100)
    search = Search(target, Curve(start, 1, 0, 100, step=1))
    best = search.run(on(lambda setting: setting))
    assert best.setting == pytest.approx(math.ceil(target), abs=1)
    assert best.score >= target
    assert all(trial.setting == round(trial.setting) for trial in search.trials)


def test_a_target_out_of_reach_gives_the_nearest_there_is() -> None:
    search = Search(90, EVEN)
    assert search.run(on(lambda setting: setting * 0.8)).setting == 100
    assert len(search.trials) <= MOST


def test_everything_above_the_target_gives_the_smallest_there_is() -> None:
    assert Search(10, EVEN).run(on(lambda setting: 40 + setting / 10)).setting == 0


def test_a_score_that_does_not_move_ends_the_search() -> None:
    search = Search(90, EVEN)
    search.run(on(lambda _: 50.0))
    assert len(search.trials) <= MOST


def test_it_gives_up_after_so_many_trials_that_all_miss() -> None:
    search = Search(99, EVEN, patience=2)
    search.run(on(lambda setting: setting / 2))
    assert len(search.trials) == 2


def test_it_stops_when_there_is_no_time() -> None:
    search = Search(99, EVEN)
    search.run(on(lambda setting: setting / 2), lambda: False)
    assert len(search.trials) == 1


def test_it_is_not_asked_for_time_that_it_does_not_need() -> None:
    search = Search(50, EVEN)
    assert search.run(on(lambda setting: setting + 0.3), lambda: pytest.fail("the first was near enough")).score > 50


def test_trials_that_were_given_are_enough_when_there_is_no_time() -> None:
    search = Search(80, EVEN, [Trial(60, b"", 60)])
    assert search.run(lambda _: pytest.fail("there was no time"), lambda: False).setting == 60


def test_a_score_that_falls_does_not_change_the_slope() -> None:
    scores = {80.0: 77.0, 83.0: 76.0}
    search = Search(80, Curve(80, 1, 1, 100, step=1))
    search.run(on(lambda setting: scores.get(setting, setting - 7)))
    assert search.trials[1].setting == 83
    assert 87 <= search.trials[2].setting <= 89


def test_it_rises_no_more_at_once_than_the_curve_allows_but_falls_freely() -> None:
    high = Search(80, Curve(50, 1, 1, 100, longest_rise=8))
    high.run(on(lambda setting: setting))
    assert [trial.setting for trial in high.trials[:3]] == [50, 58, 66]
    low = Search(30, Curve(50, 1, 1, 100, longest_rise=8))
    low.run(on(lambda setting: setting))
    assert len(low.trials) == 2


def test_it_goes_on_from_trials_that_were_made_before() -> None:
    search = Search(80, EVEN, [Trial(80.5, b"", 80.5)])
    assert search.run(lambda _: pytest.fail("that one was good enough")).setting == 80.5


def test_the_smaller_of_two_that_hold_wins_even_where_the_score_is_not_in_order() -> None:
    trials = [Trial(60, b"1234", 85), Trial(50, b"123", 82), Trial(40, b"12", 79)]
    assert Search(80, EVEN, trials).best.data == b"123"


def test_a_gap_between_two_steps_is_looked_into() -> None:
    scores = {50: 60.0, 51: 61.0, 52: 79.0, 53: 95.0}
    search = Search(70, Curve(50, 10, 0, 100, step=1))
    best = search.run(on(lambda setting: scores.get(int(setting), 0.0 if setting < 50 else 99.0)))
    assert best.setting in (52, 53)
