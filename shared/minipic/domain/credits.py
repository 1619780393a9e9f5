"""Credits as pure transitions: packs that are granted, corrections in either direction, and the low balance."""

from dataclasses import replace

from minipic.domain.account import Account, Entry, Pack, Source
from minipic.domain.metering import month_of
from minipic.domain.plans import Plans


class NotEnoughCredits(ValueError):
    """A correction would take away more credits than are left."""


def images_left(account: Account) -> int:
    """Return the images left in the account's own month: free ones and credits."""
    free = max(0, account.free_limit - account.free_used.get(account.month, 0))
    return free + account.credits_bought - account.credits_drawn


def is_low(account: Account) -> bool:
    """Tell whether fewer images are left than the account wants to be told of."""
    return images_left(account) < account.low_balance


def has_reference(account: Account, reference: str) -> bool:
    """Tell whether a pack or a correction of this reference is on the account."""
    return any(pack.id == reference for pack in account.packs)


def grant(account: Account, pack_id: str, images: int, now_ms: int, plans: Plans) -> Account:
    """Add a credit pack; the same ``pack_id`` again changes nothing. A free account becomes a paid one."""
    if has_reference(account, pack_id):
        return account
    granted = _with_credits(account, pack_id, images, "", now_ms, Source.PURCHASE)
    if account.plan != plans.free.name:
        return granted
    limit = plans.limits(plans.paid.name, account.overrides).free_images
    return replace(granted, plan=plans.paid.name, free_limit=limit)


def correct(account: Account, reference: str, credits: int, reason: str, now_ms: int) -> Account:
    """Add credits, or take them away when negative, for a reason; the same ``reference`` again changes nothing.

    NotEnoughCredits when more would be taken than are left: a balance is never below zero.
    """
    if has_reference(account, reference):
        return account
    left = account.credits_bought - account.credits_drawn
    if left + credits < 0:
        raise NotEnoughCredits(f"the account has {left} credits left; {-credits} cannot be taken away")
    return _with_credits(account, reference, credits, reason, now_ms, Source.CORRECTION)


def _with_credits(account: Account, reference: str, credits: int, reason: str, now_ms: int, source: Source) -> Account:
    bought = account.credits_bought + max(0, credits)
    month = max(account.month, month_of(now_ms))
    entry = Entry(
        at_ms=now_ms,
        month=month,
        operation=str(source),
        source=source,
        pack_id=reference,
        credits=credits,
        reason=reason,
    )
    return replace(
        account,
        credits_bought=bought,
        credits_drawn=account.credits_drawn + max(0, -credits),
        packs=(*account.packs, Pack(id=reference, size=credits, end=bought, purchased_ms=now_ms)),
        seq=account.seq + 1,
        month=month,
        entry=entry,
    )
