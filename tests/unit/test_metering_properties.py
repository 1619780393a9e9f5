"""What holds of metering after any steps in any order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from minipic.domain import credits as balance
from minipic.domain import ledger, metering
from minipic.domain.account import Account
from minipic.domain.metering import LEASE_MS, Charge, Lease

from .accounts_at_hand import NOW_MS, PLANS, make_account

CHARGE = Charge("shrink", "result", 100, 50)


class Metering(RuleBasedStateMachine):
    """Random steps on one account, with a ledger kept beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.account: Account = make_account()
        self.now_ms = NOW_MS
        self.leases: list[Lease] = []
        self.lines: list[ledger.Line] = []

    def _becomes(self, account: Account) -> None:
        if account.seq != self.account.seq:
            line = ledger.latest_line(account)
            assert line is not None
            self.lines.append(line)
        self.account = account

    @rule(key_id=st.sampled_from(["k", "t", "none"]))
    def admit(self, key_id: str) -> None:
        lease = Lease("a", key_id, f"l{len(self.leases)}", self.now_ms + LEASE_MS)
        verdict = metering.admit(self.account, lease, self.now_ms, PLANS)
        self._becomes(verdict.account)
        if verdict.error is None:
            self.leases.append(lease)

    @rule(data=st.data())
    def settle(self, data: st.DataObject) -> None:
        if self.leases:
            lease = data.draw(st.sampled_from(self.leases))
            before = self.account.seq
            verdict = metering.settle(self.account, lease, self.now_ms, CHARGE, PLANS)
            self._becomes(verdict.account)
            assert self.account.seq - before <= (verdict.error is None)

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        if self.leases:
            self._becomes(metering.release(self.account, data.draw(st.sampled_from(self.leases))))

    @rule(pack=st.sampled_from("pqr"))
    def grant(self, pack: str) -> None:
        self._becomes(balance.grant(self.account, pack, 1 + "pqr".index(pack), self.now_ms, PLANS))

    @rule(step_ms=st.sampled_from([50, 100, 1000, LEASE_MS, 31 * 86_400_000, -900]))
    def pass_time(self, step_ms: int) -> None:
        self.now_ms += step_ms

    @invariant()
    def lines_are_gapless(self) -> None:
        """There is one line for every number up to seq."""
        assert [line.seq for line in self.lines] == list(range(1, self.account.seq + 1))

    @invariant()
    def months_add_up(self) -> None:
        """The images of a month are that month's lines, and none is drawn beyond the limit."""
        for month, images in self.account.images.items():
            assert images == sum(line.images for line in self.lines if line.month == month)
        assert all(used <= self.account.free_limit for used in self.account.free_used.values())

    @invariant()
    def packs_add_up(self) -> None:
        """Each pack's size, less the lines drawn from it, is what it has left; credits are never below zero."""
        assert 0 <= self.account.credits_drawn <= self.account.credits_bought
        for pack in self.account.packs:
            drawn = sum(line.images for line in self.lines if line.drawn_from == pack.id)
            assert pack.remaining(self.account.credits_drawn) == pack.size - drawn

    @invariant()
    def balances_are_in_the_last_line(self) -> None:
        """The last line's balances are the account's."""
        if self.lines:
            line = self.lines[-1]
            assert line.credits_remaining == self.account.credits_bought - self.account.credits_drawn


TestMetering = Metering.TestCase
TestMetering.settings = settings(max_examples=150, stateful_step_count=40)
