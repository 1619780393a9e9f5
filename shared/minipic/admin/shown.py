"""Answers of the command line: objects for scripts, text for people."""

from dataclasses import dataclass
from typing import Any

from minipic.domain import keyring
from minipic.domain.account import Account, Pack
from minipic.domain.metering import month_of
from minipic.domain.statement import moment
from minipic.service import Services

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Negative:
    """An answer that is a no: printed like any other, with exit code 1."""

    fields: Answer


def described(services: Services, account: Account) -> Answer:
    """Return where an account stands."""
    month = max(account.month, month_of(services.now_ms()))
    return {
        "account": account.id,
        "name": account.name,
        "plan": account.plan,
        "status": str(account.status),
        "created": moment(account.created_ms),
        "images_this_month": account.images.get(month, 0),
        "free_remaining": max(0, account.free_limit - account.free_used.get(month, 0)),
        "credits_remaining": account.credits_bought - account.credits_drawn,
    }


def listed_keys(services: Services, account: Account) -> list[Answer]:
    """Return an account's keys, without anything that opens anything."""
    return [
        {
            "id": key_id,
            "name": key.name,
            "key": f"mp_{key.environment}_…{key.last4}",
            "enabled": key.enabled,
            "created": moment(key.created_ms),
            "last_used": _day(min(key.tat_ms, services.now_ms())),
        }
        for key_id, key in keyring.kept(account).items()
    ]


def _day(at_ms: int) -> str:
    return moment(at_ms)[:10] if at_ms else "never"


def listed_packs(account: Account) -> list[Answer]:
    """Return an account's packs and corrections, in the order in which they are used up."""
    return [described_pack(account, pack) for pack in account.packs]


def described_pack(account: Account, pack: Pack) -> Answer:
    """Return one pack."""
    return {
        "pack": pack.id,
        "images": pack.size,
        "remaining": pack.remaining(account.credits_drawn),
        "added": moment(pack.purchased_ms),
    }


def as_text(answer: Answer) -> str:
    """Return an answer for people: fields one below the other, lists as tables."""
    parts = []
    fields = {name: value for name, value in answer.items() if not isinstance(value, list)}
    if fields:
        width = max(map(len, fields))
        parts.append("\n".join(f"{name:<{width}}  {value}" for name, value in fields.items()))
    parts += [_table(name, rows) for name, rows in answer.items() if isinstance(rows, list)]
    return "\n\n".join(parts)


def _table(name: str, rows: list[Answer]) -> str:
    if not rows:
        return f"no {name}"
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in cells)
