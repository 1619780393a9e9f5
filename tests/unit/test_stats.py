"""Twelve months of an account, out of histories of any kind."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minipic.domain.account import Account
from minipic.domain.ledger import MonthSums
from minipic.domain.metering import month_of, months_until
from minipic.http.stats_answers import StatsData, stats_json
from minipic.service.stats import TREND_MONTHS, Stats

from .histories import DAY_MS, START_MS, History, new_history, step_strategy

MONTHS = tuple(months_until(month_of(START_MS), TREND_MONTHS))


def told(account: Account, sums: dict[int, MonthSums]) -> StatsData:
    """Return what is told of an account and its sums."""
    return stats_json(Stats(account, MONTHS, sums)).data


def told_of(history: History) -> StatsData:
    """Return what is told at the end of a history."""
    months = months_until(max(history.account.month, month_of(history.now_ms)), TREND_MONTHS)
    sums = {month: sums for month, sums in history.sums.items() if months[0] <= month <= months[-1]}
    return stats_json(Stats(history.account, tuple(months), sums)).data


@st.composite
def long_histories(draw: st.DrawFn) -> History:
    """Return a history over many months: between any two steps up to two of them may pass."""
    history = new_history()
    for kind, value in draw(st.lists(step_strategy, max_size=40)):
        history.step("wait", draw(st.integers(0, 60)) * DAY_MS)
        history.step(kind, value)
    return history


@pytest.mark.parametrize(
    ("month", "count", "months"),
    [
        (202611, 3, [202609, 202610, 202611]),
        (202702, 4, [202611, 202612, 202701, 202702]),
        (202612, 1, [202612]),
        (202612, 12, list(range(202601, 202613))),
    ],
)
def test_months_until(month: int, count: int, months: list[int]) -> None:
    """Months up to one are as many as asked for, oldest first, over the beginning of a year."""
    assert months_until(month, count) == months


@settings(max_examples=200)
@given(long_histories())
def test_the_year_is_what_the_lines_say(history: History) -> None:
    """Images and bytes of every month, types and operations are those of the billed lines of these months."""
    data = told_of(history)
    names = [month.month.replace("-", "") for month in data.monthly_trend]
    billed = [line for line in history.lines if str(line.month) in names and line.images]
    for name, month in zip(names, data.monthly_trend, strict=True):
        lines = [line for line in billed if str(line.month) == name]
        assert month.images == len(lines)
        assert month.bytes_in == sum(line.bytes_in for line in lines)
        assert month.bytes_saved == sum(line.bytes_in - line.bytes_out for line in lines)
    types = {kind.type: kind.images for kind in data.image_types}
    assert types == Counter(f"image/{line.format}" for line in billed if line.format)
    assert data.by_operation == Counter(line.operation for line in billed)
    assert data.compression.images == len(billed)
    assert data.compression.original_bytes == sum(month.bytes_in for month in data.monthly_trend)
    assert data.compression.bytes_saved == sum(month.bytes_saved for month in data.monthly_trend)


@settings(max_examples=200)
@given(long_histories())
def test_months_and_shares_are_whole(history: History) -> None:
    """There are always twelve months, without a gap; shares add up to 100, largest first."""
    data = told_of(history)
    assert len(data.monthly_trend) == TREND_MONTHS
    assert data.period.month == data.monthly_trend[-1].month
    assert sorted({month.month for month in data.monthly_trend}) == [month.month for month in data.monthly_trend]
    shares = [kind.share_percent for kind in data.image_types]
    assert shares == sorted(shares, reverse=True)
    assert not shares or sum(shares) == pytest.approx(100, abs=0.01 * len(shares))


def test_percentages() -> None:
    """A share is of the images whose type is known, the ratio of all bytes; both to 2 decimals."""
    sums = {
        MONTHS[0]: MonthSums({"shrink": 4}, 3000, 1000, {"png": 2}),
        MONTHS[-1]: MonthSums({"derive": 1}, 3000, 3000, {"avif": 1, "heic": 1, "jpeg": 2}),
    }
    data = told(new_history().account, sums)
    assert [(kind.type, kind.images, kind.share_percent) for kind in data.image_types] == [
        ("image/jpeg", 2, 33.33),
        ("image/png", 2, 33.33),
        ("image/avif", 1, 16.67),
        ("image/heic", 1, 16.67),
    ]
    assert data.compression.average_ratio_percent == 33.33


def test_nothing_was_compressed() -> None:
    """An account without an image has twelve zeros, no type, and a ratio of 0."""
    data = told(new_history().account, {})
    assert {(month.images, month.bytes_in, month.bytes_saved) for month in data.monthly_trend} == {(0, 0, 0)}
    assert (data.image_types, data.by_operation) == ([], {})
    assert (data.compression.images, data.compression.average_ratio_percent) == (0, 0.0)


def test_what_has_grown() -> None:
    """Conversions that made files larger saved less than nothing, and it is said."""
    data = told(new_history().account, {MONTHS[-1]: MonthSums({"derive": 1}, 100, 150, {"jpeg": 1})})
    assert data.monthly_trend[-1].bytes_saved == data.compression.bytes_saved == -50
    assert data.compression.average_ratio_percent == -50.0


def test_the_months_images_are_the_accounts() -> None:
    """While the ledger is behind, a month's images are those that the account has counted, as /v1/usage tells them."""
    account = replace(new_history().account, images={MONTHS[-1]: 5})
    data = told(account, {MONTHS[-1]: MonthSums({"shrink": 4}, 400, 200, {"png": 4})})
    assert (data.monthly_trend[-1].images, data.compression.images) == (5, 4)


def test_what_is_left() -> None:
    """The quota is the month's free images and the credits; a limit that was lowered leaves none, not fewer."""
    account = replace(new_history().account, credits_bought=9, credits_drawn=2, free_used={MONTHS[-1]: 2})
    quota = told(account, {}).quota
    assert quota.model_dump() == {
        "limit": 3,
        "used": 2,
        "remaining": 1,
        "credits_remaining": 7,
        "total_remaining": 8,
    }
    assert told(replace(account, free_limit=1), {}).quota.remaining == 0
    assert told(replace(account, free_limit=1), {}).quota.total_remaining == 7
