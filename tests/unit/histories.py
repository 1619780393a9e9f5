"""Histories of an account, made by the pure model: any steps in any order, with the lines that they make."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from hypothesis import strategies as st

from minipic.domain import credits as balance
from minipic.domain import metering
from minipic.domain.account import Account, Key, Plan
from minipic.domain.keys import Environment
from minipic.domain.ledger import Line, MonthSums, latest_line
from minipic.domain.metering import LEASE_MS, Charge, Lease
from minipic.domain.plans import Plans
from minipic.domain.pruning import pruned

DAY_MS = 86_400_000
START_MS = 1_795_000_000_000  # 2026-11-18
PLANS = Plans(
    {"free": Plan("free", free_images=3, max_bytes=1000), "paid": Plan("paid", free_images=4, max_bytes=2000)}
)
FORMATS = ("jpeg", "", "png")  # lines from before the format was kept have none
Step = tuple[str, Any]

step_strategy: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("charge"), st.sampled_from(["shrink", "derive"])),
    st.tuples(st.just("charge"), st.sampled_from(["shrink", "derive"])),
    st.tuples(st.just("sandbox"), st.just("compress")),
    st.tuples(st.just("grant"), st.integers(1, 4)),
    st.tuples(st.just("correct"), st.sampled_from([-2, -1, 1, 2])),
    st.tuples(st.just("wait"), st.sampled_from([1, -900, 50_000, DAY_MS, 13 * DAY_MS, 40 * DAY_MS, 500 * DAY_MS])),
    st.tuples(st.just("limit"), st.integers(0, 5)),
    st.tuples(st.just("prune"), st.none()),
)


@dataclass
class History:
    """An account and every line that it has made."""

    account: Account
    now_ms: int = START_MS
    lines: list[Line] = field(default_factory=list)

    @property
    def sums(self) -> dict[int, MonthSums]:
        """The sums of the months, as a ledger keeps them."""
        return sums_of(self.lines)

    def step(self, kind: str, value: Any) -> None:
        """Do one step; one that is refused changes nothing."""
        if kind in ("charge", "sandbox"):
            self._charge("k" if kind == "charge" else "t", value)
        elif kind == "grant":
            self._becomes(balance.grant(self.account, f"pack-{self.account.seq}", value, self.now_ms, PLANS))
        elif kind == "correct":
            left = self.account.credits_bought - self.account.credits_drawn
            if left + value >= 0:
                reference = f"fix-{self.account.seq}"
                self._becomes(balance.correct(self.account, reference, value, "goodwill", self.now_ms))
        elif kind == "wait":
            self.now_ms += value
        elif kind == "limit":
            self.account = replace(self.account, free_limit=value)
        else:
            self.account = pruned(self.account, self.now_ms)

    def _charge(self, key_id: str, operation: str) -> None:
        lease = Lease("a", key_id, f"lease-{self.account.seq}", self.now_ms + LEASE_MS)
        key = replace(self.account.keys[key_id], leases={lease.id: lease.expires_ms})
        waiting = replace(self.account, keys={**self.account.keys, key_id: key})
        seq = self.account.seq
        charge = Charge(operation, f"result-{seq}", 100 + seq, 50, FORMATS[seq % len(FORMATS)])
        settled = metering.settle(waiting, lease, self.now_ms, charge, PLANS)
        if settled.error is None:
            self._becomes(settled.account)

    def _becomes(self, account: Account) -> None:
        self.account = account
        line = latest_line(account)
        assert line is not None
        self.lines.append(line)


def sums_of(lines: Sequence[Line]) -> dict[int, MonthSums]:
    """Return the sums of each month that has any."""
    months = {line.month for line in lines if line.images}
    return {
        month: reduce(MonthSums.plus, [line for line in lines if line.month == month], MonthSums()) for month in months
    }


def new_history() -> History:
    """Return an account with a live key ``k`` and a sandbox key ``t``, and no lines."""
    keys = {"k": Key(Environment.LIVE, "main", 0), "t": Key(Environment.TEST, "sandbox", 0)}
    return History(Account(id="a", name="A", created_ms=START_MS, plan="free", free_limit=3, keys=keys))


def play(steps: Sequence[Step]) -> History:
    """Return the history of these steps."""
    history = new_history()
    for kind, value in steps:
        history.step(kind, value)
    return history


histories = st.lists(step_strategy, max_size=40).map(play)
