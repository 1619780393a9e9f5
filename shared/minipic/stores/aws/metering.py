"""Admit, settle and release on the account item: guess the expression, let its condition decide, learn, repeat.

The pure model in ``domain.metering`` reads the image of a failed condition and says why it failed; when it sees no
reason, the item moved meanwhile or the guess was wrong, and the step is tried again with what the image says.
"""

import time
from dataclasses import replace

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from minipic.domain import metering
from minipic.domain.account import Account, Entry, Overrides
from minipic.domain.metering import Charge, Lease, Verdict
from minipic.domain.plans import Plans
from minipic.errors import ServiceUnavailable
from minipic.stores.aws import expressions
from minipic.stores.aws.item import AccountItems, ConditionFailed
from minipic.stores.aws.outage import is_outage

MAX_TRIES = 4


def admit(items: AccountItems, lease: Lease, now_ms: int, plans: Plans, *, from_queue: bool = False) -> Verdict:
    """Give a request its place, in one write when plan and last arrival time were guessed well."""
    account = items.last_seen(lease.account_id)
    expired: list[str] = []
    for _ in range(MAX_TRIES):
        guess = _guess(account, lease, now_ms, plans, from_queue)
        try:
            return Verdict(items.update(expressions.admit(lease, now_ms, plans, guess, expired)))
        except ConditionFailed as failed:
            account = failed.account
        error = metering.refusal(account, lease, now_ms, plans, from_queue=from_queue)
        if error is not None:
            return Verdict(account, error)
        leases = account.keys[lease.key_id].leases
        if lease.id in leases:  # an earlier try of this same call got through
            return Verdict(account)
        live = metering.live_leases(leases, now_ms)
        is_full = len(leases) >= metering.places(plans.of(account), from_queue)
        expired = sorted(leases.keys() - live.keys()) if is_full else []
    return Verdict(items.read(lease.account_id), ServiceUnavailable())


def _guess(account: Account | None, lease: Lease, now_ms: int, plans: Plans, from_queue: bool) -> expressions.Guess:
    month = metering.month_of(now_ms)
    if account is None:
        return expressions.Guess(plans.free.name, Overrides(), month, busy=False, from_queue=from_queue)
    key = account.keys.get(lease.key_id)
    busy = key is not None and key.tat_ms > now_ms
    return expressions.Guess(account.plan, account.overrides, max(account.month, month), busy, from_queue)


def settle(items: AccountItems, lease: Lease, now_ms: int, charge: Charge, plans: Plans) -> Verdict:
    """Charge a finished request once, in one write when the last image tells where it will be drawn from."""
    if now_ms >= lease.expires_ms:
        return Verdict(items.read(lease.account_id), ServiceUnavailable())
    started_s = time.monotonic()
    entry = _guess_entry(items.last_seen(lease.account_id), lease, now_ms, charge, plans)
    for _ in range(MAX_TRIES):
        try:
            if entry is not None:
                return Verdict(items.update(expressions.settle(lease, entry, plans)))
            account = items.read(lease.account_id)
        except ConditionFailed as failed:
            account = failed.account
        except (ClientError, ConnectionError, HTTPClientError) as error:
            if not is_outage(error):
                raise
            continue  # it may have happened; asking again tells, because it can happen only once
        verdict = metering.settle(account, lease, now_ms, charge, plans)
        if verdict.error is not None:
            return verdict
        if verdict.account is account:
            return _lease_is_gone(account, lease, now_ms + _elapsed_ms(started_s))
        entry = verdict.account.entry
    return _give_back(items, lease, now_ms + _elapsed_ms(started_s))


def _guess_entry(account: Account | None, lease: Lease, now_ms: int, charge: Charge, plans: Plans) -> Entry | None:
    key = account.keys.get(lease.key_id) if account else None
    if account is None or key is None:
        return None
    # Another thread's older image may not show the lease yet: it is there, or the condition will say so.
    held = replace(key, leases={lease.id: lease.expires_ms})
    verdict = metering.settle(replace(account, keys={lease.key_id: held}), lease, now_ms, charge, plans)
    return None if verdict.error is not None else verdict.account.entry


def _elapsed_ms(started_s: float) -> int:
    return int((time.monotonic() - started_s) * 1000)


def _lease_is_gone(account: Account, lease: Lease, now_ms: int) -> Verdict:
    """Tell what a missing lease means: a failed condition is not "not charged".

    Only its owner takes a lease away before its time, so it was an earlier try of this settle. After its time another
    request may have taken it: then only the ledger's latest entry can still prove the charge.
    """
    charged = now_ms < lease.expires_ms or _is_latest(account, lease)
    return Verdict(account) if charged else Verdict(account, ServiceUnavailable())


def _is_latest(account: Account, lease: Lease) -> bool:
    return account.entry is not None and account.entry.lease_id == lease.id


def _give_back(items: AccountItems, lease: Lease, now_ms: int) -> Verdict:
    """End a settle whose outcome stayed unknown.

    The lease is made void first, which may be repeated and proves that nothing was charged and nothing will be, even by
    a write of ours that arrives late. A lease that is gone was charged: only settling takes away one that is not void.
    """
    try:
        items.update(expressions.void(lease))
    except ConditionFailed as failed:
        return _lease_is_gone(failed.account, lease, now_ms)
    return Verdict(release(items, lease), ServiceUnavailable())


def release(items: AccountItems, lease: Lease) -> Account:
    """Give the place back; a lease that is gone already is no error."""
    try:
        return items.update(expressions.release(lease))
    except ConditionFailed as failed:
        return failed.account
