"""The frame of work whose answer may be asked for again: admit, claim the Idempotency-Key, work, settle, finish.

The result is stored before it is charged, and the claim names it before the work begins. So wherever a request stops,
its repeat finds out what came of it: charged, and the stored result is its answer; or not, and never will be, and
the repeat does the work.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

from minipic.domain.account import Account
from minipic.domain.jobs import LIFETIME_MS
from minipic.domain.ledger import Line
from minipic.domain.metering import live_leases, month_of
from minipic.domain.repeats import (
    REMEMBERED_MS,
    Claim,
    Identity,
    is_too_late,
    months_between,
    remembered_until_ms,
)
from minipic.errors import (
    AccountLimitReached,
    IdempotencyConflict,
    MiniPicError,
    RequestInProgress,
    ServiceUnavailable,
)
from minipic.service import Caller, Services
from minipic.service.keeping import Result, Task, begin, find_result
from minipic.service.metered import admitted

PAGE_LINES = 1000

Work = Callable[[Task], Result]


class ResultGone(Exception):
    """A job was charged by an earlier try, and its result is there no more."""


def perform(
    services: Services, caller: Caller, identity: Identity | None, work: Work, *, from_queue: bool = False
) -> Result:
    """Admit the caller and do the work, or return what the same request was answered before.

    ``work`` has to keep and settle its result. Without an identity nothing is remembered, and nothing more is asked of
    the store. Work ``from_queue`` is never charged twice: what a request would be worked on again for, because its
    first result is gone, is ResultGone there.
    """
    with ExitStack() as stack:
        try:
            admission = stack.enter_context(admitted(services, caller, from_queue=from_queue))
        except MiniPicError as refused:
            # The first request may have taken the last image: its repeat is answered all the same. A job is, too, whose
            # key was switched off after it was charged.
            if not (from_queue or isinstance(refused, AccountLimitReached)):
                raise
            answer = _answer_beyond_limit(services, caller, identity, from_queue)
            if answer is None:
                raise
            return answer
        task = begin(admission)
        return work(task) if identity is None else _perform_once(services, task, identity, work, from_queue)


def _answer_beyond_limit(
    services: Services, caller: Caller, identity: Identity | None, from_queue: bool
) -> Result | None:
    if identity is None:
        return None
    first = services.repeats.find(caller.owner.account_id, identity.key_hash, services.now_ms())
    if first is None or first.fingerprint != identity.fingerprint:
        return None
    return _first_answer(services, first, from_queue)


def _perform_once(services: Services, task: Task, identity: Identity, work: Work, from_queue: bool) -> Result:
    claim = _claim_of(services, task, identity, from_queue)
    first = services.repeats.claim(claim, services.now_ms())
    if first.lease != claim.lease:
        if first.fingerprint != claim.fingerprint:
            raise IdempotencyConflict
        answer = _first_answer(services, first, from_queue)
        if answer is not None:
            return answer
        if services.repeats.claim(claim, services.now_ms(), instead_of=first.lease.id).lease != claim.lease:
            raise RequestInProgress  # another repeat was faster
    try:
        result = work(task)
    except Exception:
        if not task.admission.may_be_charged:
            with suppress(ServiceUnavailable):  # the lease is released anyway: the next repeat takes over
                services.repeats.forget(claim)
        raise
    _finish(services, claim)
    return result


def _finish(services: Services, claim: Claim) -> None:
    with suppress(ServiceUnavailable):  # it is charged: a repeat finds that out without this, only slower
        services.repeats.finish(claim)


def _claim_of(services: Services, task: Task, identity: Identity, from_queue: bool) -> Claim:
    account, lease = task.admission.caller.account, task.admission.lease
    assert account is not None  # admission saw it
    return Claim(
        account_id=lease.account_id,
        key_hash=identity.key_hash,
        fingerprint=identity.fingerprint,
        result_id=task.result_id,
        link_token=task.link_token,
        lease=lease,
        seq=account.seq,
        month=max(account.month, month_of(services.now_ms())),
        expires_ms=remembered_until_ms(task.result_id, lease, _lifetime_ms(services, from_queue)),
    )


def _lifetime_ms(services: Services, from_queue: bool) -> int:
    """Return how long a claim counts: with its result, 24 hours at most.

    A job's outlives its result: it keeps a late try from being charged again.
    """
    return LIFETIME_MS if from_queue else min(REMEMBERED_MS, services.result_ttl_s * 1000)


def _first_answer(services: Services, first: Claim, from_queue: bool) -> Result | None:
    """Return what the claim's request was charged for, None if it never will be charged or its result is gone.

    RequestInProgress while that is open; ResultGone for a job that was charged and has no result any more.
    """
    if not first.is_done:
        account = services.accounts.read(first.account_id)  # newer than the claim, which was made with a live lease
        key = account.keys.get(first.lease.key_id)
        leases = {} if key is None else key.leases
        if first.lease.id in live_leases(leases, services.now_ms()):
            raise RequestInProgress
        if first.lease.id in leases:
            account = services.accounts.release(first.lease)  # whoever still holds it can charge it no more
        if not _was_charged(services, first, account):
            return None
        _finish(services, first)
    result = find_result(services, first.result_id, first.link_token)
    if result is None and from_queue:
        raise ResultGone
    return result


def _was_charged(services: Services, first: Claim, account: Account) -> bool:
    """Tell whether the claim's request, whose lease is gone, was charged; RequestInProgress while the ledger lags."""
    if account.seq == first.seq:
        return False
    if account.entry is not None and account.entry.lease_id == first.lease.id:
        return True
    if services.ledger.complete_to(account.id) < account.seq:
        raise RequestInProgress
    return any(line.result_id == first.result_id for line in _lines_since(services, first, account.month))


def _lines_since(services: Services, first: Claim, last_month: int) -> Iterator[Line]:
    for month in months_between(first.month, last_month):
        after_seq = first.seq
        while lines := services.ledger.lines(first.account_id, month, after_seq, PAGE_LINES):
            for line in lines:
                if is_too_late(first, line):
                    return
                yield line
            after_seq = lines[-1].seq
