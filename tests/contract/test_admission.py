from dataclasses import replace

import pytest

from minipic.domain import metering
from minipic.domain.account import Account, Status
from minipic.domain.metering import PRUNE_AFTER_MS, Verdict
from minipic.errors import (
    AccountSuspended,
    TooManyRequests,
    Unauthorized,
)
from minipic.stores import Accounts
from tests.contract.account_values import (
    CHARGE,
    LIVE_KEY,
    NOW_MS,
    PLAN,
    PLANS,
    TEST_KEY,
    admit,
    make_account,
    make_lease,
)


@pytest.fixture
def account(accounts: Accounts) -> Account:
    made = make_account()
    accounts.create(made)
    return made


def test_admission_gives_a_place_and_moves_the_rate(accounts: Accounts, account: Account) -> None:
    """An admitted request holds a lease and has used one of the key's burst; nothing is charged yet."""
    lease = make_lease(account)
    verdict = accounts.admit(lease, NOW_MS, PLANS)
    expected = metering.admit(account, lease, NOW_MS, PLANS)
    assert verdict == expected == Verdict(accounts.read(account.id))
    assert verdict.account.keys[LIVE_KEY].leases == {lease.id: lease.expires_ms}


def test_a_disabled_or_unknown_key_is_unauthorized(accounts: Accounts, account: Account) -> None:
    """Disabled and unknown are the same answer, and come before suspension."""
    accounts.set_status(account.id, Status.SUSPENDED)
    stored = accounts.set_key_enabled(account.id, LIVE_KEY, False)
    for key_id in (LIVE_KEY, "nobody"):
        verdict = admit(accounts, account, key_id=key_id)
        assert isinstance(verdict.error, Unauthorized)
        assert verdict.account == stored


def test_a_suspended_account_is_refused(accounts: Accounts, account: Account) -> None:
    """Suspension refuses new work; work in flight still settles."""
    lease = make_lease(account)
    accounts.admit(lease, NOW_MS, PLANS)
    accounts.set_status(account.id, Status.SUSPENDED)
    assert isinstance(admit(accounts, account).error, AccountSuspended)
    settled = accounts.settle(lease, NOW_MS, CHARGE, PLANS)
    assert settled.error is None
    assert settled.account.seq == 1


def test_the_rate_is_a_burst_and_a_refill(accounts: Accounts, account: Account) -> None:
    """20 at once are admitted, the 21st is told when to come back, and a place refills every 100 ms."""
    for _ in range(PLAN.burst):
        verdict = admit(accounts, account)
        assert verdict.error is None
        accounts.release(replace(make_lease(account), id=max(verdict.account.keys[LIVE_KEY].leases)))
    refused = admit(accounts, account)
    assert isinstance(refused.error, TooManyRequests)
    assert refused.error.retry_after_s == 1
    assert refused.account == accounts.read(account.id)
    assert isinstance(admit(accounts, account, NOW_MS + PLAN.interval_ms - 1).error, TooManyRequests)
    assert admit(accounts, account, NOW_MS + PLAN.interval_ms).error is None
    assert isinstance(admit(accounts, account, NOW_MS + PLAN.interval_ms).error, TooManyRequests)


def test_the_rate_is_a_keys_own(accounts: Accounts, account: Account) -> None:
    """A key that used its burst up takes nothing from the account's other key."""
    for _ in range(PLAN.burst):
        admit(accounts, account)
    assert admit(accounts, account, key_id=TEST_KEY).error is None


def test_twenty_in_progress_fill_a_key(accounts: Accounts, account: Account) -> None:
    """With 20 in progress the next is refused until one ends, or until the leases have expired for good."""
    leases = [make_lease(account) for _ in range(PLAN.concurrency)]
    for number, lease in enumerate(leases):
        assert accounts.admit(lease, NOW_MS + number * 100, PLANS).error is None
    later_ms = NOW_MS + 5000
    assert isinstance(admit(accounts, account, later_ms).error, TooManyRequests)
    accounts.release(leases[0])
    assert admit(accounts, account, later_ms).error is None
    expired_ms = leases[0].expires_ms + PRUNE_AFTER_MS
    assert isinstance(admit(accounts, account, expired_ms - 1).error, TooManyRequests)
    pruned = admit(accounts, account, expired_ms)
    assert pruned.error is None
    assert len(pruned.account.keys[LIVE_KEY].leases) == 2  # the later one of the two admissions above, and the new one
    assert not set(pruned.account.keys[LIVE_KEY].leases) & {lease.id for lease in leases}


def test_repeating_an_admission_changes_nothing(accounts: Accounts, account: Account) -> None:
    """The same lease again is admitted again without a second place or a second step of the rate."""
    lease = make_lease(account)
    first = accounts.admit(lease, NOW_MS, PLANS)
    assert accounts.admit(lease, NOW_MS, PLANS) == first
