"""What an operator does: accounts, keys, packs. The command line and the first start of a machine call these."""

import base64
from dataclasses import dataclass

from minipic.domain.account import Account, Key, Plan, Status
from minipic.domain.keys import ENTROPY_BYTES, Environment, hash_key, make_key
from minipic.service import Services
from minipic.stores import AccountNotFound, KeyNotFound

ID_BYTES = 10  # 80 random bits, 16 characters


class Ambiguous(LookupError):
    """A name that several accounts have."""


class PlanNotFound(LookupError):
    """No plan is configured under this name."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. ``text`` is the key itself: shown once, never stored."""

    id: str
    text: str


def _make_id(services: Services, prefix: str) -> str:
    return f"{prefix}_{base64.b32encode(services.entropy(ID_BYTES)).decode().lower()}"


def find_plan(services: Services, name: str) -> Plan:
    """Return the plan of this name; PlanNotFound names those that there are."""
    if name not in services.plans:
        raise PlanNotFound(f"no plan is named {name!r}; there are: {', '.join(services.plans)}")
    return services.plans[name]


def create_account(services: Services, name: str, plan: Plan) -> Account:
    """Make an account without keys."""
    account = Account(
        id=_make_id(services, "acct"),
        name=name,
        created_ms=services.now_ms(),
        plan=plan.name,
        free_limit=plan.free_images,
    )
    services.accounts.create(account)
    return account


def find_account(services: Services, id_or_name: str) -> Account:
    """Return the account with this id, or else the only one with this name; AccountNotFound, Ambiguous."""
    try:
        return services.accounts.read(id_or_name)
    except AccountNotFound:
        named = [account for account in services.accounts.list_all() if account.name == id_or_name]
    if not named:
        raise AccountNotFound(f"no account has the id or name {id_or_name!r}")
    if len(named) > 1:
        raise Ambiguous(f"several accounts are named {id_or_name!r}: {', '.join(account.id for account in named)}")
    return named[0]


def set_status(services: Services, id_or_name: str, status: Status) -> Account:
    """Suspend or resume an account."""
    return services.accounts.set_status(find_account(services, id_or_name).id, status)


def set_plan(services: Services, id_or_name: str, plan: Plan) -> Account:
    """Put an account on a plan."""
    return services.accounts.set_plan(find_account(services, id_or_name).id, plan)


def create_key(services: Services, id_or_name: str, name: str, environment: Environment) -> NewKey:
    """Make a key for an account; TooManyKeys above the limit."""
    account = find_account(services, id_or_name)
    key_id = _make_id(services, "key")
    text = make_key(environment, services.entropy(ENTROPY_BYTES))
    key = Key(environment=environment, name=name or key_id, created_ms=services.now_ms())
    services.accounts.add_key(account.id, key_id, key, hash_key(text))
    return NewKey(key_id, text)


def set_key_enabled(services: Services, key_id: str, enabled: bool) -> Account:
    """Disable or enable a key by its id, or by the key itself; KeyNotFound."""
    account_id, key_id = _locate_key(services, key_id)
    return services.accounts.set_key_enabled(account_id, key_id, enabled)


def _locate_key(services: Services, key_id: str) -> tuple[str, str]:
    if key_id.startswith("mp_"):
        owner = services.accounts.find_key(hash_key(key_id))
        if owner is not None:
            return owner.account_id, owner.key_id
    for account in services.accounts.list_all():
        if key_id in account.keys:
            return account.id, key_id
    raise KeyNotFound(f"no account has the key {key_id!r}")


def grant_pack(services: Services, id_or_name: str, images: int, reference: str) -> Account:
    """Give an account a credit pack; the same reference again gives nothing more."""
    account = find_account(services, id_or_name)
    return services.accounts.grant(account.id, reference, images, services.now_ms(), services.credit_plan.free_images)
