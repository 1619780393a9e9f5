"""The audit: an account's whole ledger, replayed line by line, against what the account says of itself.

What is compared: numbers without a gap, months, the kind of every line, the balance after it, which pack a draw belongs
to, the counts of the months that the account still has, its packs, and the sums of the months. What nothing else tells
is believed: of which key and which result a line is, its time within the month, the free images that were left, a
reason's words, what a sandbox call did, and the reference of credits that are used up, pruned and never drawn from.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from minipic.domain.account import Account, Source
from minipic.domain.ledger import PLAN, REPAIR, Line, MonthSums, latest_line
from minipic.domain.metering import month_of

_CREDIT_OPERATIONS = (str(Source.PURCHASE), str(Source.CORRECTION))
_NO_MONTH = 0
Fault = tuple[str, str]  # what is expected, and what is there


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """What does not add up first. ``seq`` is the line's number, 0 when it is no single line's."""

    seq: int
    expected: str
    found: str


@dataclass(slots=True)
class Tally:
    """A month's lines, counted."""

    plan_draws: int = 0
    credit_draws: int = 0
    sandbox: int = 0
    images: Counter[str] = field(default_factory=Counter)
    bytes_in: int = 0
    bytes_out: int = 0
    formats: Counter[str] = field(default_factory=Counter)

    @property
    def billed(self) -> int:
        """Every line that is an image."""
        return self.plan_draws + self.credit_draws

    def add(self, line: Line) -> None:
        """Count one more line."""
        if line.images:
            self.images[line.operation] += 1
            self.bytes_in += line.bytes_in
            self.bytes_out += line.bytes_out
            if line.format:
                self.formats[line.format] += 1
            if line.drawn_from == PLAN:
                self.plan_draws += 1
            else:
                self.credit_draws += 1
        elif not line.credits:
            self.sandbox += 1

    def sums(self) -> MonthSums:
        """Return the sums that the lines make."""
        return MonthSums(dict(self.images), self.bytes_in, self.bytes_out, dict(self.formats))


def audit(account: Account, lines: Iterable[Line], sums: Mapping[int, MonthSums]) -> Discrepancy | None:
    """Return the first discrepancy, or None when everything adds up.

    The account may go on being charged meanwhile, as long as it is read first, then ``sums``, then ``lines``: lines
    above the account's ``seq`` are taken for what sums may hold already, and for nothing else.
    """
    replay = _Replay(account)
    rest = iter(lines)
    while replay.seq < account.seq:
        line = next(rest, None)
        if line is None:
            return Discrepancy(replay.seq + 1, f"lines up to {account.seq}", f"lines up to {replay.seq}")
        fault = next(replay.faults(line), None)
        if fault is not None:
            return Discrepancy(line.seq, *fault)
        replay.take(line)
    fault = next(replay.final_faults(), None) or next(_faults_of_sums(replay, rest, sums), None)
    return None if fault is None else Discrepancy(0, *fault)


class _Replay:
    """Where the lines lead, one after the other, and what is wrong with the next."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.tallies: dict[int, Tally] = {}
        self.seq = self.month = self.bought = self.drawn = 0
        self._state_packs = {pack.id: pack for pack in account.packs}
        self._sources: deque[tuple[str, int]] = deque()  # packs that may be drawn from, each with its end
        self._references: set[str] = set()
        self._newest_reference = ""
        self._last: Line | None = None

    def take(self, line: Line) -> None:
        """Go on to the state after this line."""
        self.seq, self.month, self._last = line.seq, line.month, line
        if line.month not in self.tallies:
            self.tallies[line.month] = Tally()
        self.tallies[line.month].add(line)
        if line.credits:
            self.bought += max(0, line.credits)
            self.drawn += max(0, -line.credits)
            self._references.add(line.drawn_from)
            self._newest_reference = line.drawn_from
            if line.credits > 0:
                self._sources.append((line.drawn_from, self.bought))
        elif line.images and line.drawn_from != PLAN:
            self.drawn += 1

    def faults(self, line: Line) -> Iterator[Fault]:
        """Yield what is wrong with a line that comes next."""
        if line.seq != self.seq + 1:
            yield f"line {self.seq + 1}", f"line {line.seq}"
        month = max(self.month, _month_of(line.at_ms))
        if line.month != month:
            yield f"month {month}, which follows from the times of the lines so far", f"month {line.month}"
        if line.credits:
            yield from self._faults_of_credits(line)
        elif line.images:
            yield from self._faults_of_an_image(line)
        elif line.images == 0 and line.drawn_from:
            yield "a line without an image, drawn from nothing", f"drawn from {line.drawn_from!r}"
        if not line.credits:
            yield from _faults_of_an_operation(line)
        drawn = 1 if line.images and line.drawn_from != PLAN else 0
        left = self.bought - self.drawn + line.credits - drawn
        if line.credits_remaining != left:
            yield f"{left} credits left after the line", f"{line.credits_remaining}"
        if min(line.credits_remaining, line.free_remaining, line.bytes_in, line.bytes_out) < 0:
            yield "no number below zero, but for credits that are taken away", f"{line}"

    def _faults_of_credits(self, line: Line) -> Iterator[Fault]:
        if line.operation not in (_CREDIT_OPERATIONS if line.credits > 0 else _CREDIT_OPERATIONS[1:]):
            yield f"{line.credits} credits as a purchase or a correction", f"operation {line.operation!r}"
        if line.operation == Source.CORRECTION and not line.reason:
            yield "a correction with a reason", "none"
        if line.images or line.bytes_in or line.bytes_out or line.format:
            yield "credits without an image", f"{line}"
        if line.drawn_from in ("", PLAN) or line.drawn_from in self._references:
            yield "credits under a reference of their own", f"reference {line.drawn_from!r}"
        end = self.bought + max(0, line.credits)
        pack = self._state_packs.get(line.drawn_from)
        if pack is None:
            if end > self.account.credits_drawn:
                yield f"the pack {line.drawn_from!r} on the account, because it is not used up", "no such pack"
        elif (pack.size, pack.end, pack.purchased_ms) != (line.credits, end, line.at_ms):
            yield (
                f"the pack {pack.id!r} with {pack.size} credits, up to draw {pack.end}, of {pack.purchased_ms}",
                f"{line.credits} credits, up to draw {end}, of {line.at_ms}",
            )

    def _faults_of_an_image(self, line: Line) -> Iterator[Fault]:
        if line.images != 1 or not line.drawn_from:
            yield "one image, drawn from the plan or a pack", f"{line.images} images, drawn from {line.drawn_from!r}"
        if line.drawn_from == PLAN:
            return
        if line.free_remaining:
            yield "a draw from the plan while it has free images", f"a draw from {line.drawn_from!r}"
        while self._sources and self._sources[0][1] <= self.drawn:
            self._sources.popleft()
        expected = self._sources[0][0] if self._sources else None
        if line.drawn_from != expected:
            yield f"draw {self.drawn + 1} from the pack {expected!r}", f"a draw from {line.drawn_from!r}"

    def final_faults(self) -> Iterator[Fault]:
        """Yield what the lines, all taken, do not have in common with the account."""
        account = self.account
        if self.month != account.month:
            yield f"{account.month} as the month of the last line", f"{self.month}"
        if (self.bought, self.drawn) != (account.credits_bought, account.credits_drawn):
            yield (
                f"{account.credits_bought} credits added and {account.credits_drawn} drawn, as the account says",
                f"{self.bought} and {self.drawn} in the lines",
            )
        missing = [pack.id for pack in account.packs if pack.id not in self._references]
        if missing:
            yield f"a line for each of the account's packs, such as {missing[0]!r}", "none"
        if self._newest_reference != (account.packs[-1].id if account.packs else ""):
            yield f"{self._newest_reference!r} as the newest of the account's packs", "another, or none"
        yield from self._faults_of_months()
        latest = latest_line(account)
        if latest is not None and self._last is not None and not _is_same_step(latest, self._last):
            yield f"as the last line {latest}", f"{self._last}"

    def _faults_of_months(self) -> Iterator[Fault]:
        # Old months are pruned. The oldest one that is there says which are not: a month that is newer has no lines.
        account = self.account
        known = account.images.keys() | account.free_used.keys() | account.sandbox_used.keys()
        first = min(known, default=_NO_MONTH)
        for month in sorted(known | {month for month in self.tallies if known and month >= first}):
            tally = self.tallies.get(month, Tally())
            for what, counted, said in (
                ("images", tally.billed, account.images.get(month, 0)),
                ("images from the plan", tally.plan_draws, account.free_used.get(month, 0)),
                ("sandbox calls", tally.sandbox, account.sandbox_used.get(month, 0)),
            ):
                if counted != said:
                    yield f"{said} {what} in {month}, as the account says", f"{counted} in the lines"


def _month_of(at_ms: int) -> int:
    try:
        return month_of(at_ms)
    except (ValueError, OverflowError, OSError):  # a time that is none
        return -1


def _is_same_step(latest: Line, line: Line) -> bool:
    """Tell whether a line stands for the account's last step; what the account has changed since is left out.

    A line may lack the format: while the service is updated, an older part of it may write the line.
    """
    expected = replace(latest, key_name=line.key_name, free_remaining=line.free_remaining, drawn_from=line.drawn_from)
    return line == (expected if line.format else replace(expected, format=""))


def _faults_of_an_operation(line: Line) -> Iterator[Fault]:
    if not line.operation or line.operation in _CREDIT_OPERATIONS:
        yield "the operation of a request", f"operation {line.operation!r} without credits"
    if bool(line.reason) is not (line.operation == REPAIR):
        yield "a reason where a line was repaired, and only there", f"{line.operation!r} with reason {line.reason!r}"


def _faults_of_sums(replay: _Replay, rest: Iterator[Line], sums: Mapping[int, MonthSums]) -> Iterator[Fault]:
    tallies, last_seq = replay.tallies, replay.seq

    def is_behind(month: int) -> bool:
        return tallies.get(month, Tally()).billed < sum(sums[month].images.values())

    behind = {month for month in sums if is_behind(month)}
    for line in rest:
        if line.seq <= last_seq:
            yield f"line {last_seq + 1} or none", f"line {line.seq}"
        last_seq = line.seq
        if line.month in behind:
            tallies.setdefault(line.month, Tally()).add(line)
            behind = {month for month in behind if is_behind(month)}
        if not behind:
            break
    for month in sorted(tallies.keys() | sums.keys()):
        counted, summed = tallies.get(month, Tally()).sums(), sums.get(month, MonthSums())
        if counted != summed:
            yield f"{counted} as the sums of {month}", f"{summed}"
