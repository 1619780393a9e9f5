"""Accounts with their ledger, on one store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from functions.ledger_projector import app as projector

from minipic.domain.account import Account
from minipic.domain.ledger import Line, MonthSums, latest_line
from minipic.domain.metering import Charge
from minipic.stores import Accounts, Ledger
from tests.contract.account_values import LIVE_KEY, NOW_MS, PLANS, make_lease

ALL = 1000


@dataclass(frozen=True)
class Books:
    """``settle_up`` returns when every step so far has its line: at once on one machine, by the stream on AWS."""

    accounts: Accounts
    ledger: Ledger
    settle_up: Callable[[], None]

    def charge(
        self,
        account: Account,
        operation: str = "shrink",
        now_ms: int = NOW_MS,
        key_id: str = LIVE_KEY,
        format: str = "png",
    ) -> Line:
        """Charge one request and return the line that it has to make."""
        lease = make_lease(account, key_id, now_ms)
        assert self.accounts.admit(lease, now_ms, PLANS).error is None
        charge = Charge(operation, "r" * 32, bytes_in=2000, bytes_out=900, format=format)
        settled = self.accounts.settle(lease, now_ms, charge, PLANS)
        assert settled.error is None
        line = latest_line(settled.account)
        assert line is not None
        return line


def total(lines: Sequence[Line]) -> MonthSums:
    """Return what lines add up to."""
    return reduce(MonthSums.plus, lines, MonthSums())


def project(records: Sequence[dict[str, Any]]) -> None:
    """Hand records, if there are any, to the projector, which has to do them all."""
    assert not records or project_once(records) == []


def project_once(records: Sequence[dict[str, Any]]) -> list[str]:
    """Hand records to the projector once and return the sequence numbers of those that it could not do."""
    answer = projector.handler({"Records": list(records)}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
