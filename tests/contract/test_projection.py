"""The ledger on AWS as it comes out of the stream: whatever the stream or the network does, each line is there once."""

import json
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from functions.ledger_projector import app as projector
from mypy_boto3_dynamodb import DynamoDBClient

from minipic.domain.account import Account
from minipic.domain.ledger import Line
from minipic.domain.metering import month_of
from minipic.stores import Ledger
from minipic.stores.aws.clients import make_clients
from minipic.stores.aws.lines import ledger_key
from minipic.stores.aws.projection import LedgerProjection
from tests.aws_stack import PROJECT_FOLDER, AwsStack
from tests.aws_stack.stream import Record, StreamReader
from tests.contract.account_values import DECEMBER, LIVE_KEY, NEXT_MONTH_MS, NOVEMBER, NOW_MS
from tests.contract.books import ALL, Books, project, project_once, total

STEPS = [("shrink", NOW_MS), ("derive", NOW_MS), ("shrink", NEXT_MONTH_MS), ("compress", NEXT_MONTH_MS)]


@pytest.fixture
def charged(dynamo_books: Books, aws_stack: AwsStack, account: Account) -> tuple[list[Line], list[Record]]:
    """Return the lines that four charges over two months have to make, and the stream's records of them."""
    stream = StreamReader(aws_stack)
    lines = [dynamo_books.charge(account, operation, now_ms) for operation, now_ms in STEPS]
    return lines, stream.read()


def read_all(ledger: Ledger, account: Account) -> list[Line]:
    return [line for month in (NOVEMBER, DECEMBER) for line in ledger.lines(account.id, month, 0, ALL)]


def head_seq(client: DynamoDBClient, stack: AwsStack, account: Account) -> int:
    answer = client.get_item(TableName=stack.ledger_table_name, Key=ledger_key(account.id, "HEAD"), ConsistentRead=True)
    return int(answer["Item"]["seq"]["N"]) if "Item" in answer else 0


def assert_whole(books: Books, account: Account, lines: Sequence[Line]) -> None:
    assert read_all(books.ledger, account) == lines
    for month in (NOVEMBER, DECEMBER):
        assert books.ledger.sums(account.id, month) == total([line for line in lines if line.month == month])


def records_of_lines(records: Sequence[Record]) -> list[Record]:
    return [
        record
        for record in records
        if record["dynamodb"].get("OldImage", {}).get("seq") != record["dynamodb"]["NewImage"]["seq"]
        and record["eventName"] == "MODIFY"
    ]


def test_only_charges_and_purchases_are_lines(
    dynamo_books: Books, account: Account, charged: tuple[list[Line], list[Record]]
) -> None:
    """Admissions, new accounts and new keys come through the stream too, and make no line."""
    lines, records = charged
    assert len(records) == 2 * len(lines)
    project([record for record in records if record not in records_of_lines(records)])
    assert read_all(dynamo_books.ledger, account) == []
    owner_of_a_key = {"Keys": {"pk": {"S": "K#00"}, "sk": {"S": "META"}}, "NewImage": {"acct": {"S": account.id}}}
    deleted = {"Keys": records[0]["dynamodb"]["Keys"], "OldImage": records[0]["dynamodb"]["NewImage"]}
    project([{**records[0], "dynamodb": change} for change in (owner_of_a_key, deleted)])
    assert read_all(dynamo_books.ledger, account) == []


def test_records_may_come_twice(
    dynamo_books: Books,
    account: Account,
    charged: tuple[list[Line], list[Record]],
    client: DynamoDBClient,
    aws_stack: AwsStack,
) -> None:
    """A batch that comes again, wholly, in part or within itself, changes nothing."""
    lines, records = charged
    for batch in (records, records, records[3:], records + records):
        project(batch)
    assert_whole(dynamo_books, account, lines)
    assert head_seq(client, aws_stack, account) == len(lines)


@pytest.mark.parametrize("seed", range(4))
def test_records_may_come_in_any_order(
    dynamo_books: Books,
    account: Account,
    charged: tuple[list[Line], list[Record]],
    client: DynamoDBClient,
    aws_stack: AwsStack,
    seed: int,
) -> None:
    """Shuffled records make the same lines and sums, and the head follows when the last gap is closed."""
    lines, records = charged
    shuffled = records[:]
    random.Random(seed).shuffle(shuffled)
    project(shuffled)
    assert_whole(dynamo_books, account, lines)
    assert head_seq(client, aws_stack, account) == len(lines)


@contextmanager
def failing(at_call: int, carried_out: bool) -> Iterator[None]:
    """Fail one call of the projector's client for good, after DynamoDB has carried it out or before."""
    client: Any = projector.projection()._client
    deliver: Callable[[Any], Any] = client._endpoint.http_session.send
    calls: list[bytes] = []

    def fail(request: Any, **_: Any) -> None:
        if request.body not in calls:
            calls.append(request.body)
        if calls.index(request.body) == at_call:
            if carried_out:
                deliver(request)
            raise ReadTimeoutError(endpoint_url=request.url)

    client.meta.events.register("before-send.dynamodb", fail, "fail")
    yield
    client.meta.events.unregister("before-send.dynamodb", fail, "fail")


@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at_call", [0, 1, 4, 7, 8])
def test_a_half_finished_batch_is_finished_by_its_repetition(
    dynamo_books: Books,
    account: Account,
    charged: tuple[list[Line], list[Record]],
    client: DynamoDBClient,
    aws_stack: AwsStack,
    at_call: int,
    carried_out: bool,
) -> None:
    """Whichever write fails, the record that it was for is named, and bringing it again leaves the same ledger."""
    lines, records = charged
    with failing(at_call, carried_out):
        failed = project_once(records)
    first = next((n for n, record in enumerate(records) if record["dynamodb"]["SequenceNumber"] in failed), None)
    assert (first is None) is (at_call == 2 * len(lines))
    if first is not None:
        project(records[first:])  # Lambda brings everything again from the first failure on
    assert_whole(dynamo_books, account, lines)
    assert head_seq(client, aws_stack, account) == len(lines)


def test_a_missing_line_holds_up_no_other(
    dynamo_books: Books,
    account: Account,
    charged: tuple[list[Line], list[Record]],
    client: DynamoDBClient,
    aws_stack: AwsStack,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A gap is logged as an error, later lines and sums are there, and the head waits until the gap is closed."""
    lines, records = charged
    made = records_of_lines(records)
    with caplog.at_level(logging.ERROR, "minipic.ledger"):
        project([made[0], *made[2:]])
    assert {record.getMessage() for record in caplog.records} == {
        f"LEDGER_GAP account={account.id} first_missing=2 next=3"
    }
    assert_whole(dynamo_books, account, [lines[0], *lines[2:]])
    assert head_seq(client, aws_stack, account) == 1
    caplog.clear()
    project([made[1]])
    assert_whole(dynamo_books, account, lines)
    assert head_seq(client, aws_stack, account) == len(lines)
    assert not caplog.records


def test_two_projectors_write_each_line_once(
    dynamo_books: Books, account: Account, charged: tuple[list[Line], list[Record]], aws_stack: AwsStack
) -> None:
    """The same records, worked on by several at once, are added once: whoever loses is told, or asks again."""
    lines, records = charged
    changes = [record["dynamodb"] for record in records]

    def project_all(_: int) -> None:
        dynamodb, _s3 = make_clients(aws_stack.region, aws_stack.endpoint_url)
        mine = LedgerProjection(dynamodb, aws_stack.ledger_table_name)
        for change in changes:
            mine.project(change)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(project_all, range(4)))
    assert_whole(dynamo_books, account, lines)


def test_a_line_costs_two_calls(
    dynamo_books: Books, account: Account, charged: tuple[list[Line], list[Record]]
) -> None:
    """Each line is one transaction and one step of the head; what makes no line costs nothing."""
    _, records = charged
    sent: list[str] = []
    client = projector.projection()._client

    def count(event_name: str, **_: Any) -> None:
        sent.append(event_name.rpartition(".")[2])

    client.meta.events.register("before-send.dynamodb", count, "count")
    project(records)
    client.meta.events.unregister("before-send.dynamodb", count, "count")
    assert sent == ["TransactWriteItems", "UpdateItem"] * 4


def test_a_record_that_cannot_be_read_is_named_alone(
    dynamo_books: Books, account: Account, charged: tuple[list[Line], list[Record]]
) -> None:
    """One broken record fails by itself: the others of its batch are lines, and it alone is asked for again."""
    lines, records = charged
    broken = json.loads(json.dumps(records[0]))
    broken["dynamodb"]["NewImage"] = {"seq": {"N": "9"}}
    broken["dynamodb"]["SequenceNumber"] = "1"
    assert project_once([broken, *records]) == ["1"]
    assert_whole(dynamo_books, account, lines)
    assert project_once([broken]) == ["1"]


def test_the_sample_event_is_a_line(dynamo_books: Books) -> None:
    """The event that is kept for trying makes the line of its account."""
    event = json.loads((PROJECT_FOLDER / "events" / "ledger_projector.json").read_text())
    project(event["Records"])
    account_id = event["Records"][0]["dynamodb"]["Keys"]["pk"]["S"].removeprefix("A#")
    (line,) = dynamo_books.ledger.lines(account_id, NOVEMBER, 0, ALL)
    assert (line.operation, line.images, line.key_id) == ("shrink", 1, LIVE_KEY)
    assert dynamo_books.ledger.sums(account_id, month_of(line.at_ms)).images == {"shrink": 1}
