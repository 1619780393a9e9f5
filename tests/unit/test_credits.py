"""Packs, corrections, the low balance, overrides and pruning, as pure functions."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minipic.domain import keyring
from minipic.domain.account import Account, Overrides, Pack
from minipic.domain.credits import (
    MAX_PACKS,
    NotEnoughCredits,
    ReferenceUsed,
    TooManyPacks,
    correct,
    grant,
    images_left,
    is_low,
)
from minipic.domain.ledger import latest_line, pack_of_draw
from minipic.domain.pruning import DAY_MS, first_kept_month, pruned

from .accounts_at_hand import MONTH, NOW_MS, PLAN, PLANS, make_account

FIELDS = st.none() | st.integers(1, 1000)


def with_packs(*sizes: int, drawn: int = 0) -> Account:
    account = make_account(plan="paid", free_limit=0)
    for number, size in enumerate(sizes):
        account = (
            grant(account, f"p{number}", size, NOW_MS, PLANS)
            if size > 0
            else correct(account, f"p{number}", size, "mistake", NOW_MS)
        )
    return replace(account, credits_drawn=account.credits_drawn + drawn)


@given(st.lists(st.integers(-5, 9).filter(bool), max_size=8), st.data())
def test_packs_add_up_to_the_balance(sizes: list[int], data: st.DataObject) -> None:
    """Whatever was added, taken away and drawn, what is left of the packs is what is left of the account."""
    account = make_account(plan="paid")
    for number, size in enumerate(sizes):
        try:
            account = correct(account, f"c{number}", size, "mistake", NOW_MS)
        except NotEnoughCredits:
            assert account.credits_bought - account.credits_drawn < -size
    left = account.credits_bought - account.credits_drawn
    account = replace(account, credits_drawn=account.credits_drawn + data.draw(st.integers(0, left)))
    remaining = sum(pack.remaining(account.credits_drawn) for pack in account.packs)
    assert remaining == account.credits_bought - account.credits_drawn >= 0


def test_a_draw_never_belongs_to_what_was_taken_away() -> None:
    """Draws number on over packs in the order of purchase; a correction downwards is none of them."""
    account = with_packs(2, -1, 3)
    assert [pack_of_draw(account, draw) for draw in range(1, 7)] == ["p0", "p0", "p2", "p2", "p2", ""]


def test_a_corrections_line_says_why() -> None:
    """The line of a correction has what it changed, its reference and its reason, and no image."""
    line = latest_line(with_packs(5, -2))
    assert line is not None
    assert (line.operation, line.images, line.credits, line.drawn_from) == ("correction", 0, -2, "p1")
    assert (line.credits_remaining, line.reason) == (3, "mistake")


def test_a_correction_leaves_the_plan() -> None:
    """Credits given back do not make a free account a paid one: nothing was bought."""
    account = correct(make_account(), "c", 5, "", NOW_MS)
    assert (account.plan, account.free_limit) == ("free", 3)


def test_a_reference_is_of_one_size() -> None:
    """A reference that stands for another number of credits is refused, in either direction."""
    account = with_packs(5)
    with pytest.raises(ReferenceUsed):
        grant(account, "p0", 6, NOW_MS, PLANS)
    with pytest.raises(ReferenceUsed):
        correct(account, "p0", -5, "", NOW_MS)


def test_packs_are_limited() -> None:
    """An account holds a limited number of packs, because every charge writes them again."""
    account = with_packs(*([1] * MAX_PACKS))
    with pytest.raises(TooManyPacks):
        grant(account, "more", 1, NOW_MS, PLANS)


def test_low_is_below_the_threshold() -> None:
    """With free images and credits together below the threshold the balance is low; without a threshold never."""
    account = replace(with_packs(4), free_limit=1, month=MONTH, free_used={MONTH: 1})
    assert images_left(account) == 4
    assert [is_low(replace(account, low_balance=low)) for low in (0, 4, 5)] == [False, False, True]


def test_a_quota_used_beyond_its_limit_is_not_a_debt() -> None:
    """When the limit was lowered below what was used, no credit pays for the difference."""
    assert images_left(replace(with_packs(4), free_limit=1, month=MONTH, free_used={MONTH: 3})) == 4


@given(FIELDS, FIELDS, FIELDS)
def test_overrides_are_on_top(free_images: int | None, max_bytes: int | None, burst: int | None) -> None:
    """What is overridden is the override's, everything else the plan's."""
    limits = Overrides(free_images, max_bytes, burst=burst).on(PLAN)
    assert limits.free_images == (PLAN.free_images if free_images is None else free_images)
    assert limits.max_bytes == (PLAN.max_bytes if max_bytes is None else max_bytes)
    assert limits.burst == (PLAN.burst if burst is None else burst)
    assert (limits.name, limits.rate_per_second) == (PLAN.name, PLAN.rate_per_second)


def test_a_plan_that_is_gone_counts_as_free() -> None:
    """An account on a plan that is configured no longer has the free plan's limits, and its own overrides."""
    account = make_account(plan="old", overrides=Overrides(burst=7))
    assert PLANS.of(account) == replace(PLAN, burst=7)


@pytest.mark.parametrize(
    ("now_ms", "first"),
    [(1_798_761_599_999, 202512), (1_798_761_600_000, 202601), (1_795_000_000_000, 202511)],
)
def test_thirteen_months_are_kept(now_ms: int, first: int) -> None:
    """The current month and the twelve before it are kept, over the turn of the year."""
    assert first_kept_month(now_ms) == first


def test_the_newest_pack_stays() -> None:
    """Used-up packs go after a day, the newest and those that have something left never."""
    account = with_packs(2, -1, 3, 4, drawn=4)
    assert [pack.id for pack in pruned(account, NOW_MS + DAY_MS).packs] == ["p0", "p1", "p2", "p3"]
    assert [pack.id for pack in pruned(account, NOW_MS + DAY_MS + 1).packs] == ["p3"]
    spent = with_packs(2, drawn=2)
    assert pruned(spent, NOW_MS + 2 * DAY_MS) == spent


def test_a_deleted_key_with_work_is_not_listed() -> None:
    """A key that is deleted while it has a lease counts no longer, and goes with its lease."""
    account = make_account()
    busy = replace(account.keys["k"], leases={"l": NOW_MS})
    account = keyring.without(replace(account, keys={**account.keys, "k": busy}), "k")
    assert keyring.kept(account).keys() == {"t"}
    assert "k" in pruned(account, NOW_MS).keys
    assert "k" not in pruned(account, NOW_MS + DAY_MS).keys


def test_a_pack_never_has_less_than_nothing() -> None:
    """Neither a spent pack nor a correction downwards has a negative remainder."""
    assert Pack("p", 3, 3, 0).remaining(9) == Pack("c", -3, 3, 0).remaining(0) == 0
