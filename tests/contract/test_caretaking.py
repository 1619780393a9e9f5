"""What is done now and then: ledgers that lag are reported, and what is old is forgotten."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from unittest import mock

import pytest
from functions.caretaker import app as caretaker
from mypy_boto3_dynamodb import DynamoDBClient

from minipic import wiring
from minipic.domain.account import Account
from minipic.service import Services
from minipic.service.caretaking import BEHIND_AFTER_MS, Sightings, prune_all, report_ledgers_behind
from minipic.settings import Settings
from minipic.stores import Accounts
from minipic.stores.aws.sightings import DynamoSightings
from minipic.wiring import build_services
from tests.aws_stack import AwsStack
from tests.aws_stack.stream import StreamReader
from tests.contract.account_values import NEXT_MONTH_MS, NOVEMBER, NOW_MS, make_account
from tests.contract.books import Books, project
from tests.contract.test_projection import records_of_lines

MINUTE_MS, YEAR_MS = 60_000, 366 * 86_400_000


@dataclass
class Notebook:
    """Sightings in memory."""

    first: dict[tuple[str, int], int] = field(default_factory=dict)

    def first_ms(self, account_id: str, complete_to: int, now_ms: int) -> int:
        return self.first.setdefault((account_id, complete_to), now_ms)


@dataclass
class SomeAccounts:
    """An accounts' store that lists these only: others share the tests' tables."""

    store: Accounts
    listed: list[Account]
    broken: str = ""

    def list_all(self) -> Iterator[Account]:
        for account in self.listed:
            yield self.store.read(account.id)

    def prune(self, account_id: str, now_ms: int) -> Account:
        if account_id == self.broken:
            raise TimeoutError
        return self.store.prune(account_id, now_ms)


@dataclass
class LaggingLedger:
    """A ledger whose lines are complete to so many."""

    complete: int = 0
    broken: str = ""

    def complete_to(self, account_id: str) -> int:
        if account_id == self.broken:
            raise TimeoutError
        return self.complete


def over(folder: Path, accounts: SomeAccounts, ledger: object, now_ms: int = NOW_MS) -> Services:
    made = build_services(Settings(data_folder=folder))
    return replace(made, accounts=accounts, ledger=ledger, now_ms=lambda: now_ms)  # type: ignore[arg-type]


def reports(caplog: pytest.LogCaptureFixture, services: Services, sightings: Sightings, at_ms: int) -> list[str]:
    """Return what is reported when the ledgers are looked at then."""
    caplog.clear()
    with caplog.at_level(logging.ERROR, "minipic.ledger"):
        report_ledgers_behind(replace(services, now_ms=lambda: at_ms), sightings)
    return [record.getMessage() for record in caplog.records]


@pytest.fixture(params=["memory", "aws"])
def sightings(request: pytest.FixtureRequest) -> Sightings:
    if request.param == "memory":
        return Notebook()
    stack: AwsStack = request.getfixturevalue("aws_stack")
    return DynamoSightings(request.getfixturevalue("client"), stack.ledger_table_name)


def test_the_first_sighting_is_remembered(sightings: Sightings) -> None:
    """Where a ledger ends is remembered with the time when that was seen first; further on is another sighting."""
    account_id = make_account().id
    assert sightings.first_ms(account_id, 0, 10) == 10
    assert sightings.first_ms(account_id, 0, 20) == 10
    assert sightings.first_ms(account_id, 7, 30) == 30
    assert sightings.first_ms(account_id, 7, 40) == 30
    assert sightings.first_ms(make_account().id, 7, 50) == 50


def test_a_ledger_that_stands_still_is_reported(
    books: Books, sightings: Sightings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A ledger that is behind and stands still for five minutes is an error; one that moves, or catches up, is none."""
    account = make_account()
    books.accounts.create(account)
    for _ in range(4):
        books.charge(account)
    ledger = LaggingLedger(1)
    services = over(tmp_path, SomeAccounts(books.accounts, [account]), ledger)
    assert reports(caplog, services, sightings, NOW_MS) == []
    assert reports(caplog, services, sightings, NOW_MS + BEHIND_AFTER_MS - 1) == []
    said = [f"LEDGER_BEHIND account={account.id} complete_to=1 seq=4"]
    assert reports(caplog, services, sightings, NOW_MS + 5 * MINUTE_MS) == said
    assert reports(caplog, services, sightings, NOW_MS + 10 * MINUTE_MS) == said
    ledger.complete = 3
    assert reports(caplog, services, sightings, NOW_MS + 15 * MINUTE_MS) == []
    ledger.complete = 4
    assert reports(caplog, services, sightings, NOW_MS + 60 * MINUTE_MS) == []


def test_a_ledger_that_cannot_be_read_hides_no_other(
    books: Books, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure with one account is logged, and the next one is looked at and pruned all the same."""
    broken, account = make_account(), make_account()
    for made in (broken, account):
        books.accounts.create(made)
        books.charge(made)

    accounts = SomeAccounts(books.accounts, [broken, account], broken.id)
    services = over(tmp_path, accounts, LaggingLedger(0, broken.id), NOW_MS + 2 * YEAR_MS)
    assert reports(caplog, services, Notebook({(account.id, 0): 0}), NOW_MS) == [
        f"the ledger of {broken.id} could not be looked at",
        f"LEDGER_BEHIND account={account.id} complete_to=0 seq=1",
    ]
    prune_all(services)
    assert [bool(books.accounts.read(made.id).images) for made in (broken, account)] == [True, False]


def test_what_is_old_is_forgotten(books: Books, tmp_path: Path) -> None:
    """Every account's old months go; its ledger keeps them."""
    account = make_account()
    books.accounts.create(account)
    line = books.charge(account)
    books.settle_up()
    services = over(tmp_path, SomeAccounts(books.accounts, [account]), books.ledger, NEXT_MONTH_MS)
    prune_all(services)
    assert books.accounts.read(account.id).images == {NOVEMBER: 1}
    prune_all(replace(services, now_ms=lambda: NOW_MS + 2 * YEAR_MS))
    assert books.accounts.read(account.id).images == {}
    assert list(books.ledger.all_lines(account.id)) == [line]


@pytest.fixture
def on_aws(aws_stack: AwsStack) -> Iterator[None]:
    """Let the caretaker's handler work on the stack, as it does on AWS: by its variables."""
    caches = (wiring.settings, wiring.services, caretaker.sightings)
    for cache in caches:
        cache.cache_clear()
    with mock.patch.dict("os.environ", aws_stack.environment):
        yield
    for cache in caches:
        cache.cache_clear()


def test_the_handler_looks_and_forgets(
    dynamo_books: Books,
    aws_stack: AwsStack,
    client: DynamoDBClient,
    on_aws: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The schedule's events reach the use-cases: a gap is reported once it has stood for five minutes."""
    account = make_account()
    stream = StreamReader(aws_stack)
    dynamo_books.accounts.create(account)
    for _ in range(3):
        dynamo_books.charge(account)
    first, _, last = records_of_lines(stream.read())
    project([first, last])
    with caplog.at_level(logging.ERROR, "minipic.ledger"):
        caplog.clear()
        caretaker.handler({"time": "2026-11-22T10:00:00Z"}, None)
        mine = [record for record in caplog.records if account.id in record.getMessage()]
        assert mine == []
        later_ms = wiring.services().now_ms() + 5 * MINUTE_MS
        sightings = DynamoSightings(client, aws_stack.ledger_table_name)
        report_ledgers_behind(replace(wiring.services(), now_ms=lambda: later_ms), sightings)
    assert f"LEDGER_BEHIND account={account.id} complete_to=1 seq=3" in [r.getMessage() for r in caplog.records]
    caretaker.handler({caretaker.DAILY: True}, None)
    assert dynamo_books.accounts.read(account.id).seq == 3
