"""The audit on real stores: what is written passes, what is damaged is found, what was lost is repaired."""

import json
import random
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

import pytest

from minipic.admin import main
from minipic.domain.account import Account, Status
from minipic.domain.audit import Discrepancy
from minipic.domain.gaps import Irreparable
from minipic.domain.ledger import Line, MonthSums
from minipic.service import Services
from minipic.service.auditing import POLL_S, Progress, audit_all, repair
from minipic.settings import Settings
from minipic.stores.aws.ledger import DynamoLedger
from minipic.stores.aws.lines import ledger_key, line_item
from minipic.stores.local.ledger import SqliteLedger
from minipic.wiring import build_services
from tests.aws_stack import AwsStack
from tests.aws_stack.stream import Record, StreamReader
from tests.contract.account_values import DECEMBER, NEXT_MONTH_MS, NOVEMBER, NOW_MS, PLANS, TEST_KEY, make_account
from tests.contract.books import Books, project, project_once, total
from tests.contract.test_projection import failing, records_of_lines

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
YEAR_MS = 366 * DAY_MS


@pytest.fixture
def services(books: Books, tmp_path: Path) -> Services:
    return over(books, tmp_path)


def over(books: Books, folder: Path, now_ms: int = NEXT_MONTH_MS) -> Services:
    """Return services over these books."""
    made = build_services(Settings(data_folder=folder))
    return replace(made, accounts=books.accounts, ledger=books.ledger, now_ms=lambda: now_ms)


def new_account(books: Books) -> Account:
    made = make_account()
    books.accounts.create(made)
    return made


def live_a_little(books: Books, account: Account) -> None:
    """Charge, sell and correct over two months."""
    books.charge(account)
    books.charge(account, key_id=TEST_KEY)
    books.accounts.grant(account.id, "p1", 3, NOW_MS, PLANS)
    for _ in range(7):
        books.charge(account, "derive")
    books.charge(account, "compress", NEXT_MONTH_MS)
    books.accounts.correct(account.id, "c1", -1, "sold by mistake", NEXT_MONTH_MS)
    books.accounts.correct(account.id, "c2", 2, "goodwill", NEXT_MONTH_MS)
    for _ in range(8):
        books.charge(account, now_ms=NEXT_MONTH_MS)


class Checked(NamedTuple):
    """What an audit found, and how much it looked at."""

    discrepancy: Discrepancy | None
    lines: int


def check(services: Services, *accounts: Account, sleep: Callable[[float], None] = lambda _: None) -> Checked:
    """Audit accounts as they are now; waiting takes no time."""
    progress = Progress()
    failure = audit_all(services, [services.accounts.read(account.id) for account in accounts], progress, sleep)
    assert failure is None or failure.account_id in {account.id for account in accounts}
    return Checked(failure.discrepancy if failure else None, progress.lines)


def hand_made(seq: int, **changes: object) -> Line:
    line = Line(seq, NOW_MS, NOVEMBER, "shrink", "k", "site", "r" * 32, 2000, 900, 1, "plan", 10**6 - seq, 0)
    return replace(line, **changes)  # type: ignore[arg-type]


def write_over(books: Books, account: Account, line: Line) -> None:
    """Put a line in place of the one that is there, which nothing of ours ever does."""
    if isinstance(books.ledger, SqliteLedger):
        with books.ledger._database.writing() as connection:
            connection.execute(
                "UPDATE ledger SET line = ? WHERE account_id = ? AND month = ? AND seq = ?",
                (json.dumps(asdict(line)), account.id, line.month, line.seq),
            )
    else:
        assert isinstance(books.ledger, DynamoLedger)
        books.ledger._client.put_item(TableName=books.ledger._table_name, Item=line_item(account.id, line))


def test_all_lines_are_those_of_every_month(books: Books) -> None:
    """All lines come in order over all months, an account's own only, and all sums are those of each month."""
    account, other = new_account(books), new_account(books)
    live_a_little(books, account)
    books.charge(other)
    books.settle_up()
    lines = list(books.ledger.all_lines(account.id))
    assert [line.seq for line in lines] == list(range(1, 22))
    assert lines == [line for month in (NOVEMBER, DECEMBER) for line in books.ledger.lines(account.id, month, 0, 100)]
    by_month = {month: total([line for line in lines if line.month == month]) for month in (NOVEMBER, DECEMBER)}
    assert books.ledger.all_sums(account.id) == by_month
    assert list(books.ledger.all_lines("nobody")) == []
    assert books.ledger.all_sums("nobody") == {}


def test_months_without_an_image_have_no_sums(books: Books) -> None:
    """A month of purchases and sandbox calls alone adds up to nothing."""
    account = new_account(books)
    books.accounts.grant(account.id, "p1", 3, NOW_MS, PLANS)
    books.charge(account, key_id=TEST_KEY)
    books.settle_up()
    assert books.ledger.all_sums(account.id) == {}


def test_lines_are_restored_once(books: Books) -> None:
    """Lines that are missing are written with their sums; those that are there stay, whatever is brought instead."""
    account_id = make_account().id
    lines = [hand_made(seq) for seq in (1, 2, 3, 4)]
    books.ledger.restore(account_id, [lines[0], lines[3]])
    books.ledger.restore(account_id, [replace(lines[0], operation="repair"), *lines[1:3]])
    books.ledger.restore(account_id, lines)
    books.ledger.restore(account_id, [])
    assert list(books.ledger.all_lines(account_id)) == lines
    assert books.ledger.all_sums(account_id) == {NOVEMBER: total(lines)}
    assert books.ledger.complete_to(account_id) == 4


def test_pages_follow_each_other(books: Books) -> None:
    """More lines than fit a page come all the same, each once and in order, over a month's end."""
    account_id = make_account().id
    count = 2001 if isinstance(books.ledger, SqliteLedger) else 40
    months = [NOVEMBER if seq < count // 2 else DECEMBER for seq in range(count)]
    books.ledger.restore(account_id, [hand_made(seq + 1, month=month) for seq, month in enumerate(months)])
    assert [line.seq for line in books.ledger.all_lines(account_id)] == list(range(1, count + 1))


def test_what_the_service_writes_adds_up(books: Books, services: Services) -> None:
    """Charges from every source, purchases and corrections over two months pass, of a deleted account, too."""
    account, deleted, fresh = new_account(books), new_account(books), new_account(books)
    for charged in (account, deleted):
        live_a_little(books, charged)
    books.accounts.set_status(deleted.id, Status.DELETED)
    books.settle_up()
    assert check(services, account, deleted, fresh) == (None, 42)


def test_pruning_changes_nothing_that_counts(books: Books, services: Services) -> None:
    """An account that has forgotten its old months and spent packs passes as before."""
    account = new_account(books)
    live_a_little(books, account)
    books.accounts.grant(account.id, "p2", 1, NEXT_MONTH_MS, PLANS)
    books.settle_up()
    pruned = books.accounts.prune(account.id, NEXT_MONTH_MS + YEAR_MS)
    assert NOVEMBER not in pruned.images
    assert len(pruned.packs) < 4
    assert check(services, account).discrepancy is None


def test_the_service_goes_on_meanwhile(books: Books, services: Services) -> None:
    """An account that was read before more was charged is compared with its own lines only."""
    account = new_account(books)
    live_a_little(books, account)
    before = books.accounts.read(account.id)
    for _ in range(3):
        books.charge(account, "compress", NEXT_MONTH_MS + 5000, key_id=TEST_KEY)
    books.accounts.grant(account.id, "p2", 1, NEXT_MONTH_MS, PLANS)
    books.charge(account, "compress", NEXT_MONTH_MS + 5000)
    books.settle_up()
    progress = Progress()
    assert audit_all(services, [before], progress, lambda _: None) is None
    assert progress.lines == before.seq


def test_a_changed_line_is_found(books: Books, services: Services) -> None:
    """The account, the line's number, what is expected and what is there are told."""
    account = new_account(books)
    live_a_little(books, account)
    books.settle_up()
    line = next(line for line in books.ledger.all_lines(account.id) if line.seq == 5)
    write_over(books, account, replace(line, free_remaining=3, drawn_from="p1", credits_remaining=2))
    found = check(services, account).discrepancy
    assert found is not None
    assert (found.seq, found.expected) == (5, "a draw from the plan while it has free images")


def test_a_line_that_nobody_charged_is_found(books: Books, services: Services) -> None:
    """A line above the account's last number is one too many."""
    account = new_account(books)
    line = books.charge(account)
    books.settle_up()
    books.ledger.restore(account.id, [replace(line, seq=2, images=0, drawn_from="")])
    assert check(services, account).discrepancy == Discrepancy(
        2, "no line above 1, which is the account's last", "line 2"
    )


def test_nothing_is_missing(books: Books, services: Services) -> None:
    """A whole ledger needs no repair, and gets none."""
    account = new_account(books)
    assert repair(services, books.accounts.read(account.id), "why", lambda _: None) == []
    live_a_little(books, account)
    books.settle_up()
    assert repair(services, books.accounts.read(account.id), "why", lambda _: None) == []
    assert check(services, account).discrepancy is None


class Shop(NamedTuple):
    """Accounts on AWS with the records that their steps have made, not projected yet."""

    books: Books
    services: Services
    accounts: list[Account]
    records: list[Record]

    def records_of(self, account: Account) -> list[Record]:
        """Return an account's records that make a line, in order."""
        own = [record for record in self.records if record["dynamodb"]["Keys"]["pk"]["S"] == f"A#{account.id}"]
        return records_of_lines(own)


@pytest.fixture
def shop(dynamo_books: Books, aws_stack: AwsStack, tmp_path: Path) -> Shop:
    stream = StreamReader(aws_stack)
    accounts = [new_account(dynamo_books) for _ in range(3)]
    for account in accounts:
        live_a_little(dynamo_books, account)
    return Shop(dynamo_books, over(dynamo_books, tmp_path), accounts, stream.read())


def test_lines_that_are_on_their_way_are_waited_for(shop: Shop) -> None:
    """While the stream is behind the audit waits; when nothing comes, it says from where on."""
    found = check(shop.services, shop.accounts[0]).discrepancy
    assert found is not None
    assert (found.seq, found.expected) == (1, "every line up to 21, as the account says")
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        project(shop.records_of(shop.accounts[0])[len(waits) * 7 - 7 : len(waits) * 7])

    assert check(shop.services, shop.accounts[0], sleep=wait).discrepancy is None
    assert waits == [POLL_S] * 3


@pytest.mark.parametrize("seed", range(2))
def test_the_projector_was_down_for_an_hour(shop: Shop, seed: int) -> None:
    """Records that come late, mixed among accounts, twice, and fail in part, make clean books in the end."""
    chance = random.Random(seed)
    queues = [[r for r in shop.records if r["dynamodb"]["Keys"]["pk"]["S"] == f"A#{a.id}"] for a in shop.accounts]
    mixed: list[Record] = []
    while any(queues):  # in order of each account, as the stream brings them, but not among accounts
        mixed.append(chance.choice([queue for queue in queues if queue]).pop(0))
    while mixed:
        batch = mixed[: chance.randint(1, 20)]
        with failing(chance.randint(0, 12), carried_out=chance.random() < 0.5):
            failed = project_once(batch)
        done = next((n for n, r in enumerate(batch) if r["dynamodb"]["SequenceNumber"] in failed), len(batch))
        mixed = mixed[done:] if chance.random() < 0.7 else mixed[max(0, done - 3) :] if failed else mixed[done:]
    project(shop.records[: len(shop.records) // 2])
    assert check(shop.services, *shop.accounts) == (None, 63)


def test_lines_lost_in_the_stream_are_repaired(shop: Shop, tmp_path: Path) -> None:
    """Lines that the stream dropped are told, and a day later replaced: counts, sums and what follows add up."""
    account, made = shop.accounts[0], shop.records_of(shop.accounts[0])
    project([record for number, record in enumerate(made, 1) if number not in (1, 3, 4, 9, 10, 11, 12, 20)])
    assert shop.books.ledger.complete_to(account.id) == 0
    now = shop.books.accounts.read(account.id)
    with pytest.raises(Irreparable, match="line 20 may still come"):
        repair(shop.services, now, "why", lambda _: None)
    later = over(shop.books, tmp_path, NEXT_MONTH_MS + DAY_MS + 1)
    repaired = repair(later, now, "the stream was dropped", lambda _: None)
    assert [line.seq for line in repaired] == [1, 3, 4, 9, 10, 11, 12, 20]
    assert check(later, account) == (None, 21)
    assert shop.books.ledger.complete_to(account.id) == 21
    assert repair(later, now, "again", lambda _: None) == []
    project(made)  # whatever comes after all changes nothing
    assert check(later, account) == (None, 21)


def test_the_newest_lines_are_the_streams(shop: Shop, tmp_path: Path) -> None:
    """Lines at the end may still come for a day; after that the last one is as the account remembers it."""
    account, made = shop.accounts[0], shop.records_of(shop.accounts[0])
    project(made[:18])
    now = shop.books.accounts.read(account.id)
    with pytest.raises(Irreparable, match="line 21 may still come"):
        repair(shop.services, now, "why", lambda _: None)
    later = over(shop.books, tmp_path, NEXT_MONTH_MS + DAY_MS + 1)
    assert [line.operation for line in repair(later, now, "why", lambda _: None)] == ["repair", "repair", "shrink"]
    assert check(later, account) == (None, 21)


def test_a_repair_that_stopped_is_finished(shop: Shop) -> None:
    """When every line is there but they are not counted as complete, a repair writes none and counts them."""
    account, made = shop.accounts[0], shop.records_of(shop.accounts[0])
    project(made)
    ledger = shop.books.ledger
    assert isinstance(ledger, DynamoLedger)
    ledger._client.delete_item(TableName=ledger._table_name, Key=ledger_key(account.id, "HEAD"))
    assert check(shop.services, account).discrepancy is not None
    assert repair(shop.services, shop.books.accounts.read(account.id), "why", lambda _: None) == []
    assert check(shop.services, account) == (None, 21)


def test_sums_are_compared(shop: Shop) -> None:
    """Sums that say more than the lines are found."""
    account = shop.accounts[0]
    project(shop.records_of(account))
    ledger = shop.books.ledger
    assert isinstance(ledger, DynamoLedger)
    assert ledger.all_sums(account.id)[NOVEMBER] != MonthSums()
    ledger._client.update_item(
        TableName=ledger._table_name,
        Key=ledger_key(account.id, f"SUMS#{NOVEMBER}"),
        UpdateExpression="ADD #in :one",
        ExpressionAttributeNames={"#in": "in"},
        ExpressionAttributeValues={":one": {"N": "1"}},
    )
    found = check(shop.services, account).discrepancy
    assert found is not None
    assert "sums of 202611" in found.expected


def test_the_operators_commands_on_aws(
    shop: Shop, aws_stack: AwsStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Verify, export and repair work on the deployment's tables as on one machine."""
    account = shop.accounts[0]
    project(shop.records_of(account))
    target = tmp_path / "lines.jsonl"
    for words in (["verify"], ["repair", "--reason", "why"], ["export", "--format", "jsonl", "--output", str(target)]):
        assert main(["ledger", words[0], account.id, *words[1:], "--json"], aws_stack.environment) == 0
    answers = capsys.readouterr().out
    assert '"lines": 21' in answers
    assert '"repaired": 0' in answers
    assert [json.loads(line)["seq"] for line in target.read_text().splitlines()] == list(range(1, 22))
