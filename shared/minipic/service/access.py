"""Who is calling, and whether they may: keys, suspended accounts, plan limits."""

from minipic.domain.account import Account, Plan, Status
from minipic.domain.keys import hash_key
from minipic.domain.metering import Standing, standing
from minipic.errors import AccountSuspended, PayloadTooLarge, Unauthorized
from minipic.service import CachedOwner, Caller, Services
from minipic.stores import AccountNotFound

OWNER_CACHE_MS = 30_000
OWNER_CACHE_ENTRIES = 10_000


def identify(services: Services, key: str | None) -> Caller:
    """Return who holds this key, on or off; Unauthorized for a key that is none.

    Whether the key is on is said by the account, which every request reads or changes anyhow: ``confirm`` and
    ``metered.admitted`` look. What a hash belongs to never changes, so it is kept for 30 s.
    """
    key_hash = hash_key(key or "")
    now_ms = services.now_ms()
    cached = services.owners.get(key_hash)
    if cached is None or cached.expires_ms <= now_ms:
        owner = services.accounts.find_key(key_hash)
        if owner is None:
            raise Unauthorized
        if len(services.owners) >= OWNER_CACHE_ENTRIES:
            services.owners.clear()
        cached = CachedOwner(owner, now_ms + OWNER_CACHE_MS, services.plans.free)
        services.owners[key_hash] = cached
    return Caller(cached)


def confirm(services: Services, caller: Caller) -> Account:
    """Return the caller's account, read at most once; Unauthorized (the key is off) or AccountSuspended."""
    if caller.account is None:
        try:
            caller.saw(services.accounts.read(caller.owner.account_id), services.plans)
        except AccountNotFound:
            raise Unauthorized from None
    account = caller.account
    assert account is not None
    key = account.keys.get(caller.owner.key_id)
    if key is None or not key.enabled or account.status is Status.DELETED:
        raise Unauthorized
    if account.status is Status.SUSPENDED:
        raise AccountSuspended
    return account


def expected_plan(services: Services, caller: Caller) -> Plan:
    """Return the plan whose limits hold, as far as is known without asking the store: good for a first guess."""
    return services.plans.free if caller.is_sandbox else caller.cached.plan


def check_size(services: Services, caller: Caller, size_bytes: int) -> None:
    """PayloadTooLarge when the plan does not allow an image of this size.

    The guess may be an old plan: it refuses nobody before the account itself was read.
    """
    if caller.account is None and size_bytes > expected_plan(services, caller).max_bytes:
        confirm(services, caller)
    limit_bytes = expected_plan(services, caller).max_bytes
    if size_bytes > limit_bytes:
        largest_bytes = max(plan.max_bytes for plan in services.plans.by_name.values())
        more = "" if limit_bytes >= largest_bytes else f" Other plans allow up to {_megabytes(largest_bytes)}."
        raise PayloadTooLarge(
            f"The image is larger than the {_megabytes(limit_bytes)} that this plan allows.{more}",
            max_bytes=limit_bytes,
        )


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1024**2:.3g} MB"


def caller_standing(services: Services, caller: Caller) -> Standing | None:
    """Return what the metered headers say, or None before the account was seen."""
    if caller.account is None:
        return None
    plan = services.plans.of(caller.account)
    return standing(caller.account, caller.owner.key_id, services.now_ms(), plan)
