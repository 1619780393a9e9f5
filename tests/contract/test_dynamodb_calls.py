from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mypy_boto3_dynamodb import DynamoDBClient

from minipic.domain.account import Account, Overrides
from minipic.errors import TooManyRequests
from minipic.stores.aws.accounts import DynamoAccounts
from tests.aws_stack import AwsStack
from tests.contract.account_values import (
    CHARGE,
    DECEMBER,
    NEXT_MONTH_MS,
    NOVEMBER,
    NOW_MS,
    PLAN,
    PLANS,
    make_lease,
    plans_with,
)


@contextmanager
def counted(client: DynamoDBClient) -> Iterator[list[str]]:
    """Yield a list that grows by the name of each operation that the client sends."""
    sent: list[str] = []

    def count(event_name: str, **_: Any) -> None:
        sent.append(event_name.rpartition(".")[2])

    client.meta.events.register("before-send.dynamodb", count, "count")
    yield sent
    client.meta.events.unregister("before-send.dynamodb", count, "count")


def test_an_idle_account_costs_two_writes(client: DynamoDBClient, store: DynamoAccounts, account: Account) -> None:
    """Admitting and settling on an account that nobody else uses is one UpdateItem each."""
    for number in range(3):
        now_ms = NOW_MS + number * 1000
        lease = make_lease(account, now_ms=now_ms)
        with counted(client) as sent:
            assert store.admit(lease, now_ms, PLANS).error is None
            assert store.settle(lease, now_ms, CHARGE, PLANS).error is None
        assert sent == ["UpdateItem", "UpdateItem"]


def test_a_busy_key_costs_two_writes(client: DynamoDBClient, store: DynamoAccounts, account: Account) -> None:
    """A key whose last request this process saw is admitted in one write while its rate is running too."""
    for _ in range(3):
        lease = make_lease(account)
        with counted(client) as sent:
            store.admit(lease, NOW_MS, PLANS)
            store.settle(lease, NOW_MS, CHARGE, PLANS)
        assert sent == ["UpdateItem", "UpdateItem"]


def test_the_change_to_credits_costs_no_more(client: DynamoDBClient, store: DynamoAccounts, account: Account) -> None:
    """The first credit after the last free image is drawn in the two usual writes."""
    store.grant(account.id, "p1", 5, NOW_MS, plans_with(paid_images=1))
    for number in range(3):
        now_ms = NOW_MS + number * 1000
        lease = make_lease(account, now_ms=now_ms)
        with counted(client) as sent:
            store.admit(lease, now_ms, PLANS)
            store.settle(lease, now_ms, CHARGE, PLANS)
        assert len(sent) == 2
    assert store.read(account.id).credits_drawn == 2


def test_a_wrong_guess_costs_one_more(
    client: DynamoDBClient, store: DynamoAccounts, account: Account, aws_stack: AwsStack
) -> None:
    """Requests of another process in between cost one call more, and the charge is still the right one."""
    other = DynamoAccounts(client, aws_stack.table_name)
    store.read(account.id)
    assert other.admit(make_lease(account), NOW_MS, PLANS).error is None
    lease = make_lease(account)
    with counted(client) as sent:
        assert store.admit(lease, NOW_MS, PLANS).error is None
    assert sent == ["UpdateItem"] * 2
    other.grant(account.id, "p1", 1, NOW_MS, plans_with(paid_images=0))
    with counted(client) as sent:
        settled = store.settle(lease, NOW_MS, CHARGE, PLANS)
    assert sent == ["UpdateItem"] * 2
    assert (settled.account.credits_drawn, settled.account.free_used) == (1, {})


def test_a_free_image_comes_before_a_credit(
    store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """A process that still believes the free quota used up does not draw a credit while a free image is there."""
    store.grant(account.id, "p1", 5, NOW_MS, plans_with(paid_images=0))
    lease = make_lease(account)
    store.admit(lease, NOW_MS, PLANS)
    other_dynamo_accounts.set_plan(account.id, PLAN)
    settled = store.settle(lease, NOW_MS, CHARGE, PLANS).account
    assert (settled.free_used, settled.credits_drawn) == ({NOVEMBER: 1}, 0)


def test_the_worst_guesses_cost_four_calls(
    client: DynamoDBClient, other_dynamo_accounts: DynamoAccounts, account: Account, aws_stack: AwsStack
) -> None:
    """A process that knows nothing of a busy paid account, whose free images end meanwhile, asks four times at most."""
    other_dynamo_accounts.grant(account.id, "p1", 9, NOW_MS, plans_with(paid_images=1))
    other_dynamo_accounts.admit(make_lease(account), NOW_MS, PLANS)
    last_free = make_lease(account)
    other_dynamo_accounts.admit(last_free, NOW_MS, PLANS)
    cold = DynamoAccounts(client, aws_stack.table_name)
    lease = make_lease(account)
    with counted(client) as sent:
        assert cold.admit(lease, NOW_MS, PLANS).error is None
        other_dynamo_accounts.settle(last_free, NOW_MS, CHARGE, PLANS)
        settled = cold.settle(lease, NOW_MS, CHARGE, PLANS)
    assert (settled.error, settled.account.credits_drawn) == (None, 1)
    assert len(sent) == 4


def test_limits_that_another_process_set_hold(
    client: DynamoDBClient, store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """A plan or an override set elsewhere holds for the next request here, which costs one call more, once."""
    assert store.admit(make_lease(account), NOW_MS, PLANS).error is None
    other_dynamo_accounts.set_overrides(account.id, Overrides(concurrency=1), PLANS)
    assert isinstance(store.admit(make_lease(account), NOW_MS, PLANS).error, TooManyRequests)
    other_dynamo_accounts.set_overrides(account.id, Overrides(), PLANS)
    other_dynamo_accounts.set_plan(account.id, PLANS.paid)
    for calls in (2, 1):
        with counted(client) as sent:
            assert store.admit(make_lease(account), NOW_MS, PLANS).error is None
        assert len(sent) == calls


def test_a_month_that_another_process_began_is_not_left(
    store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """A process whose clock and memory are still in November charges December, once another has begun it."""
    before_ms = NEXT_MONTH_MS - 1
    lease = make_lease(account, now_ms=before_ms)
    store.admit(lease, before_ms, PLANS)
    other = make_lease(account, now_ms=NEXT_MONTH_MS)
    other_dynamo_accounts.admit(other, NEXT_MONTH_MS, PLANS)
    other_dynamo_accounts.settle(other, NEXT_MONTH_MS, CHARGE, PLANS)
    settled = store.settle(lease, before_ms, CHARGE, PLANS).account
    assert (settled.month, settled.images) == (DECEMBER, {DECEMBER: 2})


def test_a_key_is_found_in_one_read(client: DynamoDBClient, store: DynamoAccounts) -> None:
    """Looking a key up is one GetItem."""
    with counted(client) as sent:
        assert store.find_key("0" * 64) is None
    assert sent == ["GetItem"]
