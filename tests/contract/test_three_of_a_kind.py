"""One random history in the pure model, in SQLite and in DynamoDB: equal answers, equal states, exact books.

DynamoDB is driven by two processes that guess by old images of their own, with clocks almost 10 s apart, over a line on
which answers are lost, requests are refused, and processes die between any two writes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from mypy_boto3_dynamodb import DynamoDBClient

from minipic.domain import credits as balance
from minipic.domain import keyring, ledger, metering, pruning
from minipic.domain.account import Account, Key, Overrides, Plan, Status
from minipic.domain.credits import NotEnoughCredits
from minipic.domain.keys import Environment
from minipic.domain.metering import LEASE_MS, PRUNE_AFTER_MS, Lease, Verdict
from minipic.domain.plans import Plans
from minipic.stores import Accounts
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients
from minipic.stores.aws.ledger import DynamoLedger
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import Database
from minipic.stores.local.ledger import SqliteLedger
from tests.aws_stack import AwsStack
from tests.aws_stack.stream import StreamReader
from tests.contract.account_values import CHARGE, LIVE_KEY, NEXT_MONTH_MS, TEST_KEY, make_account, make_lease
from tests.contract.books import project, total
from tests.contract.faults import Died, Fault, FaultyLine, without_waiting

FREE = Plan("free", free_images=2, max_bytes=1000, burst=3, concurrency=2)
PLANS = Plans({"free": FREE, "paid": replace(FREE, name="paid", free_images=1)})
START_MS = NEXT_MONTH_MS - 2000
CLOCK_SKEW_MS = 9_900
DAY_MS = 86_400_000
# Coarse jumps, so that steps meet each boundary exactly: an interval, a lease's end, its last moment, a month's edge.
JUMPS_MS = (50, 100, 100, 1000, 2000, 2000, LEASE_MS - 50, LEASE_MS, PRUNE_AFTER_MS, 32 * DAY_MS, 400 * DAY_MS)
# The client tries three times: two faults in a row still end well.
PASSING = (Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.THROTTLED, Fault.BROKEN_AFTER, Fault.BROKEN_BEFORE)
faults: st.SearchStrategy[list[Fault | None]] = st.one_of(
    st.just([]),
    st.just([]),
    st.lists(st.sampled_from([None, *PASSING]), max_size=2),
    st.tuples(st.integers(0, 2), st.sampled_from([Fault.DEATH_AFTER, Fault.DEATH_BEFORE])).map(
        lambda death: [None] * death[0] + [death[1]]
    ),
)
key_ids = st.sampled_from([LIVE_KEY, LIVE_KEY, "k0", TEST_KEY, "nobody"])


Step = tuple[Callable[[Accounts], Account], Account]


@dataclass(frozen=True)
class Places:
    """Where histories are written."""

    sqlite: SqliteAccounts
    sqlite_ledger: SqliteLedger
    processes: tuple[tuple[DynamoAccounts, FaultyLine], ...]
    dynamo_ledger: DynamoLedger
    stack: AwsStack


@pytest.fixture(scope="module")
def places(aws_stack: AwsStack, sqlite_database: Database, projection: None) -> Places:
    def process() -> tuple[DynamoAccounts, FaultyLine]:
        client: DynamoDBClient = make_clients(aws_stack.region, aws_stack.endpoint_url)[0]
        return DynamoAccounts(client, aws_stack.table_name), FaultyLine(client)

    client, _ = make_clients(aws_stack.region, aws_stack.endpoint_url)
    return Places(
        SqliteAccounts(sqlite_database),
        SqliteLedger(sqlite_database),
        (process(), process()),
        DynamoLedger(client, aws_stack.ledger_table_name),
        aws_stack,
    )


class ThreeOfAKind(RuleBasedStateMachine):
    """One account in three places."""

    places: Places
    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.model: Account = make_account(free_limit=2)
        self.stream = StreamReader(self.places.stack)
        self.places.sqlite.create(self.model)
        self.places.processes[0][0].create(self.model)
        self.clock_ms = START_MS
        self.lines: list[ledger.Line] = []

    def _take(
        self, step: Callable[[Accounts], Verdict], expected: Verdict, process: int, planned: list[Fault | None]
    ) -> None:
        """Take a step in every place; all must say the same as the model, and hold the same afterwards."""
        store, line = self.places.processes[process]
        said = [step(self.places.sqlite), _insistently(lambda: step(store), line, planned)]
        for verdict in said:
            assert repr(verdict.error) == repr(expected.error)
            assert getattr(verdict.error, "retry_after_s", None) == getattr(expected.error, "retry_after_s", None)
            assert verdict.account == expected.account
        if expected.account.seq != self.model.seq:
            made = ledger.latest_line(expected.account)
            assert made is not None
            self.lines.append(made)
        self.model = expected.account

    def _change(
        self, step: Callable[[Accounts], Account], expected: Account, process: int, planned: list[Fault | None]
    ) -> None:
        self._take(lambda store: Verdict(step(store)), Verdict(expected), process, planned)

    def _now_ms(self, process: int) -> int:
        return self.clock_ms - process * CLOCK_SKEW_MS

    @rule(jump_ms=st.sampled_from(JUMPS_MS))
    def pass_time(self, jump_ms: int) -> None:
        self.clock_ms += jump_ms

    @rule(target=leases, key_id=key_ids, from_queue=st.booleans(), process=st.integers(0, 1), planned=faults)
    def admit(self, key_id: str, from_queue: bool, process: int, planned: list[Fault | None]) -> Lease:
        """Ask for a place. A process that dies on the way asks again with the lease that it chose."""
        now_ms = self._now_ms(process)
        lease = make_lease(self.model, key_id, now_ms)
        self._take(
            lambda store: store.admit(lease, now_ms, PLANS, from_queue=from_queue),
            metering.admit(self.model, lease, now_ms, PLANS, from_queue=from_queue),
            process,
            planned,
        )
        return lease

    @rule(lease=leases, process=st.integers(0, 1), planned=faults)
    def settle(self, lease: Lease, process: int, planned: list[Fault | None]) -> None:
        """Charge a request: the first time, again, too late, or without a place."""
        now_ms = self._now_ms(process)
        self._take(
            lambda store: store.settle(lease, now_ms, CHARGE, PLANS),
            metering.settle(self.model, lease, now_ms, CHARGE, PLANS),
            process,
            planned,
        )

    @rule(lease=leases, process=st.integers(0, 1), planned=faults)
    def release(self, lease: Lease, process: int, planned: list[Fault | None]) -> None:
        self._change(lambda store: store.release(lease), metering.release(self.model, lease), process, planned)

    @rule(number=st.integers(0, 5), process=st.integers(0, 1), planned=faults)
    def grant(self, number: int, process: int, planned: list[Fault | None]) -> None:
        """Buy a pack, perhaps again."""
        now_ms = self._now_ms(process)
        expected = self.model
        if not self._was_pruned(f"p{number}"):
            expected = balance.grant(self.model, f"p{number}", number + 1, now_ms, PLANS)
        self._change(
            lambda store: store.grant(self.model.id, f"p{number}", number + 1, now_ms, PLANS),
            expected,
            process,
            planned,
        )

    @rule(number=st.integers(-3, 3), process=st.integers(0, 1), planned=faults)
    def correct(self, number: int, process: int, planned: list[Fault | None]) -> None:
        """Give credits or take them away, perhaps again, perhaps more than there are."""
        now_ms, reference = self._now_ms(process), f"c{number}"
        if number == 0 or self._was_pruned(reference):
            return
        try:
            expected = balance.correct(self.model, reference, number, "mistake", now_ms)
        except NotEnoughCredits:
            for store in (self.places.sqlite, self.places.processes[process][0]):
                with pytest.raises(NotEnoughCredits):
                    store.correct(self.model.id, reference, number, "mistake", now_ms)
            return
        self._change(
            lambda store: store.correct(self.model.id, reference, number, "mistake", now_ms),
            expected,
            process,
            planned,
        )

    def _was_pruned(self, reference: str) -> bool:
        there = any(pack.id == reference for pack in self.model.packs)
        return not there and any(line.drawn_from == reference and line.credits for line in self.lines)

    @rule(
        name=st.sampled_from(["status", "plan", "override", "switch key", "key", "prune"]),
        number=st.integers(0, 5),
        key_id=key_ids,
        process=st.integers(0, 1),
        planned=faults,
    )
    def operate(self, name: str, number: int, key_id: str, process: int, planned: list[Fault | None]) -> None:
        """Do what an operator does, also with requests in work: one rule, so that requests are most of a history."""
        operation = {
            "status": self._set_status,
            "plan": self._set_plan,
            "override": self._override,
            "switch key": self._switch_key,
            "key": self._add_or_delete_key,
            "prune": self._prune,
        }[name]
        step, expected = operation(number, key_id, self._now_ms(process))
        # A key's addition that died is not repeated: the operator never saw its text.
        self._change(step, expected, process, [] if name == "key" else planned)

    def _set_status(self, number: int, key_id: str, now_ms: int) -> Step:
        status = Status.SUSPENDED if number == 0 else Status.ACTIVE
        return lambda store: store.set_status(self.model.id, status), replace(self.model, status=status)

    def _set_plan(self, number: int, key_id: str, now_ms: int) -> Step:
        plan = replace(FREE, name="custom", free_images=number)
        limit = self.model.overrides.on(plan).free_images
        return lambda store: store.set_plan(self.model.id, plan), replace(self.model, plan="custom", free_limit=limit)

    def _override(self, number: int, key_id: str, now_ms: int) -> Step:
        overrides = Overrides(free_images=(None, 0, 3)[number % 3], concurrency=(None, 4)[number % 2])
        limit = PLANS.limits(self.model.plan, overrides).free_images
        expected = replace(self.model, overrides=overrides, free_limit=limit)
        return lambda store: store.set_overrides(self.model.id, overrides, PLANS), expected

    def _switch_key(self, number: int, key_id: str, now_ms: int) -> Step:
        if key_id not in keyring.kept(self.model):
            key_id = TEST_KEY
        key = replace(self.model.keys[key_id], enabled=number > 0)
        expected = replace(self.model, keys={**self.model.keys, key_id: key})
        return lambda store: store.set_key_enabled(self.model.id, key_id, number > 0), expected

    def _add_or_delete_key(self, number: int, key_id: str, now_ms: int) -> Step:
        if "k0" in keyring.kept(self.model):
            return lambda store: store.delete_key(self.model.id, "k0"), keyring.without(self.model, "k0")
        if "k0" in self.model.keys:  # deleted, with a request still in work
            return lambda store: store.read(self.model.id), self.model
        key, key_hash = Key(Environment.LIVE, "second", now_ms), self.model.id[-32:].zfill(64)
        expected = replace(self.model, keys={**self.model.keys, "k0": key})
        return lambda store: store.add_key(self.model.id, "k0", key, key_hash), expected

    def _prune(self, number: int, key_id: str, now_ms: int) -> Step:
        return lambda store: store.prune(self.model.id, now_ms), pruning.pruned(self.model, now_ms)

    @invariant()
    def books_are_exact(self) -> None:
        """Lines are without a gap; months, packs and balances are what the lines add up to; nothing is below zero."""
        account = self.model
        assert [line.seq for line in self.lines] == list(range(1, account.seq + 1))
        for month, images in account.images.items():
            assert images == sum(line.images for line in self.lines if line.month == month)
        drawn = sum(line.images for line in self.lines if line.drawn_from not in ("", "plan"))
        assert account.credits_drawn == drawn + sum(max(0, -line.credits) for line in self.lines)
        assert account.credits_bought == sum(max(0, line.credits) for line in self.lines)
        assert 0 <= account.credits_drawn <= account.credits_bought

    def teardown(self) -> None:
        """Read the ledgers: the same lines everywhere, and sums that are theirs."""
        project(self.stream.read())
        for book in (self.places.sqlite_ledger, self.places.dynamo_ledger):
            for month in {line.month for line in self.lines}:
                expected = [line for line in self.lines if line.month == month]
                assert book.lines(self.model.id, month, 0, 1000) == expected
                assert book.sums(self.model.id, month) == total(expected)


def _insistently(step: Callable[[], Verdict], line: FaultyLine, planned: list[Fault | None]) -> Verdict:
    """Take a step on a faulty line; a process that dies is started again and takes the same step."""
    line.plan = list(planned)
    try:
        return step()
    except Died:
        line.plan = []
        return step()
    finally:
        line.plan = []


@pytest.fixture
def no_waiting() -> Iterator[None]:
    with without_waiting():
        yield


@pytest.mark.timeout(300)
def test_a_history_is_the_same_everywhere(places: Places, no_waiting: None) -> None:
    """The model, SQLite and DynamoDB agree on every step of random histories, faults and crashes included."""
    machine = type("Machine", (ThreeOfAKind,), {"places": places})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=70,
            stateful_step_count=40,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert sum(line.happened for _, line in places.processes) > 100
