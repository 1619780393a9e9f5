"""Credits as pure transitions: packs that are granted, corrections in either direction, and the low balance."""

from dataclasses import replace

from minipic.domain.account import Account, Entry, Pack, Source
from minipic.domain.metering import month_of
from minipic.domain.plans import Plans

MAX_PACKS = 200  # of an account, spent ones of the last day included: every charge writes them again


class CreditsRefused(ValueError):
    """A grant or a correction that cannot be."""


class NotEnoughCredits(CreditsRefused):
    """A correction would take away more credits than are left."""


class ReferenceUsed(CreditsRefused):
    """A pack or a correction of another size has this reference."""


class TooManyPacks(CreditsRefused):
    """The account holds as many packs as it may."""


def images_left(account: Account) -> int:
    """Return the images left in the account's own month: free ones and credits."""
    free = max(0, account.free_limit - account.free_used.get(account.month, 0))
    return free + account.credits_bought - account.credits_drawn


def is_low(account: Account) -> bool:
    """Tell whether fewer images are left than the account wants to be told of."""
    return images_left(account) < account.low_balance


def has_reference(account: Account, reference: str, size: int) -> bool:
    """Tell whether a pack or a correction of this reference is on the account; ReferenceUsed for another size."""
    sizes = [pack.size for pack in account.packs if pack.id == reference]
    if sizes and sizes != [size]:
        raise ReferenceUsed(f"{reference!r} is the reference of {sizes[0]} credits, and not of {size}")
    return bool(sizes)


def grant(account: Account, pack_id: str, images: int, now_ms: int, plans: Plans) -> Account:
    """Add a credit pack; the same ``pack_id`` again changes nothing. A free account becomes a paid one.

    ReferenceUsed when the ``pack_id`` is one of another size, TooManyPacks.
    """
    if has_reference(account, pack_id, images):
        return account
    granted = _with_credits(account, pack_id, images, "", now_ms, Source.PURCHASE)
    if account.plan != plans.free.name:
        return granted
    limit = plans.limits(plans.paid.name, account.overrides).free_images
    return replace(granted, plan=plans.paid.name, free_limit=limit)


def correct(account: Account, reference: str, credits: int, reason: str, now_ms: int) -> Account:
    """Add credits, or take them away when negative, for a reason; the same ``reference`` again changes nothing.

    NotEnoughCredits when more would be taken than are left: a balance is never below zero. ReferenceUsed, TooManyPacks.
    """
    if has_reference(account, reference, credits):
        return account
    left = account.credits_bought - account.credits_drawn
    if left + credits < 0:
        raise NotEnoughCredits(f"the account has {left} credits left; {-credits} cannot be taken away")
    return _with_credits(account, reference, credits, reason, now_ms, Source.CORRECTION)


def _with_credits(account: Account, reference: str, credits: int, reason: str, now_ms: int, source: Source) -> Account:
    if len(account.packs) >= MAX_PACKS:
        raise TooManyPacks(f"the account has {MAX_PACKS} packs and corrections; spent ones are forgotten after a day")
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
