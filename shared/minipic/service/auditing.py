"""Whether the ledger adds up, also while the service runs, and lines for those that it has lost."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from minipic.domain.account import Account
from minipic.domain.audit import Discrepancy, audit
from minipic.domain.gaps import Irreparable
from minipic.domain.ledger import Line
from minipic.domain.pruning import DAY_MS
from minipic.domain.repair import missing_lines
from minipic.service import Services

# On AWS a line follows its charge by the stream, within a second or two when nothing is wrong.
POLL_S = 0.5
MAX_POLLS = 20
STREAM_KEEPS_MS = DAY_MS
TOLD_EVERY_LINES = 1000

Sleep = Callable[[float], None]


@dataclass(slots=True)
class Progress:
    """How far an audit is, ``seq`` within an account; ``tell`` is called now and then."""

    tell: Callable[["Progress"], None] = lambda _progress: None
    accounts: int = 0
    lines: int = 0
    seq: int = 0

    def watched(self, lines: Iterable[Line], last_seq: int) -> Iterator[Line]:
        """Yield the lines, and count those up to ``last_seq``."""
        self.seq = 0
        for line in lines:
            self.seq = line.seq
            if line.seq <= last_seq:
                self.lines += 1
                if self.lines % TOLD_EVERY_LINES == 0:
                    self.tell(self)
            yield line


@dataclass(frozen=True, slots=True)
class Failure:
    """What did not add up, and whose."""

    account_id: str
    discrepancy: Discrepancy


def audit_all(
    services: Services, accounts: Iterable[Account], progress: Progress, sleep: Sleep = time.sleep
) -> Failure | None:
    """Audit these accounts, deleted ones like all others, up to the first discrepancy; None when there is none."""
    for account in accounts:
        discrepancy = _audit_account(services, account, progress, sleep)
        if discrepancy is not None:
            return Failure(account.id, discrepancy)
        progress.accounts += 1
        progress.tell(progress)
    return None


def _audit_account(services: Services, account: Account, progress: Progress, sleep: Sleep) -> Discrepancy | None:
    ledger, account_id = services.ledger, account.id
    complete_to = _wait_for_lines(services, account, sleep)
    if complete_to < account.seq:
        waited = f"nothing after line {complete_to} is complete, {POLL_S * MAX_POLLS:.0f} s later"
        return Discrepancy(complete_to + 1, f"every line up to {account.seq}, as the account says", waited)
    sums = ledger.all_sums(account_id)
    discrepancy = audit(account, progress.watched(ledger.all_lines(account_id), account.seq), sums)
    if discrepancy is not None:
        return discrepancy
    # What is above the account's number must have been written since, and then the account knows of it by now.
    above = max(complete_to, progress.seq)
    if above > account.seq and above > (last := services.accounts.read(account_id).seq):
        return Discrepancy(above, f"no line above {last}, which is the account's last", f"line {above}")
    return None


def _wait_for_lines(services: Services, account: Account, sleep: Sleep) -> int:
    for _ in range(MAX_POLLS):
        complete_to = services.ledger.complete_to(account.id)
        if complete_to >= account.seq:
            return complete_to
        sleep(POLL_S)
    return services.ledger.complete_to(account.id)


def repair(services: Services, account: Account, reason: str, sleep: Sleep = time.sleep) -> list[Line]:
    """Write lines in place of those that were lost, for a reason, and return them; Irreparable.

    A line that the stream may still bring is not lost: it is left to it for a day.
    """
    _wait_for_last_line(services, account, sleep)
    present = _Present()
    missing = missing_lines(account, present.watched(services.ledger.all_lines(account.id)), reason)
    if missing:
        is_last = missing[-1].seq == account.seq
        written_by_ms = missing[-1].at_ms if is_last else present.after_gap_ms
        if written_by_ms > services.now_ms() - STREAM_KEEPS_MS:
            raise Irreparable(f"line {missing[-1].seq} may still come: the stream keeps it for a day")
    if missing or services.ledger.complete_to(account.id) < account.seq:
        # The last line, although it is there: what counts complete lines may have stopped before a repair did.
        last = [present.last] if present.last and (not missing or present.last.seq > missing[-1].seq) else []
        services.ledger.restore(account.id, [*missing, *last])
    return missing


def _wait_for_last_line(services: Services, account: Account, sleep: Sleep) -> None:
    """Let the stream bring what is on its way: only then is what is missing before it a gap."""
    for _ in range(MAX_POLLS):
        if services.ledger.lines(account.id, account.month, account.seq - 1, 1):
            return
        sleep(POLL_S)


@dataclass(slots=True)
class _Present:
    """What lines that are there say: the last one, and when the one after the last gap was written."""

    last: Line | None = None
    after_gap_ms: int = 0

    def watched(self, lines: Iterable[Line]) -> Iterator[Line]:
        for line in lines:
            if line.seq != (self.last.seq if self.last else 0) + 1:
                self.after_gap_ms = line.at_ms
            self.last = line
            yield line
