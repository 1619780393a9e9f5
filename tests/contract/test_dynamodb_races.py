"""What another process does between the read and the write of an operator's change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from minipic.domain.account import Account, Overrides
from minipic.domain.credits import NotEnoughCredits
from minipic.domain.pruning import DAY_MS
from minipic.errors import AccountLimitReached
from minipic.stores.aws.accounts import DynamoAccounts
from tests.contract.account_values import (
    CHARGE,
    NOVEMBER,
    NOW_MS,
    PLANS,
    SANDBOX_LIMIT,
    TEST_KEY,
    make_lease,
    plans_with,
)

NO_FREE = plans_with(paid_images=0)


@contextmanager
def first(client: DynamoDBClient, action: Callable[[], object]) -> Iterator[None]:
    """Let ``action`` happen right before the client's next UpdateItem goes out."""
    waiting = [action]

    def interrupt(**_: Any) -> None:
        if waiting:
            waiting.pop()()

    client.meta.events.register("before-send.dynamodb.UpdateItem", interrupt)
    yield
    client.meta.events.unregister("before-send.dynamodb.UpdateItem", interrupt)
    assert not waiting


def charge(other: DynamoAccounts, account: Account) -> None:
    lease = make_lease(account)
    assert other.admit(lease, NOW_MS, NO_FREE).error is None
    assert other.settle(lease, NOW_MS, CHARGE, NO_FREE).error is None


def test_a_correction_does_not_take_what_was_just_drawn(
    client: DynamoDBClient, store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """Credits that another process draws while a correction is on its way are not taken away once more."""
    store.grant(account.id, "p1", 2, NOW_MS, NO_FREE)
    with first(client, lambda: charge(other_dynamo_accounts, account)), pytest.raises(NotEnoughCredits):
        store.correct(account.id, "c1", -2, "paid back", NOW_MS)
    after = store.read(account.id)
    assert (after.credits_bought, after.credits_drawn, len(after.packs)) == (2, 1, 1)


def test_the_same_payment_twice_at_once_is_one_pack(
    client: DynamoDBClient, store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """A grant that finds its own reference there, once it is sent, adds nothing: as the first pack or as another."""
    for reference in ("p1", "p2"):
        with first(client, partial(other_dynamo_accounts.grant, account.id, reference, 5, NOW_MS, PLANS)):
            granted = store.grant(account.id, reference, 5, NOW_MS, PLANS)
        assert granted == store.read(account.id)
    assert (granted.credits_bought, granted.seq) == (10, 2)


def test_an_override_set_meanwhile_outlives_a_purchase(
    client: DynamoDBClient, store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """A quota of its own that is set while a purchase makes the account paid is still its quota afterwards."""
    with first(client, lambda: other_dynamo_accounts.set_overrides(account.id, Overrides(free_images=1), PLANS)):
        granted = store.grant(account.id, "p1", 5, NOW_MS, PLANS)
    assert (granted.plan, granted.free_limit) == ("paid", 1)


def test_a_purchase_meanwhile_gives_the_override_its_plan(
    client: DynamoDBClient, store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """An override that is taken back while the plan changes goes back to the new plan's quota."""
    store.set_overrides(account.id, Overrides(free_images=1), PLANS)
    with first(client, lambda: other_dynamo_accounts.grant(account.id, "p1", 5, NOW_MS, PLANS)):
        plain = store.set_overrides(account.id, Overrides(), PLANS)
    assert (plain.plan, plain.free_limit) == ("paid", PLANS.paid.free_images)


def test_pruning_gives_way_to_a_grant(
    client: DynamoDBClient, store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """A pack that is granted while spent ones are pruned is there afterwards, and the spent ones go next time."""
    store.grant(account.id, "p1", 1, NOW_MS, NO_FREE)
    charge(other_dynamo_accounts, account)
    store.grant(account.id, "p2", 1, NOW_MS, NO_FREE)
    later_ms = NOW_MS + 2 * DAY_MS
    with first(client, lambda: other_dynamo_accounts.grant(account.id, "p3", 7, later_ms, NO_FREE)):
        assert [pack.id for pack in store.prune(account.id, later_ms).packs] == ["p1", "p2", "p3"]
    assert [pack.id for pack in store.prune(account.id, later_ms).packs] == ["p2", "p3"]
    assert store.grant(account.id, "p1", 1, later_ms, NO_FREE).credits_bought == 9


def test_a_sandbox_call_meanwhile_counts(
    store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """The last sandbox call of the month is one call, though another process saw it still left."""
    leases = [make_lease(account, TEST_KEY) for _ in range(SANDBOX_LIMIT + 1)]
    for lease in leases:
        assert store.admit(lease, NOW_MS, PLANS).error is None
    for lease in leases[1:]:
        assert other_dynamo_accounts.settle(lease, NOW_MS, CHARGE, PLANS).error is None
    late = store.settle(leases[0], NOW_MS, CHARGE, PLANS)
    assert isinstance(late.error, AccountLimitReached)
    assert late.account.sandbox_used == {NOVEMBER: SANDBOX_LIMIT}
