"""Twelve months of an account on real stores: what it costs to ask, and what is told while the ledger is behind."""

from dataclasses import replace
from pathlib import Path

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from minipic.domain.account import Account
from minipic.domain.keys import Environment, KeyOwner
from minipic.service import CachedOwner, Caller, Services
from minipic.service.stats import stats
from minipic.settings import Settings
from minipic.stores.local.ledger import SqliteLedger
from minipic.wiring import build_services
from tests.contract.account_values import DECEMBER, LIVE_KEY, NEXT_MONTH_MS, NOVEMBER, NOW_MS, PLANS, make_account
from tests.contract.books import Books
from tests.contract.test_audit import check
from tests.contract.test_dynamodb_calls import counted


@pytest.fixture
def owner(books: Books) -> Account:
    made = make_account()
    books.accounts.create(made)
    return made


def services_over(books: Books, folder: Path) -> Services:
    made = build_services(Settings(data_folder=folder))
    return replace(made, accounts=books.accounts, ledger=books.ledger, plans=PLANS, now_ms=lambda: NEXT_MONTH_MS)


def caller_of(account: Account) -> Caller:
    return Caller(CachedOwner(KeyOwner(account.id, LIVE_KEY, Environment.LIVE), 0, PLANS.free))


def test_a_year_of_an_account(books: Books, owner: Account, tmp_path: Path) -> None:
    """The months are those up to now, with what was billed in each; what is older is left out."""
    books.charge(owner, format="png", now_ms=NOW_MS - 400 * 86_400_000)
    books.charge(owner, format="jpeg")
    books.charge(owner, "derive", format="jpeg", now_ms=NEXT_MONTH_MS)
    books.settle_up()
    told = stats(services_over(books, tmp_path), caller_of(owner))
    assert (told.months[0], told.month) == (202601, DECEMBER)
    assert sorted(told.sums) == [NOVEMBER, DECEMBER]
    assert told.total.images == {"shrink": 1, "derive": 1}
    assert told.total.formats == {"jpeg": 2}
    assert (told.total.bytes_in, told.total.bytes_out) == (4000, 1800)


def test_it_is_two_reads(dynamo_books: Books, account: Account, client: DynamoDBClient, tmp_path: Path) -> None:
    """However much an account did, its year is one GetItem and one Query."""
    for now_ms in (NOW_MS, NEXT_MONTH_MS):
        dynamo_books.charge(account, now_ms=now_ms)
    dynamo_books.settle_up()
    services = services_over(dynamo_books, tmp_path)
    with counted(client) as sent:
        assert len(stats(services, caller_of(account)).sums) == 2
    assert sent == ["GetItem", "Query"]


def test_counts_do_not_wait_for_the_ledger(dynamo_books: Books, account: Account, tmp_path: Path) -> None:
    """While lines are on their way, the images of the month are the account's, as /v1/usage tells them."""
    dynamo_books.charge(account, now_ms=NEXT_MONTH_MS)
    told = stats(services_over(dynamo_books, tmp_path), caller_of(account))
    assert (told.account.images[DECEMBER], told.sums) == (1, {})
    dynamo_books.settle_up()
    assert stats(services_over(dynamo_books, tmp_path), caller_of(account)).sums[DECEMBER].formats == {"png": 1}


def test_what_was_written_without_formats_goes_on(books: Books, owner: Account, tmp_path: Path) -> None:
    """A month of an account from before formats were kept is read, goes on with them, and passes the audit."""
    books.charge(owner, format="")
    if isinstance(books.ledger, SqliteLedger):
        strip = "SET {0} = replace(replace({0}, ', \"format\": \"\"', ''), ', \"formats\": {{}}', '')"
        with books.ledger._database.writing() as connection:
            for table, column in (("ledger", "line"), ("month_sums", "sums")):
                connection.execute(f"UPDATE {table} {strip.format(column)} WHERE account_id = ?", (owner.id,))
                (text,) = connection.execute(
                    f"SELECT {column} FROM {table} WHERE account_id = ?", (owner.id,)
                ).fetchone()
                assert "format" not in text
            connection.execute(
                "UPDATE account SET state = replace(state, ',\"format\":\"\"', '') WHERE id = ?", (owner.id,)
            )
            (text,) = connection.execute("SELECT state FROM account WHERE id = ?", (owner.id,)).fetchone()
            assert "format" not in text
    services = services_over(books, tmp_path)
    books.settle_up()
    assert check(services, owner).discrepancy is None
    books.charge(owner, format="webp")
    books.settle_up()
    assert check(services, owner).discrepancy is None
    assert books.ledger.sums(owner.id, NOVEMBER).formats == {"webp": 1}
    assert books.ledger.sums(owner.id, NOVEMBER).images == {"shrink": 2}
