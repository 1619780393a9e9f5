"""The table's items as PynamoDB models, and an account as an item and back.

Models are described here without a table; ``bind`` gives one its table, endpoint and region when the store is made,
so that nothing is read from the environment and two stores can live in one process.
"""

from collections.abc import Mapping
from dataclasses import asdict
from types import new_class
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pynamodb.attributes import ListAttribute, MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from minipic.domain.account import Account, Entry, Key, Overrides, Pack, Source, Status
from minipic.domain.keys import Environment
from minipic.stores.aws import schema
from minipic.stores.aws.clients import CONNECT_TIMEOUT_S, MAX_CONNECTIONS, MAX_TRIES, READ_TIMEOUT_S

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ENTRY_NAMES = {
    "at_ms": schema.ENTRY_AT_MS,
    "month": schema.ENTRY_MONTH,
    "operation": schema.ENTRY_OPERATION,
    "source": schema.ENTRY_SOURCE,
    "key_id": schema.ENTRY_KEY_ID,
    "lease_id": schema.ENTRY_LEASE_ID,
    "result_id": schema.ENTRY_RESULT_ID,
    "bytes_in": schema.ENTRY_BYTES_IN,
    "bytes_out": schema.ENTRY_BYTES_OUT,
    "pack_id": schema.ENTRY_PACK_ID,
    "credits": schema.ENTRY_CREDITS,
    "reason": schema.ENTRY_REASON,
    "format": schema.ENTRY_FORMAT,
}
_OVERRIDE_NAMES = {
    "free_images": schema.OVERRIDE_FREE_IMAGES,
    "max_bytes": schema.OVERRIDE_MAX_BYTES,
    "rate_per_second": schema.OVERRIDE_RATE_PER_SECOND,
    "burst": schema.OVERRIDE_BURST,
    "concurrency": schema.OVERRIDE_CONCURRENCY,
}


def _map(attr_name: str, *, null: bool = False) -> MapAttribute[str, Any]:
    return MapAttribute(attr_name=attr_name, null=null)  # type: ignore[no-untyped-call]


def _as_dict(value: MapAttribute[str, Any]) -> dict[str, Any]:
    return dict(value.as_dict())  # type: ignore[no-untyped-call]


class AccountItem(Model):
    """The whole hot state of one account."""

    pk = UnicodeAttribute(hash_key=True, attr_name=schema.PARTITION_KEY)
    sk = UnicodeAttribute(range_key=True, attr_name=schema.SORT_KEY, default=schema.ACCOUNT_SORT)
    name = UnicodeAttribute(attr_name=schema.NAME)
    created_ms = NumberAttribute(attr_name=schema.CREATED_MS)
    plan = UnicodeAttribute(attr_name=schema.PLAN)
    free_limit = NumberAttribute(attr_name=schema.FREE_LIMIT)
    status = UnicodeAttribute(attr_name=schema.STATUS)
    month = NumberAttribute(attr_name=schema.MONTH)
    seq = NumberAttribute(attr_name=schema.SEQ)
    free_used = _map(schema.FREE_USED)
    images = _map(schema.IMAGES)
    sandbox_used = _map(schema.SANDBOX_USED)
    credits_bought = NumberAttribute(attr_name=schema.CREDITS_BOUGHT)
    credits_drawn = NumberAttribute(attr_name=schema.CREDITS_DRAWN)
    packs: ListAttribute[Any] = ListAttribute(attr_name=schema.PACKS)
    key_map = _map(schema.KEYS)
    entry = _map(schema.ENTRY, null=True)
    overrides = _map(schema.OVERRIDES)
    low_balance = NumberAttribute(attr_name=schema.LOW_BALANCE)


class KeyItem(Model):
    """Whose key has this hash; never changed after it was written."""

    pk = UnicodeAttribute(hash_key=True, attr_name=schema.PARTITION_KEY)
    sk = UnicodeAttribute(range_key=True, attr_name=schema.SORT_KEY, default=schema.KEY_SORT)
    account_id = UnicodeAttribute(attr_name=schema.OWNER_ACCOUNT)
    key_id = UnicodeAttribute(attr_name=schema.OWNER_KEY)
    environment = UnicodeAttribute(attr_name=schema.OWNER_ENVIRONMENT)


_ModelT = TypeVar("_ModelT", bound=Model)


def bind(model: type[_ModelT], client: "DynamoDBClient", table_name: str) -> type[_ModelT]:
    """Return the model on this table, at the client's endpoint and in its region, as patient as the client."""
    meta = {
        "table_name": table_name,
        "host": client.meta.endpoint_url,
        "region": client.meta.region_name,
        "connect_timeout_seconds": CONNECT_TIMEOUT_S,
        "read_timeout_seconds": READ_TIMEOUT_S,
        "max_pool_connections": MAX_CONNECTIONS,
        "retry_configuration": {"total_max_attempts": MAX_TRIES, "mode": "standard"},
    }
    bound = new_class(
        f"Bound{model.__name__}", (model,), exec_body=lambda body: body.update(Meta=type("Meta", (), meta))
    )
    return cast("type[_ModelT]", bound)


def account_item_fields(account: Account) -> dict[str, Any]:
    """Return the values with which ``AccountItem`` is made."""
    return {
        "pk": schema.ACCOUNT_PREFIX + account.id,
        "name": account.name,
        "created_ms": account.created_ms,
        "plan": account.plan,
        "free_limit": account.free_limit,
        "status": str(account.status),
        "month": account.month,
        "seq": account.seq,
        "free_used": _month_texts(account.free_used),
        "images": _month_texts(account.images),
        "sandbox_used": _month_texts(account.sandbox_used),
        "credits_bought": account.credits_bought,
        "credits_drawn": account.credits_drawn,
        "packs": [pack_fields(pack) for pack in account.packs],
        "key_map": {key_id: key_fields(key) for key_id, key in account.keys.items()},
        "entry": None if account.entry is None else entry_fields(account.entry),
        "overrides": override_fields(account.overrides),
        "low_balance": account.low_balance,
    }


def account_from_item(data: Mapping[str, Any]) -> Account:
    """Return the account in an item as DynamoDB gives it, such as ``{"pk": {"S": …}}``."""
    return account_from_model(AccountItem.from_raw_data(dict(data)))


def account_from_model(item: AccountItem) -> Account:
    """Return the account in a loaded model."""
    entry = None if item.entry is None else _as_dict(item.entry)
    return Account(
        id=item.pk.removeprefix(schema.ACCOUNT_PREFIX),
        name=item.name,
        created_ms=int(item.created_ms),
        plan=item.plan,
        free_limit=int(item.free_limit),
        status=Status(item.status),
        month=int(item.month),
        seq=int(item.seq),
        free_used=_month_numbers(item.free_used),
        images=_month_numbers(item.images),
        sandbox_used=_month_numbers(item.sandbox_used),
        credits_bought=int(item.credits_bought),
        credits_drawn=int(item.credits_drawn),
        packs=tuple(_pack(pack) for pack in item.packs),
        keys={key_id: _key(fields) for key_id, fields in _as_dict(item.key_map).items()},
        entry=None if entry is None else _entry(entry),
        overrides=_overrides(_as_dict(item.overrides)),
        low_balance=int(item.low_balance),
    )


def override_fields(overrides: Overrides) -> dict[str, int]:
    """Return overrides as the map that the account item holds."""
    return {_OVERRIDE_NAMES[name]: value for name, value in overrides.given().items()}


def _overrides(fields: Mapping[str, Any]) -> Overrides:
    return Overrides(**{name: fields.get(short) for name, short in _OVERRIDE_NAMES.items()})


def key_fields(key: Key) -> dict[str, Any]:
    """Return a key as the map that the account item holds, without the hash of its text."""
    return ({schema.KEY_DELETED: True} if key.deleted else {}) | {
        schema.KEY_ENVIRONMENT: str(key.environment),
        schema.KEY_NAME: key.name,
        schema.KEY_CREATED_MS: key.created_ms,
        schema.KEY_LAST4: key.last4,
        schema.KEY_ENABLED: key.enabled,
        schema.KEY_TAT_MS: key.tat_ms,
        schema.KEY_LEASES: dict(key.leases),
    }


def _key(fields: Mapping[str, Any]) -> Key:
    return Key(
        environment=Environment(fields[schema.KEY_ENVIRONMENT]),
        name=fields[schema.KEY_NAME],
        created_ms=fields[schema.KEY_CREATED_MS],
        last4=fields[schema.KEY_LAST4],
        enabled=fields[schema.KEY_ENABLED],
        deleted=fields.get(schema.KEY_DELETED, False),
        tat_ms=fields[schema.KEY_TAT_MS],
        leases=fields[schema.KEY_LEASES],
    )


def pack_fields(pack: Pack) -> dict[str, Any]:
    """Return a credit pack as the map that the account item holds."""
    return {
        schema.PACK_ID: pack.id,
        schema.PACK_SIZE: pack.size,
        schema.PACK_END: pack.end,
        schema.PACK_PURCHASED_MS: pack.purchased_ms,
    }


def _pack(fields: Mapping[str, Any]) -> Pack:
    return Pack(
        id=fields[schema.PACK_ID],
        size=fields[schema.PACK_SIZE],
        end=fields[schema.PACK_END],
        purchased_ms=fields[schema.PACK_PURCHASED_MS],
    )


def entry_fields(entry: Entry) -> dict[str, Any]:
    """Return the latest ledger entry as the map that the account item holds, without what is empty."""
    values = {_ENTRY_NAMES[name]: value for name, value in asdict(entry).items() if value not in ("", 0)}
    return {**values, schema.ENTRY_SOURCE: str(entry.source)}


def _entry(fields: Mapping[str, Any]) -> Entry:
    values = {name: fields[short] for name, short in _ENTRY_NAMES.items() if short in fields}
    required = {"at_ms": 0, "month": 0, "operation": ""}
    return Entry(**{**required, **values, "source": Source(fields[schema.ENTRY_SOURCE])})


def _month_texts(counts: Mapping[int, int]) -> dict[str, int]:
    return {str(month): count for month, count in counts.items()}


def _month_numbers(counts: MapAttribute[str, Any]) -> dict[int, int]:
    return {int(month): count for month, count in _as_dict(counts).items()}
