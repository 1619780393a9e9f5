"""Accounts, leases and charges as the tests of the stores make them."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from minipic.domain.account import Account, Key, Plan
from minipic.domain.keys import Environment
from minipic.domain.metering import LEASE_MS, Charge, Lease, Verdict
from minipic.domain.plans import Plans
from minipic.stores import Accounts

NOW_MS = int(datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp() * 1000)
NEXT_MONTH_MS = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1000)
NOVEMBER, DECEMBER = 202611, 202612
SANDBOX_LIMIT = 3
PLAN = Plan("free", free_images=SANDBOX_LIMIT, max_bytes=1000)
PAID = Plan("paid", free_images=7, max_bytes=2000)
PLANS = Plans({"free": PLAN, "paid": PAID})
LIVE_KEY, TEST_KEY = "k-live", "k-test"
CHARGE = Charge("shrink", "r" * 32, bytes_in=2000, bytes_out=1000, format="jpeg")

_numbers = itertools.count()


def plans_with(free: Plan = PLAN, paid_images: int = PAID.free_images) -> Plans:
    """Return plans with this free one, or with another quota of the paid one."""
    return Plans({"free": free, "paid": replace(PAID, free_images=paid_images)})


def make_account(free_limit: int = 5) -> Account:
    """Return a new account with one production key and one sandbox key."""
    return Account(
        id=f"acct-{uuid4().hex}",
        name="Ada & Söhne",
        created_ms=NOW_MS,
        plan="free",
        free_limit=free_limit,
        keys={
            LIVE_KEY: Key(Environment.LIVE, "site", NOW_MS),
            TEST_KEY: Key(Environment.TEST, "", NOW_MS),
        },
    )


def make_lease(account: Account, key_id: str = LIVE_KEY, now_ms: int = NOW_MS) -> Lease:
    """Return a new lease of the account's key."""
    return Lease(account.id, key_id, f"lease-{next(_numbers)}", now_ms + LEASE_MS)


def admit(accounts: Accounts, account: Account, now_ms: int = NOW_MS, key_id: str = LIVE_KEY) -> Verdict:
    """Return what the store says of a new request."""
    return accounts.admit(make_lease(account, key_id, now_ms), now_ms, PLANS)


def charge(accounts: Accounts, account: Account, now_ms: int = NOW_MS, key_id: str = LIVE_KEY) -> Verdict:
    """Return what the store says when a new request, which must be admitted, is settled at once."""
    lease = make_lease(account, key_id, now_ms)
    admitted = accounts.admit(lease, now_ms, PLANS)
    assert admitted.error is None
    return accounts.settle(lease, now_ms, CHARGE, PLANS)
