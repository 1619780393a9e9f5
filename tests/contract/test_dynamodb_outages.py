from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from mypy_boto3_dynamodb import DynamoDBClient
from pynamodb.exceptions import PutError

from minipic.domain import metering
from minipic.domain.account import Account, Key
from minipic.domain.keys import Environment, KeyOwner
from minipic.errors import ServiceUnavailable
from minipic.stores.aws import expressions
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients
from tests.aws_stack import AwsStack
from tests.contract.account_values import (
    CHARGE,
    LIVE_KEY,
    NOVEMBER,
    NOW_MS,
    PLAN,
    PLANS,
    make_account,
    make_lease,
)


@contextmanager
def lost_answers(client: DynamoDBClient, times: int, expression: str) -> Iterator[None]:
    """Carry out updates whose body holds ``expression``, but lose the answer of the first ``times`` of them."""
    left = [times]

    def lose(request: Any, **_: Any) -> Any:
        if left[0] == 0 or expression.encode() not in request.body:
            return None
        left[0] -= 1
        deliver(request)
        raise ReadTimeoutError(endpoint_url=request.url)

    deliver: Callable[[Any], Any] = client._endpoint.http_session.send  # type: ignore[attr-defined]
    client.meta.events.register("before-send.dynamodb", lose, f"lose {expression}")
    yield
    client.meta.events.unregister("before-send.dynamodb", lose, f"lose {expression}")


def pynamodb_client(store: DynamoAccounts) -> Any:
    """Return the client that the operator's calls go through."""
    return store._account_model._get_connection().connection.client


@pytest.mark.parametrize("times", [1, 2, 3, 4], ids="lost {}".format)
def test_a_lost_answer_to_settle_is_one_charge(
    client: DynamoDBClient, store: DynamoAccounts, account: Account, times: int
) -> None:
    """A settle that was carried out but never answered succeeds when it is asked again, and charges once."""
    lease = make_lease(account)
    store.admit(lease, NOW_MS, PLANS)
    with lost_answers(client, times, "#line"):
        verdict = store.settle(lease, NOW_MS, CHARGE, PLANS)
    assert verdict.error is None
    assert verdict.account == store.read(account.id)
    assert verdict.account.images == {NOVEMBER: 1}


def test_a_settle_that_is_never_answered_is_looked_up(
    client: DynamoDBClient, store: DynamoAccounts, account: Account
) -> None:
    """When no settle is answered, giving the lease back tells that it was charged: success, and one charge."""
    lease = make_lease(account)
    store.admit(lease, NOW_MS, PLANS)
    with lost_answers(client, 100, "#line"):
        verdict = store.settle(lease, NOW_MS, CHARGE, PLANS)
    assert verdict.error is None
    assert verdict.account.images == {NOVEMBER: 1}


def test_a_repeated_release_proves_no_charge(client: DynamoDBClient, store: DynamoAccounts, account: Account) -> None:
    """When the release's own answer is lost too, its repetition is not taken for the proof of a charge."""
    lease = make_lease(account)
    store.admit(lease, NOW_MS, PLANS)

    def drop(request: Any, **_: Any) -> None:
        if b"#line" in request.body:
            raise ReadTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send.dynamodb", drop, "drop")
    with lost_answers(client, 1, "REMOVE"):
        verdict = store.settle(lease, NOW_MS, CHARGE, PLANS)
    client.meta.events.unregister("before-send.dynamodb", drop, "drop")
    assert isinstance(verdict.error, ServiceUnavailable)
    assert verdict.account.images == store.read(account.id).images == {}


def test_a_charge_that_was_never_answered_is_known_even_behind_another(
    client: DynamoDBClient, store: DynamoAccounts, other_dynamo_accounts: DynamoAccounts, account: Account
) -> None:
    """With every answer to the settle lost, another's charge after it, and the lease's end lost once: still success."""
    lease, other = make_lease(account), make_lease(account)
    for admitted in (lease, other):
        store.admit(admitted, NOW_MS, PLANS)
    waiting = [lambda: other_dynamo_accounts.settle(other, NOW_MS, CHARGE, PLANS)]

    def overtake(request: Any, **_: Any) -> None:
        if b"#line" not in request.body and waiting:
            waiting.pop()()

    client.meta.events.register("before-send.dynamodb", overtake)
    with lost_answers(client, 100, "#line"), lost_answers(client, 1, "SET #K.#k.#L.#l = :expires"):
        verdict = store.settle(lease, NOW_MS, CHARGE, PLANS)
    client.meta.events.unregister("before-send.dynamodb", overtake)
    assert verdict.error is None
    assert store.read(account.id).images == {NOVEMBER: 2}


def test_a_settle_that_arrives_late_charges_nothing(
    client: DynamoDBClient, store: DynamoAccounts, account: Account, aws_stack: AwsStack
) -> None:
    """A write that is carried out after its request was given up meets a lease that is void."""
    lease = make_lease(account)
    admitted = store.admit(lease, NOW_MS, PLANS).account
    entry = metering.settle(admitted, lease, NOW_MS, CHARGE, PLANS).account.entry
    assert entry is not None
    client.update_item(TableName=aws_stack.table_name, **expressions.void(lease))
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        client.update_item(TableName=aws_stack.table_name, **expressions.settle(lease, entry, PLANS))
    assert store.read(account.id).images == {}


def test_a_settle_that_never_arrives_is_not_charged(
    client: DynamoDBClient, store: DynamoAccounts, account: Account
) -> None:
    """When no settle reaches DynamoDB the lease is given back: 503, no charge, and no late write can charge it."""
    lease = make_lease(account)
    store.admit(lease, NOW_MS, PLANS)

    def drop(request: Any, **_: Any) -> None:
        if b"#line" in request.body:
            raise ReadTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send.dynamodb", drop, "drop")
    verdict = store.settle(lease, NOW_MS, CHARGE, PLANS)
    client.meta.events.unregister("before-send.dynamodb", drop, "drop")
    assert isinstance(verdict.error, ServiceUnavailable)
    assert verdict.account == store.read(account.id)
    assert verdict.account.keys[LIVE_KEY].leases == {}
    assert verdict.account.images == {}


def test_a_lost_answer_to_admit_takes_one_place(
    client: DynamoDBClient, store: DynamoAccounts, account: Account
) -> None:
    """An admission that was carried out but never answered is not carried out twice."""
    lease = make_lease(account)
    with lost_answers(client, 1, ":places"):
        verdict = store.admit(lease, NOW_MS, PLANS)
    assert verdict.error is None
    assert verdict.account.keys[LIVE_KEY].leases == {lease.id: lease.expires_ms}
    assert verdict.account.keys[LIVE_KEY].tat_ms == NOW_MS + PLAN.interval_ms


def test_a_lost_answer_to_grant_adds_one_pack(client: DynamoDBClient, store: DynamoAccounts, account: Account) -> None:
    """A grant that was carried out but never answered adds its pack once."""
    with lost_answers(client, 1, ":pack"):
        granted = store.grant(account.id, "p1", 10, NOW_MS, PLANS)
    assert (granted.credits_bought, len(granted.packs), granted.seq) == (10, 1, 1)


def test_an_outage_is_service_unavailable(client: DynamoDBClient, store: DynamoAccounts, account: Account) -> None:
    """A table that does not answer is 503, not a fault of ours."""

    def drop(request: Any, **_: Any) -> None:
        raise ReadTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send.dynamodb", drop, "drop")
    try:
        for call in (store.ping, lambda: store.read(account.id), lambda: store.find_key("0")):
            with pytest.raises(ServiceUnavailable):
                call()
    finally:
        client.meta.events.unregister("before-send.dynamodb", drop, "drop")


def test_a_lost_answer_to_add_key_adds_one_key(client: DynamoDBClient, store: DynamoAccounts, account: Account) -> None:
    """A key whose addition was carried out but never answered is there once, and works."""
    key, key_hash = Key(Environment.LIVE, "phone", NOW_MS), uuid4().hex
    with lost_answers(client, 1, ":max"):
        added = store.add_key(account.id, "k3", key, key_hash)
    assert added.keys["k3"] == key
    assert store.find_key(key_hash) == KeyOwner(account.id, "k3", Environment.LIVE)


def test_a_lost_answer_to_create_is_no_second_account(store: DynamoAccounts) -> None:
    """An account whose creation was carried out but never answered is there, not refused as a second one."""
    made = make_account()
    with lost_answers(pynamodb_client(store), 1, made.id):
        store.create(made)
    assert store.read(made.id) == made


def test_a_lost_answer_to_a_keys_owner_adds_one_key(store: DynamoAccounts, account: Account) -> None:
    """A key whose owner's item was written but never answered is added, not refused as a second one."""
    key, key_hash = Key(Environment.LIVE, "phone", NOW_MS), uuid4().hex
    with lost_answers(pynamodb_client(store), 1, key_hash):
        assert store.add_key(account.id, "k3", key, key_hash).keys["k3"] == key
    assert store.find_key(key_hash) == KeyOwner(account.id, "k3", Environment.LIVE)


def test_an_operators_call_to_a_silent_table_is_unavailable(aws_stack: AwsStack) -> None:
    """The calls that go through PynamoDB tell an outage in the same way as the others."""
    dynamodb, _ = make_clients(aws_stack.region, "http://127.0.0.1:1")
    silent = DynamoAccounts(dynamodb, aws_stack.table_name)
    for call in (lambda: silent.create(make_account()), lambda: list(silent.list_all())):
        with pytest.raises(ServiceUnavailable):
            call()


def test_a_missing_table_is_a_fault_of_ours(client: DynamoDBClient) -> None:
    """A table that does not exist is no outage: asking again would not help."""
    store = DynamoAccounts(client, "no-such-table")
    lease = make_lease(make_account())
    with pytest.raises(PutError):
        store.create(make_account())
    for call in (lambda: store.read("acct"), lambda: store.settle(lease, NOW_MS, CHARGE, PLANS)):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            call()
