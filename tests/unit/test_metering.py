"""The transitions of metering, as pure functions."""

from dataclasses import replace

import pytest

from minipic.domain.account import Account, Plan, Source, Status
from minipic.domain.credits import grant
from minipic.domain.metering import (
    LEASE_MS,
    MAX_LEASES,
    PRUNE_AFTER_MS,
    Charge,
    Verdict,
    admit,
    month_of,
    release,
    settle,
    standing,
)
from minipic.errors import (
    AccountLimitReached,
    AccountSuspended,
    MiniPicError,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)

from .accounts_at_hand import MONTH, NOW_MS, PLAN, PLANS, SANDBOX_LIMIT, make_account, make_lease, plans_with

CHARGE = Charge("shrink", "result", 100, 50)


def admitted(account: Account, name: str = "l", key_id: str = "k", now_ms: int = NOW_MS, plan: Plan = PLAN) -> Account:
    verdict = admit(account, make_lease(name, key_id, now_ms), now_ms, plans_with(free=plan))
    assert verdict.error is None
    return verdict.account


def charged(account: Account, name: str = "l", key_id: str = "k", now_ms: int = NOW_MS) -> Account:
    lease = make_lease(name, key_id, now_ms)
    verdict = settle(admitted(account, name, key_id, now_ms), lease, now_ms, CHARGE, PLANS)
    assert verdict.error is None
    return verdict.account


def refused(account: Account, key_id: str = "k") -> type[MiniPicError]:
    verdict = admit(account, make_lease("new", key_id), NOW_MS, PLANS)
    assert verdict.error is not None
    assert verdict.account is account
    return type(verdict.error)


def test_unknown_key() -> None:
    """A key that the account does not have is refused like any bad key."""
    assert refused(make_account(), "none") is Unauthorized


def test_disabled_key_before_suspension() -> None:
    """A disabled key is refused as a bad key, even when the account is suspended too."""
    account = make_account(status=Status.SUSPENDED)
    keys = {"k": replace(account.keys["k"], enabled=False)}
    assert refused(replace(account, keys=keys)) is Unauthorized


def test_suspended_account() -> None:
    """A good key of a suspended account is told so."""
    assert refused(make_account(status=Status.SUSPENDED)) is AccountSuspended


def test_burst_then_rate() -> None:
    """Twenty requests may come at once, the next must wait, and each 100 ms lets one more in."""
    account = make_account()
    for number in range(20):
        account = release(admitted(account, str(number)), make_lease(str(number)))
    verdict = admit(account, make_lease("21"), NOW_MS, PLANS)
    assert isinstance(verdict.error, TooManyRequests)
    assert verdict.error.retry_after_s == 1
    later = admitted(account, "21", now_ms=NOW_MS + 100)
    assert isinstance(
        admit(later, make_lease("22"), NOW_MS + 100, PLANS).error,
        TooManyRequests,
    )


def test_concurrency() -> None:
    """Twenty requests may be in progress at once, however slowly they came."""
    account = make_account()
    for number in range(20):
        account = admitted(account, str(number), now_ms=NOW_MS + number * 100)
    verdict = admit(account, make_lease("21"), NOW_MS + 5000, PLANS)
    assert isinstance(verdict.error, TooManyRequests)
    assert admitted(release(account, make_lease("7")), "21", now_ms=NOW_MS + 5000)


def test_work_from_the_queue_asks_for_no_rate() -> None:
    """A job was let in when it was sent: it starts while its key is too fast, and slows nobody down."""
    account = make_account()
    for number in range(20):
        account = release(admitted(account, str(number)), make_lease(str(number)))
    verdict = admit(account, make_lease("job"), NOW_MS, PLANS, from_queue=True)
    assert verdict.error is None
    assert verdict.account.keys["k"].tat_ms == account.keys["k"].tat_ms


def test_work_from_the_queue_is_bounded_too() -> None:
    """A key's jobs take as many places as one update of the store can prune, and expired ones free theirs."""
    account, plans = make_account(), PLANS
    for number in range(MAX_LEASES):
        account = admit(account, make_lease(str(number)), NOW_MS, plans, from_queue=True).account
    assert isinstance(admit(account, make_lease("more"), NOW_MS, plans, from_queue=True).error, TooManyRequests)
    later_ms = NOW_MS + LEASE_MS + PRUNE_AFTER_MS
    verdict = admit(account, make_lease("later", now_ms=later_ms), later_ms, plans, from_queue=True)
    assert verdict.error is None
    assert len(verdict.account.keys["k"].leases) == 1


def test_work_from_the_queue_needs_a_key_and_an_image_left() -> None:
    """A job whose key was switched off, or whose account has nothing left, is not started."""
    account = make_account()
    off = replace(account, keys={"k": replace(account.keys["k"], enabled=False)})
    assert isinstance(admit(off, make_lease("job"), NOW_MS, PLANS, from_queue=True).error, Unauthorized)
    spent = replace(account, free_limit=0)
    assert isinstance(admit(spent, make_lease("job"), NOW_MS, PLANS, from_queue=True).error, AccountLimitReached)


def test_crashed_requests_free_their_places() -> None:
    """Leases that nobody settled hold no place once they and the clocks' margin have passed."""
    account = make_account()
    for number in range(20):
        account = admitted(account, str(number), now_ms=NOW_MS + number * 100)
    last_ms = NOW_MS + 1900 + LEASE_MS + PRUNE_AFTER_MS
    held = admit(account, make_lease("n", now_ms=last_ms), NOW_MS + LEASE_MS, PLANS)
    assert isinstance(held.error, TooManyRequests)
    assert set(admitted(account, "n", now_ms=last_ms).keys["k"].leases) == {"n"}


def test_admission_repeated() -> None:
    """Asking again with the same lease, after an answer was lost, takes neither a second place nor a second token."""
    account = admitted(make_account())
    again = admit(account, make_lease(), NOW_MS, PLANS)
    assert again == Verdict(account)


def test_free_then_credit_then_nothing() -> None:
    """Free images of the month go first, then credits, then nothing is left."""
    account = grant(make_account(free_limit=1), "p", 1, NOW_MS, plans_with(paid_images=1))
    account = charged(account, "1")
    assert account.entry is not None
    assert account.entry.source is Source.FREE
    account = charged(account, "2")
    assert account.entry is not None
    assert account.entry.source is Source.CREDIT
    assert refused(account) is AccountLimitReached


def test_last_image_taken_by_another() -> None:
    """Two requests admitted for the last image: the one that settles first gets it, the other is refused uncharged."""
    account = admitted(admitted(make_account(free_limit=1), "1"), "2")
    account = settle(account, make_lease("1"), NOW_MS, CHARGE, PLANS).account
    late = settle(account, make_lease("2"), NOW_MS, CHARGE, PLANS)
    assert isinstance(late.error, AccountLimitReached)
    assert late.account == account


def test_settle_repeated() -> None:
    """Settling again, after an answer was lost, is a success and charges nothing more."""
    account = charged(make_account())
    assert settle(account, make_lease(), NOW_MS + 1, CHARGE, PLANS) == Verdict(account)


def test_settle_after_expiry() -> None:
    """Work that outlived its lease is refused and not charged: its place may be another's by now."""
    account = admitted(make_account())
    late = settle(account, make_lease(), NOW_MS + LEASE_MS, CHARGE, PLANS)
    assert isinstance(late.error, ServiceUnavailable)
    assert late.account.seq == 0


def test_key_disabled_in_flight() -> None:
    """A key disabled during the work does not take the finished work away."""
    account = admitted(make_account())
    keys = {**account.keys, "k": replace(account.keys["k"], enabled=False)}
    verdict = settle(replace(account, keys=keys), make_lease(), NOW_MS, CHARGE, PLANS)
    assert verdict.error is None
    assert verdict.account.seq == 1


def test_month_begins_anew() -> None:
    """With the month the free images come back; what was used before stays on record."""
    account = make_account(free_limit=1, images={202610: 9}, free_used={202610: 1}, month=202610)
    account = charged(account)
    assert account.month == MONTH
    assert (account.images, account.free_used) == ({202610: 9, MONTH: 1}, {202610: 1, MONTH: 1})


def test_slow_clock_never_goes_back() -> None:
    """A machine whose clock is still in the old month charges to the new one, once that has begun."""
    account = charged(make_account(month=202612))
    assert account.month == 202612
    assert account.images == {202612: 1}


def test_sandbox_is_never_billed() -> None:
    """A sandbox call leaves every balance and the month's count as they are, and shows in the ledger's numbers."""
    before = make_account()
    after = charged(before, key_id="t")
    assert (after.images, after.free_used, after.credits_drawn) == (before.images, before.free_used, 0)
    assert (after.sandbox_used, after.seq) == ({MONTH: 1}, 1)


def test_sandbox_has_a_limit_of_its_own() -> None:
    """Sandbox keys stop at the free plan's number a month, however much the account has left."""
    account = make_account(free_limit=100, sandbox_used={MONTH: SANDBOX_LIMIT})
    assert refused(account, "t") is AccountLimitReached
    assert admitted(account)


def test_release_gives_the_place_back_once() -> None:
    """A released request leaves no trace but the rate; releasing again or after a charge changes nothing."""
    account = admitted(make_account())
    released = release(account, make_lease())
    assert released.keys["k"].leases == {}
    assert release(released, make_lease()) is released
    assert release(released, make_lease(key_id="none")) is released


def test_grant_is_repeatable() -> None:
    """A pack with the same reference is given once; the second grant changes nothing."""
    account = grant(make_account(), "p", 10, NOW_MS, plans_with(paid_images=500))
    assert (account.credits_bought, account.plan, account.free_limit) == (10, "paid", 500)
    assert grant(account, "p", 10, NOW_MS, plans_with(paid_images=500)) is account


def test_grant_keeps_a_plan_that_is_not_free() -> None:
    """Buying a pack changes the free plan only; any other plan and its limit stay."""
    account = grant(make_account(plan="team", free_limit=9), "p", 10, NOW_MS, plans_with(paid_images=500))
    assert (account.plan, account.free_limit) == ("team", 9)


def test_standing() -> None:
    """The headers' numbers: images this month, what is left of free and credits, and of the rate."""
    account = charged(grant(make_account(), "p", 10, NOW_MS, PLANS))
    now = standing(account, "k", NOW_MS, PLAN)
    assert (now.images, now.images_remaining) == (1, 12)
    assert (now.rate_limit, now.rate_remaining, now.rate_reset_s) == (20, 19, 1)
    later = standing(account, "k", NOW_MS + 100, PLAN)
    assert (later.rate_remaining, later.rate_reset_s) == (20, 0)


def test_standing_of_a_key_that_is_gone() -> None:
    """A key that the account no longer has still gets the account's numbers."""
    assert standing(make_account(), "none", NOW_MS, PLAN).images_remaining == 3


@pytest.mark.parametrize(
    ("now_ms", "month"),
    [(0, 197001), (1_798_761_599_999, 202612), (1_798_761_600_000, 202701)],
)
def test_month_is_utc(now_ms: int, month: int) -> None:
    """The month changes at midnight UTC, to the millisecond."""
    assert month_of(now_ms) == month
