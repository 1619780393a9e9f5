"""What an operator changes, as conditional updates of the account item: credits, keys, and what may be forgotten.

What a request does is in ``expressions``. Both write parts of one item, so each names under which condition its own
part is still as it was read.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from minipic.domain.account import MAX_KEYS, Account, Key, Pack
from minipic.domain.pruning import first_kept_month
from minipic.stores.aws import schema
from minipic.stores.aws.expressions import Arguments, update_arguments
from minipic.stores.aws.models import entry_fields, key_fields, pack_fields

_KEY = "#K.#k"
_OLD_KEY = "#K.#old"
_NOT_DELETED = ("attribute_exists(#pk)", "#st <> :deleted")


def add_credits(before: Account, after: Account) -> Arguments:
    """Return the update that adds the last pack of ``after``, if neither packs nor plan have changed since ``before``.

    Packs are only appended, under ids of their own, and the newest is never pruned: as long as the number and the
    newest are the same, no other was added.
    """
    assert after.entry is not None
    pack = after.packs[-1]
    conditions = ["size(#packs) = :packs", "#plan = :plan", "#mon <= :m"]
    changes = ["#packs = list_append(#packs, :pack)", "#seq = #seq + :one", "#mon = :m", "#line = :line"]
    values: dict[str, Any] = {
        ":packs": len(before.packs),
        ":plan": before.plan,
        ":pack": [pack_fields(pack)],
        ":m": after.entry.month,
        ":line": entry_fields(after.entry),
        ":size": abs(pack.size),
    }
    if before.packs:
        conditions.append(f"#packs[{len(before.packs) - 1}].#id = :newest")
        values[":newest"] = before.packs[-1].id
    if pack.size >= 0:
        changes.append("#b = #b + :size")
    else:
        conditions.append("#d <= :most")  # nothing was bought since: the balance is still enough
        changes.append("#d = #d + :size")
        values[":most"] = before.credits_bought + pack.size
    if after.plan != before.plan:
        # Overrides may have been set in between; theirs comes before the plan's.
        changes += ["#plan = :paid", "#lim = if_not_exists(#ov.#ovfree, :limit)"]
        values |= {":paid": after.plan, ":limit": after.free_limit}
    return update_arguments(before.id, conditions, f"SET {', '.join(changes)}", {"#id": schema.PACK_ID}, values)


def set_plan(account_id: str, plan_name: str, free_images: int) -> Arguments:
    """Return the update that puts the account on a plan; its own quota, if it has one, stays."""
    update = "SET #plan = :plan, #lim = if_not_exists(#ov.#ovfree, :limit)"
    return update_arguments(
        account_id, ["attribute_exists(#pk)"], update, {}, {":plan": plan_name, ":limit": free_images}
    )


def set_overrides(before: Account, fields: Mapping[str, int], free_images: int) -> Arguments:
    """Return the update that sets overrides, if the plan that they are on top of is still the same."""
    values = {":plan": before.plan, ":ov": dict(fields), ":limit": free_images}
    return update_arguments(before.id, ["#plan = :plan"], "SET #ov = :ov, #lim = :limit", {}, values)


def set_low_balance(account_id: str, images: int) -> Arguments:
    """Return the update that says below which balance the owner is told."""
    return update_arguments(account_id, ["attribute_exists(#pk)"], "SET #low = :low", {}, {":low": images})


def set_status(account_id: str, status: str) -> Arguments:
    """Return the update that suspends, resumes or deletes an account that is not deleted yet."""
    return update_arguments(account_id, list(_NOT_DELETED), "SET #st = :status", {}, {":status": status})


def add_key(account_id: str, key_id: str, key: Key, key_hash: str, deleted: Sequence[str] = ()) -> Arguments:
    """Return the update that adds a key while the account holds less than it may, the ``deleted`` ones aside."""
    names = {"#k": key_id} | {f"#x{number}": gone for number, gone in enumerate(deleted)}
    conditions = [
        *_NOT_DELETED,
        "size(#K) < :most",
        f"attribute_not_exists({_KEY})",
        *(f"#K.#x{number}.#del = :true" for number in range(len(deleted))),
    ]
    values = {":most": MAX_KEYS + len(deleted), ":key": _with_hash(key, key_hash)}
    return update_arguments(account_id, conditions, f"SET {_KEY} = :key", names, values)


def replace_key(account_id: str, old_key_id: str, key_id: str, key: Key, key_hash: str) -> Arguments:
    """Return the update that turns one key off for good and adds another."""
    conditions = [
        *_NOT_DELETED,
        f"attribute_exists({_OLD_KEY})",
        f"attribute_not_exists({_OLD_KEY}.#del)",
        f"attribute_not_exists({_KEY})",
    ]
    update = f"SET {_KEY} = :key, {_OLD_KEY}.#on = :false, {_OLD_KEY}.#del = :true"
    values = {":key": _with_hash(key, key_hash), ":false": False}
    return update_arguments(account_id, conditions, update, {"#k": key_id, "#old": old_key_id}, values)


def set_key_enabled(account_id: str, key_id: str, enabled: bool) -> Arguments:
    """Return the update that turns a key on or off, if it is not deleted."""
    conditions = [f"attribute_exists({_KEY})", f"attribute_not_exists({_KEY}.#del)"]
    values = {":enabled": enabled}
    return update_arguments(account_id, conditions, f"SET {_KEY}.#on = :enabled", {"#k": key_id}, values)


def delete_key(account_id: str, key_id: str) -> Arguments:
    """Return the update that turns a key off for good; its entry stays for the requests that it has in work."""
    conditions = [f"attribute_exists({_KEY})", f"attribute_not_exists({_KEY}.#del)"]
    update = f"SET {_KEY}.#on = :false, {_KEY}.#del = :true"
    return update_arguments(account_id, conditions, update, {"#k": key_id}, {":false": False})


def drop_key(account_id: str, key_id: str, leases: Sequence[str] = ()) -> Arguments:
    """Return the update that takes a deleted key's entry away while it has no other leases than these."""
    names = {"#k": key_id} | {f"#x{number}": lease for number, lease in enumerate(leases)}
    conditions = [
        f"{_KEY}.#del = :true",
        f"size({_KEY}.#L) = :leases",
        *(f"attribute_exists({_KEY}.#L.#x{number})" for number in range(len(leases))),
    ]
    return update_arguments(account_id, conditions, f"REMOVE {_KEY}", names, {":leases": len(leases)})


def forget(before: Account, now_ms: int, kept_packs: Sequence[Pack]) -> Arguments | None:
    """Return the update that removes old months, and all packs but these; None when there is nothing to remove.

    No request writes into an old month: the account's own month only rises.
    """
    first = first_kept_month(now_ms)
    removed = [
        f"{alias}.#m{month}"
        for alias, counts in (("#f", before.free_used), ("#n", before.images), ("#t", before.sandbox_used))
        for month in sorted(counts)
        if month < first
    ]
    names = {
        f"#m{month}": str(month)
        for counts in (before.free_used, before.images, before.sandbox_used)
        for month in counts
    }
    conditions, parts, values = ["attribute_exists(#pk)"], [], {}
    if len(kept_packs) < len(before.packs):
        conditions += ["size(#packs) = :packs", f"#packs[{len(before.packs) - 1}].#id = :newest"]
        parts.append("SET #packs = :kept")
        values = {
            ":packs": len(before.packs),
            ":newest": before.packs[-1].id,
            ":kept": [pack_fields(pack) for pack in kept_packs],
        }
    if removed:
        parts.append(f"REMOVE {', '.join(removed)}")
    if not parts:
        return None
    return update_arguments(before.id, conditions, " ".join(parts), names | {"#id": schema.PACK_ID}, values)


def _with_hash(key: Key, key_hash: str) -> dict[str, Any]:
    return key_fields(key) | {schema.KEY_HASH: bytes.fromhex(key_hash)}
