"""Admit, settle and release as DynamoDB's conditional updates of the one account item.

Each function returns the arguments of one UpdateItem. A condition that fails gives the item as it was, so that the
model can say why. Numbers move by increments, and only under a condition that still holds while they move: nothing is
read, changed and written back. The month in an expression is the later of the item's and the caller's.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from minipic.domain.account import Entry, Overrides, Source, Status
from minipic.domain.keys import Environment
from minipic.domain.metering import Lease, places
from minipic.domain.plans import Plans
from minipic.stores.aws import schema
from minipic.stores.aws.models import entry_fields, override_fields
from minipic.stores.aws.values import to_attribute

_NAMES = {
    "#pk": schema.PARTITION_KEY,
    "#st": schema.STATUS,
    "#plan": schema.PLAN,
    "#lim": schema.FREE_LIMIT,
    "#mon": schema.MONTH,
    "#seq": schema.SEQ,
    "#f": schema.FREE_USED,
    "#n": schema.IMAGES,
    "#t": schema.SANDBOX_USED,
    "#b": schema.CREDITS_BOUGHT,
    "#d": schema.CREDITS_DRAWN,
    "#packs": schema.PACKS,
    "#line": schema.ENTRY,
    "#ov": schema.OVERRIDES,
    "#ovfree": schema.OVERRIDE_FREE_IMAGES,
    "#low": schema.LOW_BALANCE,
    "#K": schema.KEYS,
    "#env": schema.KEY_ENVIRONMENT,
    "#on": schema.KEY_ENABLED,
    "#tat": schema.KEY_TAT_MS,
    "#L": schema.KEY_LEASES,
    "#del": schema.KEY_DELETED,
}
_VALUES = {
    ":zero": 0,
    ":one": 1,
    ":true": True,
    ":active": str(Status.ACTIVE),
    ":deleted": str(Status.DELETED),
    ":live": str(Environment.LIVE),
    ":test": str(Environment.TEST),
}
_KEY = "#K.#k"
_LEASE = f"{_KEY}.#L.#l"
_FREE_LEFT = "((attribute_not_exists(#f.#m) AND #lim > :zero) OR #f.#m < #lim)"
_ALIAS = re.compile(r"[#:]\w+")

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Guess:
    """What the account is believed to be on; every part of it is a condition of the update.

    Of work ``from_queue`` the rate is none.
    """

    plan_name: str
    overrides: Overrides
    month: int
    busy: bool
    from_queue: bool = False


def admit(lease: Lease, now_ms: int, plans: Plans, guess: Guess, expired: Sequence[str] = ()) -> Arguments:
    """Return the update that admits a request and takes the ``expired`` leases away, all or none.

    An idle key's arrival time starts again from now, a busy key's moves on: two expressions, because an update cannot
    choose. Only the right one can succeed.
    """
    plan = plans.limits(guess.plan_name, guess.overrides)
    expired_names = {f"#x{number}": lease_id for number, lease_id in enumerate(expired)}
    conditions = [
        "#st = :active",
        "#plan = :plan",
        "#ov = :ov",
        f"{_KEY}.#on = :true",
        f"attribute_not_exists({_LEASE})",
        f"size({_KEY}.#L) < :places",
        "#mon <= :m",
        f"(({_KEY}.#env = :test AND {_sandbox_left(plans)}) OR ({_KEY}.#env = :live AND ({_FREE_LEFT} OR #d < #b)))",
        *(f"attribute_exists({_KEY}.#L.{alias})" for alias in expired_names),
    ]
    update = f"SET {_LEASE} = :expires"
    if not guess.from_queue:
        if guess.busy:
            conditions += [f"{_KEY}.#tat > :now", f"{_KEY}.#tat <= :top"]
            next_tat = f"{_KEY}.#tat + :interval"
        else:
            conditions.append(f"{_KEY}.#tat <= :now")
            next_tat = ":tat"
        update += f", {_KEY}.#tat = {next_tat}"
    if expired:
        update += " REMOVE " + ", ".join(f"{_KEY}.#L.{alias}" for alias in expired_names)
    values = {
        ":plan": guess.plan_name,
        ":ov": override_fields(guess.overrides),
        ":places": places(plan, guess.from_queue) + len(expired),
        ":m": guess.month,
        ":cap": plans.free.free_images,
        ":now": now_ms,
        ":top": now_ms + (plan.burst - 1) * plan.interval_ms,
        ":interval": plan.interval_ms,
        ":tat": now_ms + plan.interval_ms,
        ":expires": lease.expires_ms,
    }
    names = {**_names_of(lease), "#m": str(guess.month), **expired_names}
    return update_arguments(lease.account_id, conditions, update, names, values)


def settle(lease: Lease, entry: Entry, plans: Plans) -> Arguments:
    """Return the update that charges a request to ``entry.source`` and takes its lease away.

    A source that is not the item's turn fails the condition: a wrong guess costs a call, never a wrong charge. The
    lease must be as it was given: one that was made void meanwhile is charged no more, however late this arrives.
    """
    conditions = [f"{_LEASE} = :expires", "#mon <= :m"]
    changes = ["#seq = #seq + :one", "#line = :line", "#mon = :m"]
    if entry.source is Source.SANDBOX:
        conditions += [f"{_KEY}.#env = :test", _sandbox_left(plans)]
        changes.append("#t.#m = if_not_exists(#t.#m, :zero) + :one")
    else:
        conditions.append(f"{_KEY}.#env = :live")
        changes.append("#n.#m = if_not_exists(#n.#m, :zero) + :one")
    if entry.source is Source.FREE:
        conditions.append(_FREE_LEFT)
        changes.append("#f.#m = if_not_exists(#f.#m, :zero) + :one")
    if entry.source is Source.CREDIT:
        conditions.append("(#lim <= :zero OR #f.#m >= #lim) AND #d < #b")
        changes.append("#d = #d + :one")
    values = {
        ":expires": lease.expires_ms,
        ":m": entry.month,
        ":line": entry_fields(entry),
        ":cap": plans.free.free_images,
    }
    names = {**_names_of(lease), "#m": str(entry.month)}
    return update_arguments(lease.account_id, conditions, f"SET {', '.join(changes)} REMOVE {_LEASE}", names, values)


def void(lease: Lease) -> Arguments:
    """Return the update that keeps a lease's place but not its right to be charged: sent twice, it is the same."""
    values = {":expires": lease.expires_ms + 1}
    return update_arguments(
        lease.account_id, [f"attribute_exists({_LEASE})"], f"SET {_LEASE} = :expires", _names_of(lease), values
    )


def release(lease: Lease) -> Arguments:
    """Return the update that takes a lease away without a charge."""
    return update_arguments(lease.account_id, [f"attribute_exists({_LEASE})"], f"REMOVE {_LEASE}", _names_of(lease), {})


def _sandbox_left(plans: Plans) -> str:
    unused = "attribute_not_exists(#t.#m) OR " if plans.free.free_images > 0 else ""
    return f"({unused}#t.#m < :cap)"


def item_key(account_id: str) -> Arguments:
    """Return the primary key of an account's item, as the client takes it."""
    return {
        schema.PARTITION_KEY: {"S": schema.ACCOUNT_PREFIX + account_id},
        schema.SORT_KEY: {"S": schema.ACCOUNT_SORT},
    }


def _names_of(lease: Lease) -> dict[str, str]:
    return {"#k": lease.key_id, "#l": lease.id}


def update_arguments(
    account_id: str, conditions: Sequence[str], update: str, names: Mapping[str, str], values: Mapping[str, Any]
) -> Arguments:
    """Return an UpdateItem of the account's item; of ``values`` and the table's names only those that are used."""
    condition = " AND ".join(conditions)
    used = set(_ALIAS.findall(f"{condition} {update}"))  # DynamoDB refuses a name or a value that is not used
    arguments: Arguments = {
        "Key": item_key(account_id),
        "ConditionExpression": condition,
        "UpdateExpression": update,
        "ExpressionAttributeNames": {alias: name for alias, name in {**_NAMES, **names}.items() if alias in used},
        "ReturnValues": "ALL_NEW",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    used_values = {alias: to_attribute(value) for alias, value in {**_VALUES, **values}.items() if alias in used}
    if used_values:
        arguments["ExpressionAttributeValues"] = used_values
    return arguments
