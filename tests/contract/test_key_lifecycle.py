"""Keys that are deleted and replaced, with and without requests in work."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from minipic.domain import keyring
from minipic.domain.account import MAX_KEYS, Account, Key, Status
from minipic.domain.keys import Environment
from minipic.errors import Unauthorized
from minipic.stores import AccountNotFound, Accounts, AlreadyExists, KeyNotFound, TooManyKeys
from tests.contract.account_values import (
    CHARGE,
    LIVE_KEY,
    NOVEMBER,
    NOW_MS,
    PLANS,
    TEST_KEY,
    admit,
    make_account,
    make_lease,
)
from tests.contract.test_concurrency import at_once

NEW_KEY = Key(Environment.LIVE, "phone", NOW_MS, "q7Bz")


def new_hash() -> str:
    return uuid4().hex + uuid4().hex


@pytest.fixture
def key_hash() -> str:
    return new_hash()


@pytest.fixture
def account(accounts: Accounts, key_hash: str) -> Account:
    """Make an account whose key ``k3`` has a hash."""
    made = make_account()
    accounts.create(made)
    return accounts.add_key(made.id, "k3", NEW_KEY, key_hash)


def test_a_deleted_key_leaves_nothing(accounts: Accounts, account: Account, key_hash: str) -> None:
    """A key without requests in work is gone at once, and so is its hash."""
    after = accounts.delete_key(account.id, "k3")
    assert after == accounts.read(account.id)
    assert after.keys.keys() == {LIVE_KEY, TEST_KEY}
    assert accounts.find_key(key_hash) is None
    with pytest.raises(KeyNotFound):
        accounts.delete_key(account.id, "k3")


def test_a_deleted_keys_work_in_flight_settles(accounts: Accounts, account: Account, key_hash: str) -> None:
    """A key that is deleted during the work admits nothing more, but what it had in work is charged, with its name."""
    lease = make_lease(account, "k3")
    accounts.admit(lease, NOW_MS, PLANS)
    deleted = accounts.delete_key(account.id, "k3")
    assert keyring.kept(deleted).keys() == {LIVE_KEY, TEST_KEY}
    assert accounts.find_key(key_hash) is None
    assert isinstance(admit(accounts, account, key_id="k3").error, Unauthorized)
    settled = accounts.settle(lease, NOW_MS, CHARGE, PLANS)
    assert settled.error is None
    assert settled.account.images == {NOVEMBER: 1}
    assert settled.account.keys["k3"].name == "phone"
    assert "k3" not in accounts.prune(account.id, NOW_MS).keys


def test_a_deleted_key_stays_deleted(accounts: Accounts, account: Account) -> None:
    """A deleted key that still has work cannot be switched on, deleted or replaced again."""
    accounts.admit(make_lease(account, "k3"), NOW_MS, PLANS)
    accounts.delete_key(account.id, "k3")
    calls: list[Callable[[], object]] = [
        lambda: accounts.set_key_enabled(account.id, "k3", True),
        lambda: accounts.delete_key(account.id, "k3"),
        lambda: accounts.replace_key(account.id, "k3", "k4", NEW_KEY, new_hash()),
    ]
    for call in calls:
        with pytest.raises(KeyNotFound):
            call()


def test_a_replaced_key_is_another(accounts: Accounts, account: Account, key_hash: str) -> None:
    """A replaced key opens nothing from then on; the one in its place does, and one that fails leaves no hash."""
    new = new_hash()
    after = accounts.replace_key(account.id, "k3", "k4", NEW_KEY, new)
    assert after.keys.keys() == {LIVE_KEY, TEST_KEY, "k4"}
    assert accounts.find_key(key_hash) is None
    owner = accounts.find_key(new)
    assert owner is not None
    assert owner.key_id == "k4"
    with pytest.raises(AlreadyExists):
        accounts.replace_key(account.id, "k4", "k5", NEW_KEY, new)


def test_a_full_account_replaces_keys(accounts: Accounts, account: Account) -> None:
    """An account with five keys can replace one although requests are in work, and still not add a sixth."""
    for number in range(MAX_KEYS - len(account.keys)):
        accounts.add_key(account.id, f"more-{number}", NEW_KEY, new_hash())
    accounts.admit(make_lease(account, "k3"), NOW_MS, PLANS)
    after = accounts.replace_key(account.id, "k3", "k4", NEW_KEY, new_hash())
    assert len(after.keys) == MAX_KEYS + 1
    assert len(keyring.kept(after)) == MAX_KEYS
    with pytest.raises(TooManyKeys):
        accounts.add_key(account.id, "k5", NEW_KEY, new_hash())
    accounts.delete_key(account.id, "k4")
    assert len(keyring.kept(accounts.add_key(account.id, "k5", NEW_KEY, new_hash()))) == MAX_KEYS


def test_keys_at_once_are_never_more_than_five(accounts: Accounts, account: Account) -> None:
    """Threads that add and replace keys at once never leave more than five, and every key that is left is found."""
    hashes = {f"n{number}": new_hash() for number in range(8)}

    def add(number: int) -> None:
        name = f"n{number}"
        try:
            if number % 2:
                accounts.add_key(account.id, name, NEW_KEY, hashes[name])
            else:
                accounts.replace_key(account.id, [LIVE_KEY, TEST_KEY, "k3"][number % 3], name, NEW_KEY, hashes[name])
        except (TooManyKeys, KeyNotFound):
            hashes.pop(name)

    at_once(8, add)
    kept = keyring.kept(accounts.read(account.id))
    assert len(kept) <= MAX_KEYS
    for name, key_hash in hashes.items():
        assert (accounts.find_key(key_hash) is not None) == (name in kept)


def test_a_deleted_account_is_closed(accounts: Accounts, account: Account) -> None:
    """A deleted account takes no key and no other status; its work in flight settles, and its counts stay."""
    lease = make_lease(account)
    accounts.admit(lease, NOW_MS, PLANS)
    deleted = accounts.set_status(account.id, Status.DELETED)
    assert deleted.status is Status.DELETED
    calls: list[Callable[[], object]] = [
        lambda: accounts.set_status(account.id, Status.ACTIVE),
        lambda: accounts.add_key(account.id, "k4", NEW_KEY, new_hash()),
    ]
    for call in calls:
        with pytest.raises(AccountNotFound):
            call()
    assert isinstance(admit(accounts, account).error, Unauthorized)
    assert accounts.settle(lease, NOW_MS, CHARGE, PLANS).error is None
    assert accounts.read(account.id).images == {NOVEMBER: 1}
