"""Notices out of the stream: whatever comes twice, late or half done, a crossing is told once."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError
from functions.ledger_projector import app as projector
from mypy_boto3_dynamodb import DynamoDBClient

from minipic.domain.account import Account
from minipic.domain.notices import Notice
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.notices import DynamoNotices, notice_of_change
from tests.aws_stack import AwsStack
from tests.aws_stack.stream import Record, StreamReader
from tests.contract.account_values import NOW_MS, charge, make_account
from tests.contract.books import project, project_once
from tests.contract.test_concurrency import at_once

ALL = 10_000


@pytest.fixture
def notices(client: DynamoDBClient, aws_stack: AwsStack, projection: None) -> DynamoNotices:
    return DynamoNotices(client, aws_stack.ledger_table_name)


@pytest.fixture
def crossing(store: DynamoAccounts, aws_stack: AwsStack) -> tuple[Account, list[Record]]:
    """Return an account and the stream's records of its creation, its threshold, and three charges that cross it."""
    stream = StreamReader(aws_stack)
    account = make_account(free_limit=3)
    store.create(account)
    store.set_low_balance(account.id, 2)
    for number in range(3):
        charge(store, account, NOW_MS + number)
    return account, stream.read()


def of(notices: DynamoNotices, account: Account) -> list[Notice]:
    return [notice for notice in notices.due(NOW_MS, ALL) if notice.account_id == account.id]


def test_records_that_come_twice(notices: DynamoNotices, crossing: tuple[Account, list[Record]]) -> None:
    """A batch that comes again, wholly, within itself or backwards, leaves one notice for one crossing."""
    account, records = crossing
    for batch in (records, records, records + records, records[::-1]):
        project(batch)
    (notice,) = of(notices, account)
    assert notice.at_ms == NOW_MS + 1


def test_a_record_after_the_delivery(notices: DynamoNotices, crossing: tuple[Account, list[Record]]) -> None:
    """A record that comes again when its notice was delivered, or is being tried, wakes nothing."""
    account, records = crossing
    project(records)
    claimed = notices.claim(of(notices, account)[0], NOW_MS)
    assert claimed is not None
    project(records)
    assert of(notices, account) == []
    notices.close(claimed)
    project(records)
    assert [notice for notice in notices.due(claimed.due_ms, ALL) if notice.account_id == account.id] == []


def test_an_operators_change_that_comes_twice(
    notices: DynamoNotices, store: DynamoAccounts, aws_stack: AwsStack
) -> None:
    """A change that makes no line is a crossing too; its record, whenever it comes, gives the one notice."""
    stream = StreamReader(aws_stack)
    account = make_account(free_limit=3)
    store.create(account)
    store.set_low_balance(account.id, 9)
    records = stream.read()
    for _ in range(3):
        project(records)
    (notice,) = of(notices, account)
    assert (notice.threshold, notice.free_remaining) == (9, 3)


def test_several_projectors(
    notices: DynamoNotices, crossing: tuple[Account, list[Record]], client: DynamoDBClient, aws_stack: AwsStack
) -> None:
    """Six that write the same notice at once leave one."""
    account, records = crossing
    (found,) = filter(None, (notice_of_change(record["dynamodb"]) for record in records))
    at_once(6, lambda _: _add(DynamoNotices(client, aws_stack.ledger_table_name), found))
    assert of(notices, account) == [found]


def _add(notices: DynamoNotices, notice: Notice) -> None:
    # Who meets another's transaction under way is refused; Lambda then brings the record again.
    with suppress(notices._client.exceptions.TransactionCanceledException):
        notices.add(notice)


def test_a_conflict_is_no_notice(notices: DynamoNotices, client: DynamoDBClient) -> None:
    """Where another transaction was under way nothing was written, and whoever brings the record is told so."""
    body = json.dumps(
        {
            "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
            "Message": "Transaction cancelled",
            "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}],
        }
    ).encode()

    def conflict(request: Any, **_: Any) -> Any:
        answer: Any = AWSResponse(request.url, 400, HTTPHeaders(), None)
        answer._content = body
        return answer

    events: Any = client.meta.events
    events.register("before-send.dynamodb.TransactWriteItems", conflict)
    with pytest.raises(client.exceptions.TransactionCanceledException):
        DynamoNotices(client, notices._table_name).add(Notice("msg_1", "acct", "A", NOW_MS, 1, 0, 0))


@contextmanager
def failing_transactions(carried_out: bool) -> Iterator[None]:
    """Let the projector's client see none of its transactions answered, after DynamoDB did them or before."""
    client: Any = projector.projection()._client
    deliver: Callable[[Any], Any] = client._endpoint.http_session.send

    def fail(request: Any, **_: Any) -> None:
        if carried_out:
            deliver(request)
        raise ReadTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send.dynamodb.TransactWriteItems", fail, "fail")
    yield
    client.meta.events.unregister("before-send.dynamodb.TransactWriteItems", fail, "fail")


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_notice_whose_writing_fails(
    notices: DynamoNotices, store: DynamoAccounts, aws_stack: AwsStack, carried_out: bool
) -> None:
    """A record whose notice could not be written is asked for again, and its notice is there once."""
    stream = StreamReader(aws_stack)
    account = make_account(free_limit=3)
    store.create(account)
    store.set_low_balance(account.id, 9)
    records = stream.read()
    with failing_transactions(carried_out):
        failed = project_once(records)
    assert failed == [records[-1]["dynamodb"]["SequenceNumber"]]
    project(records)
    assert len(of(notices, account)) == 1


def test_other_changes_are_no_steps(crossing: tuple[Account, list[Record]]) -> None:
    """The creation of an account, a record without its images, and other items give no notice."""
    _, records = crossing
    change = next(record["dynamodb"] for record in records if notice_of_change(record["dynamodb"]))
    other = {**change, "Keys": {**change["Keys"], "sk": {"S": "META"}}}
    created = {name: part for name, part in change.items() if name != "OldImage"}
    deleted = {name: part for name, part in change.items() if name != "NewImage"}
    older = {**change, "NewImage": {name: value for name, value in change["NewImage"].items() if name != "low"}}
    assert [notice_of_change(each) for each in (other, created, deleted, older)] == [None] * 4
