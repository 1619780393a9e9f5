"""An account as JSON and back. Months become text on the way, because JSON has no other names."""

import json
from dataclasses import asdict
from typing import Any

from minipic.domain.account import Account, Entry, Key, Overrides, Pack, Source, Status
from minipic.domain.keys import Environment

_BY_MONTH = ("free_used", "images", "sandbox_used")


def account_to_json(account: Account) -> str:
    """Return the account as one JSON text."""
    return json.dumps(asdict(account), separators=(",", ":"))


def account_from_json(text: str) -> Account:
    """Return the account that ``account_to_json`` wrote."""
    fields: dict[str, Any] = json.loads(text)
    for name in _BY_MONTH:
        fields[name] = {int(month): count for month, count in fields[name].items()}
    fields["status"] = Status(fields["status"])
    fields["overrides"] = Overrides(**fields.get("overrides", {}))
    fields["packs"] = tuple(Pack(**pack) for pack in fields["packs"])
    fields["keys"] = {key_id: _key(key) for key_id, key in fields["keys"].items()}
    if fields["entry"] is not None:
        fields["entry"] = Entry(**{**fields["entry"], "source": Source(fields["entry"]["source"])})
    return Account(**fields)


def _key(fields: dict[str, Any]) -> Key:
    return Key(**{**fields, "environment": Environment(fields["environment"])})
