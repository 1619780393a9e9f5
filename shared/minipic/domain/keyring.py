"""An account's keys as a list that changes: which count, and how one goes."""

from collections.abc import Mapping
from dataclasses import replace

from minipic.domain.account import Account, Key


def kept(account: Account) -> Mapping[str, Key]:
    """Return the keys that are not deleted: those that are listed, and count towards the limit."""
    return {key_id: key for key_id, key in account.keys.items() if not key.deleted}


def without(account: Account, key_id: str) -> Account:
    """Return the account with this key off for good: gone at once, or when its last request has ended."""
    key = account.keys[key_id]
    others = {other: kept_key for other, kept_key in account.keys.items() if other != key_id}
    if not key.leases:
        return replace(account, keys=others)
    return replace(account, keys={**account.keys, key_id: replace(key, enabled=False, deleted=True)})
