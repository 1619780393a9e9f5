"""What is left of a request that stopped anywhere, and what its repeat makes of it: one charge, one result."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from minipic.domain.metering import LEASE_MS, PRUNE_AFTER_MS
from minipic.errors import IdempotencyConflict, RequestInProgress, ServiceUnavailable
from minipic.service.keeping import Result
from minipic.stores.aws.repeats import DynamoRepeats
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import Database
from minipic.stores.local.ledger import SqliteLedger
from minipic.stores.local.repeats import SqliteRepeats
from minipic.stores.local.results import FileResults
from tests.aws_stack import AwsStack
from tests.contract.books import Books
from tests.contract.conftest import STORES
from tests.contract.repeated_work import KEY, ROUTES, Died, Fate, QuickEngine, Workshop, open_workshop

THREADS = 8
UNTIL_LEASE_ENDS_MS = LEASE_MS + PRUNE_AFTER_MS
CALLS = {
    "shrink": 6,
    "compress": 5,
    "derive": 7,
}  # of a first request: admit, claim, store (and look up), settle, finish

each_route = pytest.mark.parametrize("route", ROUTES)


@pytest.fixture(params=STORES)
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Workshop:
    if request.param == "local":
        database: Database = request.getfixturevalue("sqlite_database")
        books = Books(SqliteAccounts(database), SqliteLedger(database), lambda: None)
        return open_workshop(books, SqliteRepeats(database), FileResults(tmp_path / "results"))
    stack: AwsStack = request.getfixturevalue("aws_stack")
    repeats = DynamoRepeats(request.getfixturevalue("client"), stack.table_name)
    return open_workshop(request.getfixturevalue("dynamo_books"), repeats, request.getfixturevalue("s3_results"))


def die_at(workshop: Workshop, route: str, call: int) -> None:
    """Send a request in a process that dies before the store's call of this number, or before it answers."""
    with pytest.raises(Died):
        workshop.ask(route, services=workshop.mortal(Fate(call)))
        raise Died


def ask_patiently(workshop: Workshop, route: str) -> Result:
    """Repeat the request until it is answered: the ledger may be behind."""
    with suppress(RequestInProgress):
        return workshop.ask(route)
    workshop.books.settle_up()
    workshop.now_ms += 1000
    return workshop.ask(route)


@each_route
def test_without_a_key_nothing_more_is_asked(workshop: Workshop, route: str) -> None:
    """A request costs two steps more with the header and, where nothing is stored without it, the storing."""
    workshop.prepare(route)
    plain, repeatable = Fate(), Fate()
    workshop.ask(route, None, workshop.mortal(plain))
    workshop.ask(route, KEY, workshop.mortal(repeatable))
    stored = 1 if route == "compress" else 0
    assert (plain.calls_made, repeatable.calls_made) == (CALLS[route] - 2 - stored, CALLS[route])


@each_route
def test_a_repeat_gets_the_first_answer(workshop: Workshop, route: str) -> None:
    """A repeat is answered as the first request was, by no work, and is not counted."""
    workshop.prepare(route)
    first = workshop.ask(route)
    workshop.now_ms += 1000
    assert workshop.ask(route) == first
    assert (workshop.engine.calls, workshop.images, workshop.charged_for(first)) == (1, 1, 1)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
@each_route
def test_a_process_that_dies_anywhere(workshop: Workshop, route: str, busy: bool) -> None:
    """Wherever a request's process dies, a repeat after its lease is answered: one charge for it, one result.

    A busy account is charged for other requests meanwhile, so that only the ledger still knows of the first.
    """
    workshop.prepare(route)
    for call in range(CALLS[route] + 1):
        before = workshop.images
        die_at(workshop, route, call)
        if busy:
            workshop.ask("shrink", key=None)
        workshop.now_ms += UNTIL_LEASE_ENDS_MS
        answer = ask_patiently(workshop, route)
        assert workshop.ask(route) == answer
        assert workshop.charged_for(answer) == 1
        assert workshop.images == before + 1 + busy
        workshop.now_ms += 86_400_000  # the key is free again
        workshop.prepare(route)


@each_route
def test_a_repeat_that_dies_as_well(workshop: Workshop, route: str) -> None:
    """Wherever the first request dies, and wherever its repeat dies, the third is answered: one charge, one result."""
    workshop.prepare(route)
    for first in range(CALLS[route]):
        for second in range(CALLS[route] + 4):
            before = workshop.images
            die_at(workshop, route, first)
            workshop.now_ms += UNTIL_LEASE_ENDS_MS
            workshop.books.settle_up()
            die_at(workshop, route, second)
            workshop.now_ms += UNTIL_LEASE_ENDS_MS
            answer = ask_patiently(workshop, route)
            assert workshop.charged_for(answer) == 1, (first, second)
            assert workshop.images == before + 1, (first, second)
            workshop.now_ms += 86_400_000
            workshop.prepare(route)


@each_route
def test_a_repeat_right_after_a_death(workshop: Workshop, route: str) -> None:
    """A repeat before the lease's end waits while the first may still be at work, and is answered once it was charged."""
    workshop.prepare(route)
    finish = CALLS[route] - 1
    die_at(workshop, route, finish)
    assert workshop.charged_for(workshop.ask(route)) == 1
    workshop.now_ms += 86_400_000
    workshop.prepare(route)
    die_at(workshop, route, finish - 1)
    workshop.now_ms += UNTIL_LEASE_ENDS_MS - 1
    with pytest.raises(RequestInProgress):
        workshop.ask(route)
    workshop.now_ms += 1
    assert workshop.charged_for(ask_patiently(workshop, route)) == 1


@each_route
def test_during_the_work(workshop: Workshop, route: str) -> None:
    """While the first is at work its repeat is RequestInProgress, and the key with another body a conflict."""
    workshop.prepare(route)
    refused: list[type[Exception]] = []

    def meanwhile() -> None:
        for content in (b"a picture", b"another"):
            with pytest.raises((RequestInProgress, IdempotencyConflict)) as caught:
                workshop.ask(route, content=content)
            refused.append(caught.type)

    workshop.engine.meanwhile = meanwhile
    workshop.ask(route)
    assert refused == [RequestInProgress, IdempotencyConflict]
    assert (workshop.images, workshop.engine.calls) == (1, 1)
    assert all(not key.leases for key in workshop.read().keys.values())


@each_route
def test_work_that_outlives_its_lease(workshop: Workshop, route: str) -> None:
    """Work that comes too late is not charged, and its repeat, which took over meanwhile, keeps its own answer."""
    workshop.prepare(route)
    answers = []

    def meanwhile() -> None:
        workshop.engine.meanwhile = lambda: None
        workshop.now_ms += UNTIL_LEASE_ENDS_MS
        answers.append(workshop.ask(route))

    workshop.engine.meanwhile = meanwhile
    with pytest.raises(ServiceUnavailable):
        workshop.ask(route)
    assert workshop.ask(route) == answers[0]
    assert (workshop.images, workshop.charged_for(answers[0])) == (1, 1)


class _Unanswered:
    """Accounts whose settle is never answered; ``happens`` tells whether it is carried out."""

    def __init__(self, accounts: object, happens: bool) -> None:
        self._accounts = accounts
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._accounts, name)

    def settle(self, *args: object) -> None:
        if self._happens:
            self._accounts.settle(*args)  # type: ignore[attr-defined]
        raise ServiceUnavailable


@pytest.mark.parametrize("happens", [False, True])
@each_route
def test_a_charge_of_unknown_outcome(workshop: Workshop, route: str, happens: bool) -> None:
    """When nobody can say whether a request was charged it is a 503, and its repeat finds out: one charge in all."""
    workshop.prepare(route)
    unanswered: Any = _Unanswered(workshop.services.accounts, happens)
    with pytest.raises(ServiceUnavailable):
        workshop.ask(route, services=replace(workshop.services, accounts=unanswered))
    answer = ask_patiently(workshop, route)
    assert workshop.engine.calls == (1 if happens else 2)
    assert (workshop.images, workshop.charged_for(answer)) == (1, 1)


@pytest.mark.parametrize("after_a_death", [False, True])
def test_many_at_once(workshop: Workshop, after_a_death: bool) -> None:
    """Of many repeats at the same moment one does the work; each other waits, or gets the same answer."""
    if after_a_death:
        die_at(workshop, "shrink", CALLS["shrink"] - 2)
        workshop.now_ms += UNTIL_LEASE_ENDS_MS
    workshop.engine = QuickEngine()
    together = threading.Barrier(THREADS)

    def ask(_: int) -> Result | None:
        together.wait()
        with suppress(RequestInProgress):
            return workshop.ask("shrink")
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for answer in pool.map(ask, range(THREADS)) if answer is not None]
    assert len({answer.id for answer in answers}) == 1
    assert (workshop.engine.calls, workshop.images) == (1, 1)
