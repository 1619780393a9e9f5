"""Random steps on each store and on the pure model: the same answers, the same state, after every step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minipic.domain import credits as balance
from minipic.domain import metering
from minipic.domain.account import Account, Plan, Status
from minipic.domain.metering import PRUNE_AFTER_MS, Lease, Verdict
from minipic.domain.plans import Plans
from minipic.stores import Accounts
from tests.contract.account_values import CHARGE, LIVE_KEY, NEXT_MONTH_MS, TEST_KEY, make_account, make_lease

SMALL = Plan("free", free_images=2, max_bytes=1000, burst=3, concurrency=2)
PLANS = Plans({"free": SMALL, "paid": replace(SMALL, name="paid", free_images=1)})
START_MS = NEXT_MONTH_MS - 2000
CLOCK_SKEW_MS = 900
# Coarse jumps, so that steps meet each boundary exactly: an interval, a lease's end, its last moment, a month's edge.
JUMPS_MS = (0, 0, 0, 50, 100, 100, 2000, metering.LEASE_MS - 50, metering.LEASE_MS, PRUNE_AFTER_MS, 32 * 86_400_000)

steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["admit"] * 6 + ["settle"] * 5 + ["readmit", "release", "release", "grant", "status", "plan", "switch"]
        ),
        st.sampled_from([LIVE_KEY, LIVE_KEY, TEST_KEY, "nobody"]),
        st.integers(0, 5),
        st.sampled_from(JUMPS_MS),
        st.sampled_from([0, 0, 0, 1]),
    ),
    min_size=4,
    max_size=24,
)


@dataclass
class Twins:
    """A store and the model of one account, driven side by side."""

    store: Accounts
    model: Account
    now_ms: int = START_MS
    leases: list[Lease] = field(default_factory=list)

    def take(self, step: str, key_id: str, number: int) -> None:
        """Take one step on both and compare what each says of it."""
        taken: dict[str, Callable[[str, int], None]] = {
            "admit": self._admit,
            "readmit": self._readmit,
            "settle": self._settle,
            "release": self._release,
            "grant": self._grant,
            "status": self._status,
            "plan": self._plan,
            "switch": self._switch,
        }
        taken[step](key_id, number)

    def _compare(self, said: Verdict, expected: Verdict) -> None:
        assert repr(said.error) == repr(expected.error)
        assert getattr(said.error, "retry_after_s", None) == getattr(expected.error, "retry_after_s", None)
        assert said.account == expected.account
        self.model = expected.account

    def _admit(self, key_id: str, number: int) -> None:
        del number
        lease = make_lease(self.model, key_id, self.now_ms)
        self.leases.append(lease)
        said = self.store.admit(lease, self.now_ms, PLANS)
        self._compare(said, metering.admit(self.model, lease, self.now_ms, PLANS))

    def _readmit(self, key_id: str, number: int) -> None:
        del key_id
        for lease in self._lease(number):
            said = self.store.admit(lease, self.now_ms, PLANS)
            self._compare(said, metering.admit(self.model, lease, self.now_ms, PLANS))

    def _settle(self, key_id: str, number: int) -> None:
        del key_id
        for lease in self._lease(number):
            said = self.store.settle(lease, self.now_ms, CHARGE, PLANS)
            self._compare(said, metering.settle(self.model, lease, self.now_ms, CHARGE, PLANS))

    def _release(self, key_id: str, number: int) -> None:
        del key_id
        for lease in self._lease(number):
            self._compare(Verdict(self.store.release(lease)), Verdict(metering.release(self.model, lease)))

    def _lease(self, number: int) -> list[Lease]:
        return self.leases[-1 - number :][:1]

    def _grant(self, key_id: str, number: int) -> None:
        del key_id
        pack_id = f"p{number}"
        said = self.store.grant(self.model.id, pack_id, number + 1, self.now_ms, PLANS)
        self._compare(Verdict(said), Verdict(balance.grant(self.model, pack_id, number + 1, self.now_ms, PLANS)))

    def _status(self, key_id: str, number: int) -> None:
        del key_id
        status = Status.SUSPENDED if number == 0 else Status.ACTIVE
        self._compare(
            Verdict(self.store.set_status(self.model.id, status)), Verdict(replace(self.model, status=status))
        )

    def _plan(self, key_id: str, number: int) -> None:
        del key_id
        said = self.store.set_plan(self.model.id, replace(SMALL, name="custom", free_images=number))
        self._compare(Verdict(said), Verdict(replace(self.model, plan="custom", free_limit=number)))

    def _switch(self, key_id: str, number: int) -> None:
        if key_id in self.model.keys:
            key = replace(self.model.keys[key_id], enabled=number > 0)
            said = self.store.set_key_enabled(self.model.id, key_id, number > 0)
            self._compare(Verdict(said), Verdict(replace(self.model, keys={**self.model.keys, key_id: key})))


def drive(stores: Sequence[Accounts], taken: list[tuple[str, str, int, int, int]]) -> None:
    """Take the steps in the first store or, with a clock that runs behind, in the second: another process's."""
    account = make_account(free_limit=2)
    stores[0].create(account)
    twins, clock_ms = Twins(stores[0], account), START_MS
    for step, key_id, number, jump_ms, process in taken:
        clock_ms += jump_ms
        twins.store, twins.now_ms = stores[process], clock_ms - process * CLOCK_SKEW_MS
        twins.take(step, key_id, number)
    assert stores[0].read(account.id) == twins.model


def drive_randomly(stores: Sequence[Accounts], max_examples: int) -> None:
    run = given(steps)(lambda taken: drive(stores, taken))
    chosen = settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    chosen(run)()


@pytest.mark.timeout(120)
def test_sqlite_is_the_model(sqlite_accounts: Accounts) -> None:
    """SQLite answers each of random steps as the pure model does, and ends in its state."""
    drive_randomly([sqlite_accounts, sqlite_accounts], max_examples=300)


@pytest.mark.timeout(120)
def test_dynamodb_is_the_model(dynamo_accounts: Accounts, other_dynamo_accounts: Accounts) -> None:
    """DynamoDB's conditional updates answer as the pure model does, from two processes that guess by old images."""
    drive_randomly([dynamo_accounts, other_dynamo_accounts], max_examples=200)
