from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from minipic.domain.account import MAX_KEYS, Entry, Key, Overrides, Pack, Source, Status
from minipic.domain.keys import Environment, KeyOwner
from minipic.stores import AccountNotFound, Accounts, AlreadyExists, KeyNotFound, TooManyKeys
from tests.contract.account_values import CHARGE, LIVE_KEY, NOW_MS, PAID, PLANS, make_account, make_lease

NEW_KEY = Key(Environment.LIVE, "phone", NOW_MS)


def test_what_was_created_is_read_again(accounts: Accounts) -> None:
    """Every field of an account comes back as it was stored."""
    entry = Entry(NOW_MS, 202611, "shrink", Source.FREE, LIVE_KEY, "l1", "r1", 10, 5)
    account = replace(
        make_account(),
        status=Status.SUSPENDED,
        month=202611,
        seq=3,
        free_used={202610: 5, 202611: 1},
        images={202610: 6, 202611: 1},
        sandbox_used={202611: 2},
        credits_bought=10,
        credits_drawn=1,
        packs=(Pack("p1", 4, 4, NOW_MS), Pack("p2", 6, 10, NOW_MS + 1)),
        keys={
            "a.b[0]#c": Key(Environment.TEST, "", 1, "q7Bz", enabled=False, tat_ms=7, leases={"x": 9, "y": 10}),
            "d": Key(Environment.LIVE, "gone", 1, "0aXc", enabled=False, deleted=True, leases={"z": 11}),
        },
        overrides=Overrides(free_images=9, rate_per_second=3),
        low_balance=100,
        entry=entry,
    )
    accounts.create(account)
    assert accounts.read(account.id) == account


def test_creating_twice_is_refused(accounts: Accounts) -> None:
    """A second account with the same id is refused and the first one stays, also if the second is just like it."""
    account = make_account()
    accounts.create(account)
    for again in (replace(account, name="another"), account):
        with pytest.raises(AlreadyExists):
            accounts.create(again)
    assert accounts.read(account.id) == account


def test_every_account_is_listed(accounts: Accounts) -> None:
    """The list holds each account once, as it is now."""
    created = [make_account() for _ in range(3)]
    for account in created:
        accounts.create(account)
    accounts.add_key(created[0].id, "k3", NEW_KEY, uuid4().hex)
    listed = list(accounts.list_all())
    assert len({account.id for account in listed}) == len(listed)
    assert accounts.read(created[0].id) in listed
    assert all(account in listed for account in created[1:])


def test_status_is_set(accounts: Accounts) -> None:
    """Suspending and resuming change the status and nothing else."""
    account = make_account()
    accounts.create(account)
    suspended = accounts.set_status(account.id, Status.SUSPENDED)
    assert suspended == accounts.read(account.id) == replace(account, status=Status.SUSPENDED)
    assert accounts.set_status(account.id, Status.ACTIVE) == account


def test_plan_is_set_and_use_stays(accounts: Accounts) -> None:
    """Another plan brings its name and its free images; what was used stays."""
    account = replace(make_account(), free_used={202611: 4})
    accounts.create(account)
    moved = accounts.set_plan(account.id, PAID)
    assert moved == accounts.read(account.id) == replace(account, plan="paid", free_limit=7)


def test_a_key_is_found_by_its_hash(accounts: Accounts) -> None:
    """A new key leads to its owner from the moment that it was added, also once it is disabled."""
    account, key_hash = make_account(), uuid4().hex
    accounts.create(account)
    assert accounts.find_key(key_hash) is None
    assert accounts.add_key(account.id, "k3", NEW_KEY, key_hash).keys["k3"] == NEW_KEY
    owner = KeyOwner(account.id, "k3", Environment.LIVE)
    assert accounts.find_key(key_hash) == owner
    accounts.set_key_enabled(account.id, "k3", False)
    assert accounts.find_key(key_hash) == owner


def test_a_key_is_disabled_and_enabled(accounts: Accounts) -> None:
    """A key's switch is its own: its rate, its leases and the other keys stay."""
    account = make_account()
    accounts.create(account)
    admitted = accounts.admit(make_lease(account), NOW_MS, PLANS).account
    key = admitted.keys[LIVE_KEY]
    disabled = accounts.set_key_enabled(account.id, LIVE_KEY, False)
    assert disabled == replace(admitted, keys={**admitted.keys, LIVE_KEY: replace(key, enabled=False)})
    assert accounts.set_key_enabled(account.id, LIVE_KEY, True) == admitted


def test_keys_are_at_most_five(accounts: Accounts) -> None:
    """A sixth key is refused, and its hash leads nowhere."""
    account = make_account()
    accounts.create(account)
    for number in range(MAX_KEYS - len(account.keys)):
        accounts.add_key(account.id, f"new-{number}", NEW_KEY, uuid4().hex)
    key_hash = uuid4().hex
    with pytest.raises(TooManyKeys):
        accounts.add_key(account.id, "one-more", NEW_KEY, key_hash)
    assert accounts.find_key(key_hash) is None
    assert len(accounts.read(account.id).keys) == MAX_KEYS


def test_a_hash_belongs_to_one_key(accounts: Accounts) -> None:
    """A hash that leads to a key already cannot be given to another account's."""
    first, second, key_hash = make_account(), make_account(), uuid4().hex
    accounts.create(first)
    accounts.create(second)
    accounts.add_key(first.id, "k3", NEW_KEY, key_hash)
    for account_id in (second.id, first.id):
        with pytest.raises(AlreadyExists):
            accounts.add_key(account_id, "k3", NEW_KEY, key_hash)
    assert accounts.find_key(key_hash) == KeyOwner(first.id, "k3", Environment.LIVE)
    assert accounts.read(second.id) == second


def test_a_key_id_is_given_once(accounts: Accounts) -> None:
    """A second key with the id of another is refused, its hash leads nowhere, and the first one stays."""
    account, key_hash = make_account(), uuid4().hex
    accounts.create(account)
    for key in (NEW_KEY, account.keys[LIVE_KEY]):
        with pytest.raises(AlreadyExists):
            accounts.add_key(account.id, LIVE_KEY, key, key_hash)
    assert accounts.find_key(key_hash) is None
    assert accounts.read(account.id) == account


def test_an_unknown_account_is_named_by_every_method(accounts: Accounts) -> None:
    """Nothing is done to an account that is not there, and nothing is left behind."""
    account, key_hash = make_account(), uuid4().hex
    lease = make_lease(account)
    calls: list[Callable[[], object]] = [
        lambda: accounts.read(account.id),
        lambda: accounts.set_status(account.id, Status.SUSPENDED),
        lambda: accounts.set_plan(account.id, PAID),
        lambda: accounts.set_overrides(account.id, Overrides(burst=3), PLANS),
        lambda: accounts.set_low_balance(account.id, 3),
        lambda: accounts.add_key(account.id, "k3", NEW_KEY, key_hash),
        lambda: accounts.replace_key(account.id, LIVE_KEY, "k3", NEW_KEY, key_hash),
        lambda: accounts.set_key_enabled(account.id, LIVE_KEY, False),
        lambda: accounts.delete_key(account.id, LIVE_KEY),
        lambda: accounts.admit(lease, NOW_MS, PLANS),
        lambda: accounts.settle(lease, NOW_MS, CHARGE, PLANS),
        lambda: accounts.settle(lease, lease.expires_ms, CHARGE, PLANS),
        lambda: accounts.release(lease),
        lambda: accounts.grant(account.id, "p1", 10, NOW_MS, PLANS),
        lambda: accounts.correct(account.id, "c1", 10, "mistake", NOW_MS),
        lambda: accounts.prune(account.id, NOW_MS),
    ]
    for call in calls:
        with pytest.raises(AccountNotFound):
            call()
    assert accounts.find_key(key_hash) is None
    assert account.id not in [other.id for other in accounts.list_all()]


def test_an_unknown_key_cannot_be_changed(accounts: Accounts) -> None:
    """Switching, deleting or replacing a key that the account does not have raises KeyNotFound and adds nothing."""
    account, key_hash = make_account(), uuid4().hex
    accounts.create(account)
    calls: list[Callable[[], object]] = [
        lambda: accounts.set_key_enabled(account.id, "nobody", True),
        lambda: accounts.delete_key(account.id, "nobody"),
        lambda: accounts.replace_key(account.id, "nobody", "k3", NEW_KEY, key_hash),
    ]
    for call in calls:
        with pytest.raises(KeyNotFound):
            call()
    assert accounts.find_key(key_hash) is None
    assert accounts.read(account.id) == account


def test_ping_returns(accounts: Accounts) -> None:
    """A store that answers lets ping return."""
    accounts.ping()
