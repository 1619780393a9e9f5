from dataclasses import replace

import pytest

from minipic.domain import credits as balance
from minipic.domain import metering
from minipic.domain.account import Account, Source
from minipic.errors import (
    AccountLimitReached,
    ServiceUnavailable,
)
from minipic.stores import Accounts
from tests.contract.account_values import (
    CHARGE,
    DECEMBER,
    LIVE_KEY,
    NEXT_MONTH_MS,
    NOVEMBER,
    NOW_MS,
    PLAN,
    PLANS,
    SANDBOX_LIMIT,
    TEST_KEY,
    admit,
    charge,
    make_account,
    make_lease,
    plans_with,
)


@pytest.fixture
def account(accounts: Accounts) -> Account:
    made = make_account()
    accounts.create(made)
    return made


def test_a_disabled_keys_work_in_flight_settles(accounts: Accounts, account: Account) -> None:
    """A key that is switched off during the work does not undo the work."""
    lease = make_lease(account)
    accounts.admit(lease, NOW_MS, PLANS)
    accounts.set_key_enabled(account.id, LIVE_KEY, False)
    assert accounts.settle(lease, NOW_MS, CHARGE, PLANS).account.images == {NOVEMBER: 1}


def test_free_images_then_credits_then_nothing(accounts: Accounts, account: Account) -> None:
    """Images are drawn from the free quota, then from the packs in their order, and then refused."""
    accounts.grant(account.id, "p1", 2, NOW_MS, plans_with(paid_images=1))
    accounts.grant(account.id, "p2", 1, NOW_MS, PLANS)
    sources = []
    for number in range(4):
        entry = charge(accounts, account, NOW_MS + number * 1000).account.entry
        assert entry is not None
        sources.append(entry.source)
    assert sources == [Source.FREE, Source.CREDIT, Source.CREDIT, Source.CREDIT]
    refused = admit(accounts, account, NOW_MS + 5000)
    assert isinstance(refused.error, AccountLimitReached)
    assert refused.account.free_used == {NOVEMBER: 1}
    assert refused.account.images == {NOVEMBER: 4}
    assert (refused.account.credits_bought, refused.account.credits_drawn) == (3, 3)
    assert refused.account.seq == 6


def test_the_last_image_is_drawn_once(accounts: Accounts, account: Account) -> None:
    """Of two admitted requests and one image left, the second to settle is refused, uncharged."""
    accounts.set_plan(account.id, replace(PLAN, free_images=1))
    leases = [make_lease(account), make_lease(account)]
    for lease in leases:
        assert accounts.admit(lease, NOW_MS, PLANS).error is None
    first = accounts.settle(leases[0], NOW_MS, CHARGE, PLANS)
    second = accounts.settle(leases[1], NOW_MS, CHARGE, PLANS)
    assert first.error is None
    assert isinstance(second.error, AccountLimitReached)
    assert second.account == first.account == accounts.read(account.id)


def test_a_limit_lowered_in_flight_draws_from_credits(accounts: Accounts, account: Account) -> None:
    """A free quota that shrinks to nothing during the work leaves the packs, and then nothing."""
    leases = [make_lease(account), make_lease(account)]
    for lease in leases:
        accounts.admit(lease, NOW_MS, PLANS)
    accounts.grant(account.id, "p1", 1, NOW_MS, PLANS)
    accounts.set_plan(account.id, replace(PLAN, free_images=0))
    assert accounts.settle(leases[0], NOW_MS, CHARGE, PLANS).account.credits_drawn == 1
    assert isinstance(accounts.settle(leases[1], NOW_MS, CHARGE, PLANS).error, AccountLimitReached)


def test_settling_twice_charges_once(accounts: Accounts, account: Account) -> None:
    """A settle that is repeated before its lease's time succeeds and charges nothing more."""
    lease = make_lease(account)
    accounts.admit(lease, NOW_MS, PLANS)
    first = accounts.settle(lease, NOW_MS, CHARGE, PLANS)
    assert accounts.settle(lease, lease.expires_ms - 1, CHARGE, PLANS) == first
    assert first.account.images == {NOVEMBER: 1}
    assert first.account.seq == 1


def test_the_entry_says_what_the_request_said(accounts: Accounts, account: Account) -> None:
    """A charge leaves the model's entry in the account: when, what, by which key, for which result, which bytes."""
    lease = make_lease(account)
    admitted = accounts.admit(lease, NOW_MS, PLANS)
    settled = accounts.settle(lease, NOW_MS + 7, CHARGE, PLANS)
    assert settled == metering.settle(admitted.account, lease, NOW_MS + 7, CHARGE, PLANS)


def test_an_expired_lease_is_not_charged(accounts: Accounts, account: Account) -> None:
    """From a lease's time on, settling answers ServiceUnavailable and charges nothing."""
    lease = make_lease(account)
    admitted = accounts.admit(lease, NOW_MS, PLANS)
    late = accounts.settle(lease, lease.expires_ms, CHARGE, PLANS)
    assert isinstance(late.error, ServiceUnavailable)
    assert late.account == admitted.account == accounts.read(account.id)


def test_a_release_gives_the_place_back_uncharged(accounts: Accounts, account: Account) -> None:
    """Released work is never charged, not even by a settle that comes after it; releasing again is no error."""
    lease = make_lease(account)
    accounts.admit(lease, NOW_MS, PLANS)
    released = accounts.release(lease)
    assert released.keys[LIVE_KEY].leases == {}
    assert accounts.release(lease) == released
    assert accounts.settle(lease, NOW_MS, CHARGE, PLANS).account == released
    assert released.seq == 0


def test_a_new_month_brings_new_free_images(accounts: Accounts, account: Account) -> None:
    """At the first of the month the free quota is whole again; a machine with a slow clock charges the new month."""
    accounts.set_plan(account.id, replace(PLAN, free_images=1))
    charge(accounts, account, NEXT_MONTH_MS - 1)
    assert isinstance(admit(accounts, account, NEXT_MONTH_MS - 1).error, AccountLimitReached)
    rolled = charge(accounts, account, NEXT_MONTH_MS + 200).account
    assert rolled.free_used == {NOVEMBER: 1, DECEMBER: 1}
    assert rolled.month == DECEMBER
    assert isinstance(admit(accounts, account, NEXT_MONTH_MS - 1).error, AccountLimitReached)


def test_a_slow_clock_settles_in_the_later_month(accounts: Accounts, account: Account) -> None:
    """The account's month only rises: settle by a slow clock counts in the month that is known already."""
    lease = make_lease(account, now_ms=NEXT_MONTH_MS - 1)
    accounts.admit(lease, NEXT_MONTH_MS - 1, PLANS)
    charge(accounts, account, NEXT_MONTH_MS + 200)
    slow = accounts.settle(lease, NEXT_MONTH_MS - 1, CHARGE, PLANS).account
    assert slow.images == {DECEMBER: 2}
    assert slow.month == DECEMBER


def test_a_sandbox_key_is_never_billed(accounts: Accounts, account: Account) -> None:
    """Sandbox calls have their own monthly count and limit, and leave a line without an image."""
    accounts.set_plan(account.id, replace(PLAN, free_images=0))
    for number in range(SANDBOX_LIMIT):
        verdict = charge(accounts, account, NOW_MS + number * 1000, TEST_KEY)
        assert verdict.error is None
    assert verdict.account.sandbox_used == {NOVEMBER: SANDBOX_LIMIT}
    assert verdict.account.images == verdict.account.free_used == {}
    assert verdict.account.seq == SANDBOX_LIMIT
    assert isinstance(admit(accounts, account, NOW_MS + 9000, TEST_KEY).error, AccountLimitReached)
    assert admit(accounts, account, NEXT_MONTH_MS, TEST_KEY).error is None


def test_no_sandbox_without_a_limit(accounts: Accounts, account: Account) -> None:
    """A sandbox limit of 0 admits nothing."""
    verdict = accounts.admit(make_lease(account, TEST_KEY), NOW_MS, plans_with(free=replace(PLAN, free_images=0)))
    assert isinstance(verdict.error, AccountLimitReached)


def test_a_grant_makes_a_free_account_paid_once(accounts: Accounts, account: Account) -> None:
    """A pack adds its credits and its line once, however often it is granted, and makes a free account paid."""
    granted = accounts.grant(account.id, "p1", 10, NOW_MS, PLANS)
    assert granted == balance.grant(account, "p1", 10, NOW_MS, PLANS) == accounts.read(account.id)
    assert (granted.plan, granted.free_limit, granted.credits_bought, granted.seq) == ("paid", 7, 10, 1)
    assert accounts.grant(account.id, "p1", 10, NOW_MS + 5, PLANS) == granted
    second = accounts.grant(account.id, "p2", 5, NOW_MS, PLANS)
    assert [pack.end for pack in second.packs] == [10, 15]
    assert (second.free_limit, second.seq) == (7, 2)
