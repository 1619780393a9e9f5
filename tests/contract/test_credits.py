"""Packs, corrections and overrides, and what is forgotten in time."""

from dataclasses import replace

import pytest

from minipic.domain import credits as balance
from minipic.domain.account import Account, Overrides, Source
from minipic.domain.credits import NotEnoughCredits
from minipic.domain.pruning import DAY_MS, pruned
from minipic.errors import AccountLimitReached, TooManyRequests
from minipic.stores import Accounts
from tests.contract.account_values import (
    CHARGE,
    DECEMBER,
    LIVE_KEY,
    NEXT_MONTH_MS,
    NOVEMBER,
    NOW_MS,
    PAID,
    PLAN,
    PLANS,
    admit,
    charge,
    make_account,
    make_lease,
    plans_with,
)
from tests.contract.test_concurrency import at_once

NO_FREE = plans_with(paid_images=0)


@pytest.fixture
def account(accounts: Accounts) -> Account:
    made = make_account()
    accounts.create(made)
    return made


def test_a_correction_is_made_once(accounts: Accounts, account: Account) -> None:
    """Credits given back are there once, with their reason, however often the correction is sent."""
    corrected = accounts.correct(account.id, "c1", 3, "a broken picture", NOW_MS)
    assert corrected == balance.correct(account, "c1", 3, "a broken picture", NOW_MS) == accounts.read(account.id)
    assert (corrected.credits_bought, corrected.credits_drawn, corrected.seq, corrected.plan) == (3, 0, 1, "free")
    assert corrected.entry is not None
    assert (corrected.entry.source, corrected.entry.credits) == (Source.CORRECTION, 3)
    assert accounts.correct(account.id, "c1", 3, "a broken picture", NOW_MS + 5) == corrected


def test_credits_taken_away_are_not_drawn(accounts: Accounts, account: Account) -> None:
    """A correction downwards leaves the rest to be drawn, pack by pack, and never takes more than there is."""
    accounts.grant(account.id, "p1", 2, NOW_MS, NO_FREE)
    accounts.grant(account.id, "p2", 2, NOW_MS, NO_FREE)
    corrected = accounts.correct(account.id, "c1", -3, "paid back", NOW_MS)
    assert [pack.remaining(corrected.credits_drawn) for pack in corrected.packs] == [0, 1, 0]
    with pytest.raises(NotEnoughCredits):
        accounts.correct(account.id, "c2", -2, "paid back", NOW_MS)
    assert charge(accounts, account).account.credits_drawn == 4
    assert isinstance(admit(accounts, account).error, AccountLimitReached)


def test_charges_and_corrections_at_once_never_overdraw(accounts: Accounts, account: Account) -> None:
    """While images are drawn, credits are taken away and given: what is left is exactly what was not used."""
    accounts.grant(account.id, "first", 10, NOW_MS, NO_FREE)

    def work(number: int) -> int:
        if number % 4 == 0:
            accounts.grant(account.id, f"p{number}", 2, NOW_MS, NO_FREE)
            return 2
        if number % 4 == 1:
            try:
                accounts.correct(account.id, f"c{number}", -3, "", NOW_MS)
            except NotEnoughCredits:
                return 0
            return -3
        now_ms = NOW_MS + number * 100
        lease = make_lease(account, now_ms=now_ms)
        if accounts.admit(lease, now_ms, NO_FREE).error is not None:
            return 0
        settled = accounts.settle(lease, now_ms, CHARGE, NO_FREE)
        if settled.error is not None:
            accounts.release(lease)
        return -1 if settled.error is None else 0

    moved = sum(at_once(12, work))
    after = accounts.read(account.id)
    assert after.credits_bought - after.credits_drawn == 10 + moved >= 0


def test_an_override_holds_at_once(accounts: Accounts, account: Account) -> None:
    """Quota, rate and concurrency of one account differ from its plan's from the next request on, in any process."""
    accounts.set_overrides(account.id, Overrides(free_images=2, rate_per_second=1, burst=1, concurrency=1), PLANS)
    assert charge(accounts, account).account.free_limit == 2
    assert isinstance(admit(accounts, account, NOW_MS + 999).error, TooManyRequests)
    assert admit(accounts, account, NOW_MS + 1000).error is None
    refused = admit(accounts, account, NOW_MS + 2000)
    assert isinstance(refused.error, TooManyRequests)
    assert len(refused.account.keys[LIVE_KEY].leases) == 1


def test_an_override_outlives_plans(accounts: Accounts, account: Account) -> None:
    """An own quota stays when the plan changes by hand or by a purchase; without it the plan's holds again."""
    accounts.set_overrides(account.id, Overrides(free_images=2), PLANS)
    assert accounts.grant(account.id, "p1", 1, NOW_MS, PLANS).free_limit == 2
    assert accounts.set_plan(account.id, PLAN).free_limit == 2
    assert accounts.set_plan(account.id, PAID).free_limit == 2
    plain = accounts.set_overrides(account.id, Overrides(), PLANS)
    assert (plain.free_limit, plain.overrides) == (PAID.free_images, Overrides())


def test_what_is_pruned_changes_no_balance(accounts: Accounts, account: Account) -> None:
    """Months of more than a year ago and packs used up go; every balance, and what was in use, stays."""
    accounts.grant(account.id, "p1", 1, NOW_MS, NO_FREE)
    accounts.grant(account.id, "p2", 1, NOW_MS, NO_FREE)
    accounts.grant(account.id, "p3", 5, NOW_MS, NO_FREE)
    for number in range(3):
        charge(accounts, account, NOW_MS + number * 1000)
    before = charge(accounts, account, NEXT_MONTH_MS).account
    later_ms = NEXT_MONTH_MS + 365 * DAY_MS  # December again: of the months before, only last December's is kept
    after = accounts.prune(account.id, later_ms)
    assert after == pruned(before, later_ms) == accounts.read(account.id)
    assert after.images == {DECEMBER: 1}
    assert [pack.id for pack in after.packs] == ["p3"]
    assert after.credits_bought - after.credits_drawn == before.credits_bought - before.credits_drawn == 3
    assert accounts.prune(account.id, later_ms) == after


def test_a_pruned_pack_is_not_granted_again(accounts: Accounts, account: Account) -> None:
    """The reference of a pack that was used up and forgotten still gives nothing more."""
    accounts.grant(account.id, "p1", 1, NOW_MS, NO_FREE)
    accounts.correct(account.id, "c1", -1, "", NOW_MS)
    accounts.grant(account.id, "p2", 1, NOW_MS, NO_FREE)
    after = accounts.prune(account.id, NOW_MS + 2 * DAY_MS)
    assert [pack.id for pack in after.packs] == ["p2"]
    assert accounts.grant(account.id, "p1", 1, NOW_MS, NO_FREE) == after
    assert accounts.correct(account.id, "c1", -1, "", NOW_MS) == after


def test_nothing_to_prune(accounts: Accounts, account: Account) -> None:
    """An account in its first month stays as it is."""
    before = charge(accounts, account).account
    assert accounts.prune(account.id, NOW_MS) == before
    assert before.images == {NOVEMBER: 1}


def test_a_threshold_is_kept(accounts: Accounts, account: Account) -> None:
    """The balance below which the owner is told is part of the account, and changes nothing else."""
    assert accounts.set_low_balance(account.id, 7) == replace(account, low_balance=7) == accounts.read(account.id)
