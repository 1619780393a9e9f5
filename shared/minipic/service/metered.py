"""The frame of all work that is counted: admit, do it, settle; released without a charge when anything fails."""

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from minipic.domain.metering import LEASE_MS, Charge, Lease, Verdict, rate_opens_ms
from minipic.errors import AccountLimitReached, ServiceUnavailable, TooManyRequests, Unauthorized
from minipic.service import Caller, Services
from minipic.stores import AccountNotFound

SETTLE_MARGIN_MS = 5_000  # a settle may be retried for this long; its lease must outlive that
EXPIRED_MESSAGE = "LEASE_EXPIRED account=%s key=%s"  # an alarm counts this word
REMEMBERED_KEYS = 10_000

log = logging.getLogger("minipic.metering")


@dataclass(slots=True)
class Admission:
    """A request in progress: who sent it, its lease, and whether it was charged.

    ``may_be_charged`` is true from the moment on at which the store was asked to, unless it said that it did not.
    """

    services: Services
    caller: Caller
    lease: Lease
    is_settled: bool = False
    may_be_charged: bool = False

    def settle(self, charge: Charge) -> None:
        """Charge the finished work; after this it is the client's. Raises when it must not be handed out."""
        now_ms = self.services.now_ms()
        if now_ms >= self.lease.expires_ms - SETTLE_MARGIN_MS:
            log.error(EXPIRED_MESSAGE, self.lease.account_id, self.lease.key_id)
            raise ServiceUnavailable
        if self.caller.answer_by_ms is not None and now_ms >= self.caller.answer_by_ms:
            raise ServiceUnavailable  # nobody waits any longer: the client would pay again for the next try
        self.may_be_charged = True
        verdict = self.services.accounts.settle(self.lease, now_ms, charge, self.services.plans)
        self.may_be_charged = not isinstance(verdict.error, AccountLimitReached)
        _passed(self.services, self.caller, verdict)
        self.is_settled = True


@contextmanager
def admitted(services: Services, caller: Caller, *, from_queue: bool = False) -> Iterator[Admission]:
    """Hold a place for the caller while the block runs; refusals are those of ``metering.refusal``.

    Leaving the block unsettled gives the place back, uncharged. A crash does the same when the lease expires.
    """
    now_ms = services.now_ms()
    if not from_queue:
        _refuse_again(services, caller, now_ms)
    lease = Lease(
        account_id=caller.owner.account_id,
        key_id=caller.owner.key_id,
        id=base64.b32encode(services.entropy(10)).decode().lower(),
        expires_ms=now_ms + LEASE_MS,
    )
    try:
        verdict = services.accounts.admit(lease, now_ms, services.plans, from_queue=from_queue)
    except AccountNotFound:
        raise Unauthorized from None
    if isinstance(verdict.error, TooManyRequests):
        _remember(services, caller, verdict, now_ms)
    _passed(services, caller, verdict)
    admission = Admission(services, caller, lease)
    try:
        yield admission
    finally:
        if not admission.is_settled:
            with suppress(ServiceUnavailable):  # what went wrong is told as it is; the lease expires by itself
                caller.saw(services.accounts.release(lease), services.plans)


def _remember(services: Services, caller: Caller, verdict: Verdict, now_ms: int) -> None:
    key = verdict.account.keys[caller.owner.key_id]
    if rate_opens_ms(key, services.plans.of(verdict.account)) > now_ms:
        if len(services.too_fast) >= REMEMBERED_KEYS:
            services.too_fast.clear()
        services.too_fast[caller.owner.key_id] = verdict.account


def _refuse_again(services: Services, caller: Caller, now_ms: int) -> None:
    """Refuse a key that was too fast until its rate opens again, without a write: that time only rises."""
    account = services.too_fast.get(caller.owner.key_id)
    if account is None:
        return
    wait_ms = rate_opens_ms(account.keys[caller.owner.key_id], services.plans.of(account)) - now_ms
    if wait_ms > 0:
        caller.saw(account, services.plans)
        raise TooManyRequests(retry_after_s=-(-wait_ms // 1000))
    services.too_fast.pop(caller.owner.key_id, None)


def _passed(services: Services, caller: Caller, verdict: Verdict) -> None:
    caller.saw(verdict.account, services.plans)
    if isinstance(verdict.error, AccountLimitReached):
        raise _limit_reached(services, caller)
    if verdict.error is not None:
        raise verdict.error


def _limit_reached(services: Services, caller: Caller) -> AccountLimitReached:
    account = caller.account
    limit = services.plans.free.free_images if caller.is_sandbox or account is None else account.free_limit
    kind = "sandbox images" if caller.is_sandbox else "free images, and no credits are left"
    return AccountLimitReached(
        f"Your monthly limit has been exceeded: {limit} {kind}. "
        "Buy a credit pack, or wait for the first day of the next month."
    )
