"""What is left of a request that stopped anywhere, and what its repeat makes of it: one charge, one result."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from minipic.domain.ledger import Line
from minipic.domain.metering import LEASE_MS, PRUNE_AFTER_MS
from minipic.domain.repeats import Claim
from minipic.errors import DecodeError, IdempotencyConflict, OutputExpired, RequestInProgress, ServiceUnavailable
from minipic.service.keeping import Result
from minipic.stores import Ledger, Repeats
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients
from minipic.stores.aws.ledger import DynamoLedger
from minipic.stores.aws.repeats import DynamoRepeats
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import Database
from minipic.stores.local.ledger import SqliteLedger
from minipic.stores.local.repeats import SqliteRepeats
from minipic.stores.local.results import FileResults
from tests.aws_stack import AwsStack
from tests.aws_stack.stream import StreamReader
from tests.contract.account_values import LIVE_KEY, NEXT_MONTH_MS
from tests.contract.books import Books, project
from tests.contract.conftest import STORES
from tests.contract.repeated_work import KEY, ROUTES, Died, Fate, QuickEngine, Workshop, open_workshop

THREADS = 8
DAY_MS = 86_400_000
UNTIL_LEASE_ENDS_MS = LEASE_MS + PRUNE_AFTER_MS
CALLS = {
    "shrink": 6,
    "compress": 5,
    "derive": 7,
}  # of a first request: admit, claim, store (and look up), settle, finish

each_route = pytest.mark.parametrize("route", ROUTES)


@pytest.fixture(scope="module")
def aws_stores(aws_stack: AwsStack, projection: None) -> tuple[Books, DynamoRepeats]:
    """Make the clients once: that takes longer than most of these tests."""
    dynamodb, _ = make_clients(aws_stack.region, aws_stack.endpoint_url)
    stream, table = StreamReader(aws_stack), aws_stack.table_name
    ledger = DynamoLedger(dynamodb, aws_stack.ledger_table_name)
    books = Books(DynamoAccounts(dynamodb, table), ledger, lambda: project(stream.read()))
    return books, DynamoRepeats(dynamodb, table)


@pytest.fixture(params=STORES)
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Workshop:
    if request.param == "local":
        database: Database = request.getfixturevalue("sqlite_database")
        books = Books(SqliteAccounts(database), SqliteLedger(database), lambda: None)
        return open_workshop(tmp_path, books, SqliteRepeats(database), FileResults(tmp_path / "results"))
    books, repeats = request.getfixturevalue("aws_stores")
    return open_workshop(tmp_path, books, repeats, request.getfixturevalue("s3_results"))


def die_at(workshop: Workshop, route: str, call: int) -> None:
    """Send a request in a process that dies before the store's call of this number, or before it answers."""
    with suppress(Died):
        workshop.ask(route, services=workshop.mortal(Fate(call)))


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
        workshop.now_ms += DAY_MS  # the key is free again
        workshop.prepare(route)


def test_a_repeat_that_dies_as_well(workshop: Workshop) -> None:
    """Wherever the first request dies, and wherever its repeat dies, the third is answered: one charge, one result."""
    for first in range(CALLS["shrink"]):
        for second in range(CALLS["shrink"] + 4):  # read, release, and claim again
            before = workshop.images
            die_at(workshop, "shrink", first)
            workshop.now_ms += UNTIL_LEASE_ENDS_MS
            workshop.books.settle_up()
            die_at(workshop, "shrink", second)
            workshop.now_ms += UNTIL_LEASE_ENDS_MS
            answer = ask_patiently(workshop, "shrink")
            assert workshop.charged_for(answer) == 1, (first, second)
            assert workshop.images == before + 1, (first, second)
            workshop.now_ms += DAY_MS


@each_route
def test_a_repeat_right_after_a_death(workshop: Workshop, route: str) -> None:
    """A repeat before the lease's end waits while the first may be at work, and is answered if it was charged."""
    workshop.prepare(route)
    finish = CALLS[route] - 1
    die_at(workshop, route, finish)
    assert workshop.charged_for(workshop.ask(route)) == 1
    workshop.now_ms += DAY_MS
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


class _Overtaken:
    """Claims of a process that is a moment too slow: ``before`` happens between its admission and its claim."""

    def __init__(self, repeats: Repeats, before: Callable[[], object]) -> None:
        self._repeats = repeats
        self._before = before

    def claim(self, claim: Claim, now_ms: int) -> Claim:
        self._before()
        return self._repeats.claim(claim, now_ms)


def test_overtaken_between_admission_and_claim(workshop: Workshop) -> None:
    """A lease that was not there yet when the repeat was admitted is seen: its owner is at work, and is left alone."""
    at_work: list[str] = []

    def overtake() -> None:
        die_at(workshop, "shrink", 2)
        at_work.extend(workshop.read().keys[LIVE_KEY].leases)

    slow: Any = _Overtaken(workshop.services.repeats, overtake)
    with pytest.raises(RequestInProgress):
        workshop.ask("shrink", services=replace(workshop.services, repeats=slow))
    (left,) = workshop.read().keys[LIVE_KEY].leases
    assert left in at_work


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


def test_a_ledger_that_lags(workshop: Workshop) -> None:
    """As long as the ledger may not have the first request's line, its repeat waits; then it gets the first answer."""
    die_at(workshop, "shrink", CALLS["shrink"] - 1)
    workshop.ask("shrink", key=None)
    lags = workshop.services.ledger.complete_to(workshop.account.id) < workshop.read().seq
    if lags:
        with pytest.raises(RequestInProgress):
            workshop.ask("shrink")
    workshop.books.settle_up()
    assert workshop.services.ledger.complete_to(workshop.account.id) == workshop.read().seq == 2
    assert workshop.charged_for(workshop.ask("shrink")) == 1
    assert (workshop.images, workshop.engine.calls) == (2, 2)


class _InShortPages:
    """A ledger that gives two lines at a time."""

    def __init__(self, ledger: Ledger) -> None:
        self.complete_to = ledger.complete_to
        self.pages_read = 0
        self._ledger = ledger

    def lines(self, account_id: str, month: int, after_seq: int, limit: int) -> list[Line]:
        self.pages_read += 1
        return self._ledger.lines(account_id, month, after_seq, min(limit, 2))


def test_a_charge_of_the_next_month(workshop: Workshop) -> None:
    """A charge is found in the month that it belongs to, behind whatever pages of other lines."""
    workshop.now_ms = NEXT_MONTH_MS - 10_000
    ledger: Any = _InShortPages(workshop.services.ledger)

    def meanwhile() -> None:
        workshop.engine.meanwhile = lambda: None
        for _ in range(3):
            workshop.ask("shrink", key=None)
        workshop.now_ms = NEXT_MONTH_MS
        for _ in range(4):
            workshop.ask("shrink", key=None)

    workshop.engine.meanwhile = meanwhile
    die_at(workshop, "shrink", CALLS["shrink"] - 1)
    workshop.ask("shrink", key=None)
    workshop.books.settle_up()
    answer = workshop.ask("shrink", services=replace(workshop.services, ledger=ledger))
    assert (workshop.charged_for(answer), workshop.images, workshop.engine.calls) == (1, 9, 9)


def test_lines_that_come_too_late_are_not_read(workshop: Workshop) -> None:
    """However much was charged since, a repeat reads no further than the first request's charge could stand."""
    ledger: Any = _InShortPages(workshop.services.ledger)
    die_at(workshop, "shrink", 4)
    workshop.now_ms += UNTIL_LEASE_ENDS_MS + 1
    for _ in range(5):
        workshop.ask("shrink", key=None)
    workshop.books.settle_up()
    answer = workshop.ask("shrink", services=replace(workshop.services, ledger=ledger))
    assert (workshop.charged_for(answer), workshop.images, ledger.pages_read) == (1, 6, 1)


@each_route
def test_what_is_gone_is_made_again(workshop: Workshop, route: str) -> None:
    """A repeat whose result was deleted is a new request: worked on and charged."""
    workshop.prepare(route)
    first = workshop.ask(route)
    workshop.services.results.delete(first.id)
    second = workshop.ask(route)
    assert second.id != first.id
    assert [workshop.charged_for(answer) for answer in (first, second)] == [1, 1]


def test_a_shorter_life_of_results(workshop: Workshop) -> None:
    """When results live for a shorter time than at the first request, so does what is remembered of it."""
    first = workshop.ask("shrink")
    short = replace(workshop.services, result_ttl_s=60)
    workshop.now_ms = first.expires_ms - DAY_MS + 59_999
    assert workshop.ask("shrink", services=short).id == first.id
    workshop.now_ms += 1
    second = workshop.ask("shrink", services=short)
    assert second.id != first.id
    assert workshop.ask("shrink", services=short) == second
    assert workshop.images == 2


def test_what_was_made_of_it_outlives_an_original(workshop: Workshop) -> None:
    """A derived result is answered again when the one that it was made from is gone; anything new is not."""
    workshop.prepare("derive")
    workshop.now_ms += DAY_MS - 1000
    first = workshop.ask("derive")
    workshop.now_ms += 2000
    assert workshop.ask("derive") == first
    for key in (None, "another"):
        with pytest.raises(OutputExpired):
            workshop.ask("derive", key)
    assert workshop.images == 1


class _Slow:
    """Accounts whose settle takes so long to arrive that ``meanwhile`` comes first."""

    def __init__(self, accounts: object, meanwhile: Callable[[], object]) -> None:
        self._accounts = accounts
        self._meanwhile = meanwhile

    def __getattr__(self, name: str) -> Any:
        return getattr(self._accounts, name)

    def settle(self, *args: object) -> object:
        self._meanwhile()
        return self._accounts.settle(*args)  # type: ignore[attr-defined]


@each_route
def test_a_settle_that_arrives_after_the_repeat(workshop: Workshop, route: str) -> None:
    """Once a repeat has taken over, a write of the first request that was still on its way charges nothing."""
    workshop.prepare(route)
    answers = []

    def repeat() -> None:
        workshop.now_ms += UNTIL_LEASE_ENDS_MS
        answers.append(workshop.ask(route))

    slow: Any = _Slow(workshop.services.accounts, repeat)
    with suppress(ServiceUnavailable):
        workshop.ask(route, services=replace(workshop.services, accounts=slow))
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


class _Forgetful:
    """Claims that can be made, and neither finished nor forgotten."""

    def __init__(self, repeats: Repeats) -> None:
        self.claim = repeats.claim

    def finish(self, claim: Claim) -> None:
        raise ServiceUnavailable

    forget = finish


@each_route
def test_a_claim_that_cannot_be_finished(workshop: Workshop, route: str) -> None:
    """What was charged is answered, now and again, although nobody could note that it is done."""
    workshop.prepare(route)
    services = replace(workshop.services, repeats=cast("Repeats", _Forgetful(workshop.services.repeats)))
    first = workshop.ask(route, services=services)
    assert workshop.ask(route, services=services) == first
    assert workshop.ask(route) == first
    assert (workshop.images, workshop.engine.calls) == (1, 1)


def test_a_claim_that_cannot_be_given_back(workshop: Workshop) -> None:
    """The error of work that failed is told although its claim stays, and a repeat takes that over at once."""
    services = replace(workshop.services, repeats=cast("Repeats", _Forgetful(workshop.services.repeats)))

    def fail() -> None:
        raise DecodeError

    workshop.engine.meanwhile = fail
    with pytest.raises(DecodeError):
        workshop.ask("shrink", services=services)
    workshop.engine.meanwhile = lambda: None
    assert workshop.charged_for(workshop.ask("shrink")) == 1


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
