"""What an operator does: accounts, keys, credits. The command line and the first start of a machine call these."""

import base64
from dataclasses import dataclass, replace

from minipic.domain import keyring
from minipic.domain.account import Account, Key, Overrides, Plan, Status
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
    plans = services.plans.by_name
    if name not in plans:
        raise PlanNotFound(f"no plan is named {name!r}; there are: {', '.join(plans)}")
    return plans[name]


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
    """Return the account with this id, or else the only one with this name; AccountNotFound, Ambiguous.

    A deleted account is found by its id alone.
    """
    try:
        return services.accounts.read(id_or_name)
    except AccountNotFound:
        named = [
            account
            for account in services.accounts.list_all()
            if account.name == id_or_name and account.status is not Status.DELETED
        ]
    if not named:
        raise AccountNotFound(f"no account has the id or name {id_or_name!r}")
    if len(named) > 1:
        raise Ambiguous(f"several accounts are named {id_or_name!r}: {', '.join(account.id for account in named)}")
    return named[0]


def _find_open(services: Services, id_or_name: str) -> Account:
    account = find_account(services, id_or_name)
    if account.status is Status.DELETED:
        raise AccountNotFound(f"the account {account.id} is deleted")
    return account


def set_status(services: Services, id_or_name: str, status: Status) -> Account:
    """Suspend or resume an account."""
    return services.accounts.set_status(_find_open(services, id_or_name).id, status)


def delete_account(services: Services, id_or_name: str) -> Account:
    """Delete an account: its keys are unknown from now on, requests in work still settle, its ledger stays."""
    account = find_account(services, id_or_name)
    if account.status is not Status.DELETED:
        account = services.accounts.set_status(account.id, Status.DELETED)  # from here on no key can be added
    for key_id in keyring.kept(account):
        account = services.accounts.delete_key(account.id, key_id)
    return account


def set_plan(services: Services, id_or_name: str, plan: Plan) -> Account:
    """Put an account on a plan."""
    return services.accounts.set_plan(find_account(services, id_or_name).id, plan)


def set_overrides(services: Services, id_or_name: str, changes: dict[str, int | None]) -> Account:
    """Change what an account may do other than its plan says; None goes back to the plan."""
    account = find_account(services, id_or_name)
    changed: Overrides = replace(account.overrides, **changes)
    return services.accounts.set_overrides(account.id, changed, services.plans)


def create_key(services: Services, id_or_name: str, name: str, environment: Environment) -> NewKey:
    """Make a key for an account; TooManyKeys above the limit."""
    account = find_account(services, id_or_name)
    new, key = _new_key(services, name, environment)
    services.accounts.add_key(account.id, new.id, key, hash_key(new.text))
    return new


def _new_key(services: Services, name: str, environment: Environment) -> tuple[NewKey, Key]:
    text = make_key(environment, services.entropy(ENTROPY_BYTES))
    new = NewKey(_make_id(services, "key"), text)
    return new, Key(environment=environment, name=name or new.id, created_ms=services.now_ms(), last4=text[-4:])


def rotate_key(services: Services, key_id: str) -> NewKey:
    """Make a key in place of another, under its name; the old one is unknown from now on. KeyNotFound."""
    account, old_id = _locate_key(services, key_id)
    old = account.keys[old_id]
    new, key = _new_key(services, "" if old.name == old_id else old.name, old.environment)
    key = replace(key, enabled=old.enabled)
    services.accounts.replace_key(account.id, old_id, new.id, key, hash_key(new.text))
    return new


def set_key_enabled(services: Services, key_id: str, enabled: bool) -> Account:
    """Disable or enable a key by its id, or by the key itself; KeyNotFound."""
    account, key_id = _locate_key(services, key_id)
    return services.accounts.set_key_enabled(account.id, key_id, enabled)


def delete_key(services: Services, key_id: str) -> Account:
    """Delete a key by its id, or by the key itself; KeyNotFound."""
    account, key_id = _locate_key(services, key_id)
    return services.accounts.delete_key(account.id, key_id)


def _locate_key(services: Services, key_id: str) -> tuple[Account, str]:
    if key_id.startswith("mp_"):
        owner = services.accounts.find_key(hash_key(key_id))
        if owner is not None:
            return services.accounts.read(owner.account_id), owner.key_id
    else:
        for account in services.accounts.list_all():
            if key_id in keyring.kept(account):
                return account, key_id
    raise KeyNotFound("no account has this key" if key_id.startswith("mp_") else f"no account has the key {key_id!r}")


def grant_pack(services: Services, id_or_name: str, images: int, reference: str) -> Account:
    """Give an account a credit pack; the same reference again gives nothing more."""
    account = _find_open(services, id_or_name)
    return services.accounts.grant(account.id, reference, images, services.now_ms(), services.plans)


def correct_credits(services: Services, id_or_name: str, credits: int, reference: str, reason: str) -> Account:
    """Add credits to an account or take them away, for a reason; the same reference again changes nothing."""
    account = _find_open(services, id_or_name)
    return services.accounts.correct(account.id, reference, credits, reason, services.now_ms())
