"""Credits on the account item: read, compare and swap, until no other grant or correction came between."""

from collections.abc import Callable

from minipic.domain import credits as balance
from minipic.domain.account import Account, Pack
from minipic.domain.plans import Plans
from minipic.domain.pruning import pruned, spent_packs
from minipic.errors import ServiceUnavailable
from minipic.stores.aws import changes
from minipic.stores.aws.item import AccountItems, ConditionFailed

MAX_TRIES = 16  # each failure means that another grant succeeded


def grant(items: AccountItems, account_id: str, pack_id: str, images: int, now_ms: int, plans: Plans) -> Account:
    """Add a credit pack, once for its id."""
    return _add(
        items, account_id, pack_id, images, lambda account: balance.grant(account, pack_id, images, now_ms, plans)
    )


def correct(items: AccountItems, account_id: str, reference: str, credits: int, reason: str, now_ms: int) -> Account:
    """Add credits or take them away, once for the reference."""
    return _add(
        items,
        account_id,
        reference,
        credits,
        lambda account: balance.correct(account, reference, credits, reason, now_ms),
    )


def _add(
    items: AccountItems, account_id: str, reference: str, size: int, step: Callable[[Account], Account]
) -> Account:
    account = items.read(account_id)
    # A pack is remembered before it is pruned, so one that the account does not show is found now, if it ever was.
    if not balance.has_reference(account, reference, size) and items.was_spent(account_id, reference):
        return account
    for _ in range(MAX_TRIES):
        after = step(account)
        if after is account:
            return account
        try:
            return items.update(changes.add_credits(account, after))
        except ConditionFailed as failed:
            account = failed.account
    raise ServiceUnavailable


def prune(items: AccountItems, account_id: str, now_ms: int) -> Account:
    """Forget what no request needs; whoever changes the packs meanwhile comes first, and tomorrow is another day."""
    account = items.read(account_id)
    spent: tuple[Pack, ...] = spent_packs(account, now_ms)
    for pack in spent:
        items.remember_spent(account_id, pack.id)
    after = pruned(account, now_ms)
    update = changes.forget(account, now_ms, after.packs)
    updates = [] if update is None else [update]
    gone = sorted(account.keys.keys() - after.keys.keys())
    updates += [changes.drop_key(account_id, key_id, sorted(account.keys[key_id].leases)) for key_id in gone]
    try:
        for update in updates:
            account = items.update(update)
    except ConditionFailed as failed:
        return failed.account
    return account
