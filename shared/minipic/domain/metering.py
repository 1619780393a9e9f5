"""Metering as pure transitions on integers: admit, settle, release; the time is passed in.

A request is *admitted* (its key is on, its account active, its rate and its number in progress allow it, something is
left to draw) and gets a lease; after the work it is *settled* (charged and recorded, the lease removed), or *released*
without a charge. A lease that nobody settles expires by itself, uncharged. The stores say the same in SQL and in
DynamoDB's expressions; this module is what they are compared with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from minipic.domain.account import Account, Entry, Key, Plan, Source, Status
from minipic.domain.keys import Environment
from minipic.domain.plans import Plans
from minipic.errors import (
    AccountLimitReached,
    AccountSuspended,
    MiniPicError,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)

LEASE_MS = 120_000
MAX_LEASES = 90  # of one key: DynamoDB takes conditions of 4 KB, and one that prunes a key names each expired lease
PRUNE_AFTER_MS = 10_000  # another machine's clock may run behind: its lease is taken away only this much later


@dataclass(frozen=True, slots=True)
class Lease:
    """A request in progress of one key: a random id and the time at which its place is free by itself."""

    account_id: str
    key_id: str
    id: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What a finished request wants to see in the ledger.

    ``format`` is the ``ImageFormat`` of the input, as text; empty where it is unknown.
    """

    operation: str
    result_id: str
    bytes_in: int
    bytes_out: int
    format: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The account after a step, and the error that refused the step, if one did (the account is then as it was)."""

    account: Account
    error: MiniPicError | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the metered headers say: images this month, and what is left of the rate and of the balance."""

    images: int
    images_remaining: int
    rate_limit: int
    rate_remaining: int
    rate_reset_s: int


def month_of(now_ms: int) -> int:
    """Return the UTC month of a Unix time as yyyymm, such as 202611."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC)
    return moment.year * 100 + moment.month


def next_month(month: int) -> int:
    """Return the month after 202612: 202701."""
    year, number = divmod(month, 100)
    return (year + 1) * 100 + 1 if number == 12 else month + 1


def months_until(month: int, count: int) -> list[int]:
    """Return the ``count`` months that end with this one, oldest first."""
    last = month // 100 * 12 + month % 100 - 1
    return [number // 12 * 100 + number % 12 + 1 for number in range(last - count + 1, last + 1)]


def refusal(
    account: Account, lease: Lease, now_ms: int, plans: Plans, *, from_queue: bool = False
) -> MiniPicError | None:
    """Return why a request would be refused now, or None; the order of the checks is part of the contract.

    Work ``from_queue`` was let in before, when it was sent: its key's rate and places are not asked for again.
    """
    plan = plans.of(account)
    key = account.keys.get(lease.key_id)
    if key is None or not key.enabled or account.status is Status.DELETED:
        return Unauthorized()
    if account.status is Status.SUSPENDED:
        return AccountSuspended()
    if lease.id in key.leases:
        return None
    if not from_queue:
        wait_ms = rate_opens_ms(key, plan) - now_ms
        if wait_ms > 0:
            return TooManyRequests(retry_after_s=-(-wait_ms // 1000))
    if len(live_leases(key.leases, now_ms)) >= places(plan, from_queue):
        return TooManyRequests()
    if draws_from(account, key, max(account.month, month_of(now_ms)), plans) is None:
        return AccountLimitReached()
    return None


def places(plan: Plan, from_queue: bool) -> int:
    """Return how much of one key's work may be in progress at once."""
    return MAX_LEASES if from_queue else plan.concurrency


def rate_opens_ms(key: Key, plan: Plan) -> int:
    """Return from when on the key's rate lets one more request in; the time only rises."""
    return key.tat_ms - (plan.burst - 1) * plan.interval_ms


def live_leases(leases: Mapping[str, int], now_ms: int) -> dict[str, int]:
    """Return the leases that still hold a place, seen from any machine whose clock is at most 10 s off."""
    return {lease: expires_ms for lease, expires_ms in leases.items() if expires_ms + PRUNE_AFTER_MS > now_ms}


def admit(account: Account, lease: Lease, now_ms: int, plans: Plans, *, from_queue: bool = False) -> Verdict:
    """Give a request its place, or say why not. Repeating it with the same lease changes nothing."""
    error = refusal(account, lease, now_ms, plans, from_queue=from_queue)
    if error is not None:
        return Verdict(account, error)
    plan = plans.of(account)
    key = account.keys[lease.key_id]
    if lease.id in key.leases:
        return Verdict(account)
    is_full = len(key.leases) >= places(plan, from_queue)
    leases = live_leases(key.leases, now_ms) if is_full else key.leases
    admitted = replace(
        key,
        tat_ms=key.tat_ms if from_queue else max(key.tat_ms, now_ms) + plan.interval_ms,
        leases={**leases, lease.id: lease.expires_ms},
    )
    return Verdict(replace(account, keys={**account.keys, lease.key_id: admitted}))


def _without_lease(account: Account, lease: Lease) -> Account:
    key = account.keys[lease.key_id]
    leases = {other: expires_ms for other, expires_ms in key.leases.items() if other != lease.id}
    return replace(account, keys={**account.keys, lease.key_id: replace(key, leases=leases)})


def _add_one(counts: Mapping[int, int], month: int) -> dict[int, int]:
    return {**counts, month: counts.get(month, 0) + 1}


def settle(account: Account, lease: Lease, now_ms: int, charge: Charge, plans: Plans) -> Verdict:
    """Charge a finished request once and take its lease away.

    A lease that is gone before its time was settled by an earlier try of the same request: success, no second
    charge. One past its time is ServiceUnavailable, uncharged. With nothing left to draw: AccountLimitReached.
    """
    key = account.keys.get(lease.key_id)
    if now_ms >= lease.expires_ms:
        return Verdict(account, ServiceUnavailable())
    if key is None or lease.id not in key.leases:
        return Verdict(account)
    month = max(account.month, month_of(now_ms))
    source = draws_from(account, key, month, plans)
    if source is None:
        return Verdict(account, AccountLimitReached())
    entry = Entry(
        at_ms=now_ms,
        month=month,
        operation=charge.operation,
        source=source,
        key_id=lease.key_id,
        lease_id=lease.id,
        result_id=charge.result_id,
        bytes_in=charge.bytes_in,
        bytes_out=charge.bytes_out,
        format=charge.format,
    )
    settled = replace(_without_lease(account, lease), seq=account.seq + 1, month=month, entry=entry)
    if source is Source.SANDBOX:
        return Verdict(replace(settled, sandbox_used=_add_one(account.sandbox_used, month)))
    settled = replace(settled, images=_add_one(account.images, month))
    if source is Source.FREE:
        return Verdict(replace(settled, free_used=_add_one(account.free_used, month)))
    return Verdict(replace(settled, credits_drawn=account.credits_drawn + 1))


def draws_from(account: Account, key: Key, month: int, plans: Plans) -> Source | None:
    """Return what this key's next image of the month is drawn from, None when nothing is left."""
    if key.environment is Environment.TEST:
        return Source.SANDBOX if account.sandbox_used.get(month, 0) < plans.free.free_images else None
    if account.free_used.get(month, 0) < account.free_limit:
        return Source.FREE
    return Source.CREDIT if account.credits_drawn < account.credits_bought else None


def release(account: Account, lease: Lease) -> Account:
    """Give the place back without a charge; a lease that is gone already is no error."""
    key = account.keys.get(lease.key_id)
    return account if key is None or lease.id not in key.leases else _without_lease(account, lease)


def standing(account: Account, key_id: str, now_ms: int, plan: Plan) -> Standing:
    """Return what the metered headers tell the holder of this key at ``now_ms``."""
    month = max(account.month, month_of(now_ms))
    key = account.keys.get(key_id)
    ahead_ms = max(0, key.tat_ms - now_ms) if key else 0
    free_remaining = max(0, account.free_limit - account.free_used.get(month, 0))
    return Standing(
        images=account.images.get(month, 0),
        images_remaining=free_remaining + account.credits_bought - account.credits_drawn,
        rate_limit=plan.burst,
        rate_remaining=max(0, (plan.burst * plan.interval_ms - ahead_ms) // plan.interval_ms),
        rate_reset_s=-(-ahead_ms // 1000),
    )
