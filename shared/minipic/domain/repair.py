"""Lines for those that were lost: what the account and the lines around a gap say of them, and a reason for the rest.

Credits that the account still shows are restored as they were. The other lines of a gap are told by the balances on
both sides (draws from packs) and by the account's counts of the month (images from the plan, sandbox calls). Which
request each was is lost. Of months whose counts were pruned, the free images left on both sides say what was drawn.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from minipic.domain.account import Account, Pack, Source
from minipic.domain.gaps import Gap, Irreparable, Survey, survey
from minipic.domain.ledger import PLAN, REPAIR, Line
from minipic.domain.metering import month_of
from minipic.domain.shares import Part, parts_of_gaps

MAX_TRIES = 100


def missing_lines(account: Account, lines: Iterable[Line], reason: str) -> list[Line]:
    """Return lines for all those that are missing among the account's ``lines``, in order; Irreparable."""
    found = survey(account, lines)
    why: Irreparable | None = None
    for placed in itertools.islice(_placements(found), MAX_TRIES):
        try:
            parts = parts_of_gaps(account, found, placed)
        except Irreparable as error:
            why = error
            continue
        fillers = [_Filler(found, number, placed, reason) for number in range(len(found.gaps))]
        made = [line for filler in fillers for line in filler.fill(parts)]
        return [*made, found.last] if found.last else made
    raise why or Irreparable("the balances around the gaps do not go together with the account's packs")


def _placements(found: Survey) -> Iterator[tuple[Sequence[Pack], ...]]:
    """Yield the ways in which the lost packs may stand in the gaps, the likeliest by their times first."""
    gaps, lost = found.gaps, found.lost_packs
    possible: dict[tuple[int, int], bool] = {}

    def choices(number: int, used: int) -> list[int]:
        """Return up to which pack this gap may reach, if those before it have used so many."""
        by_time = sum(pack.purchased_ms <= gaps[number].after.at_ms for pack in lost)
        fitting = [end for end in range(used, len(lost) + 1) if _fits(found, gaps[number], used, end)]
        return sorted((end for end in fitting if leads_on(number + 1, end)), key=lambda end: abs(end - by_time))

    def leads_on(number: int, used: int) -> bool:
        if number == len(gaps):
            return used == len(lost)
        if (number, used) not in possible:
            possible[number, used] = bool(choices(number, used))
        return possible[number, used]

    def ways(number: int, used: int) -> Iterator[tuple[Sequence[Pack], ...]]:
        if number == len(gaps):
            yield ()
            return
        for end in choices(number, used):
            for rest in ways(number + 1, end):
                yield lost[used:end], *rest

    if leads_on(0, 0):
        yield from ways(0, 0)


def _fits(found: Survey, gap: Gap, used: int, end: int) -> bool:
    """Tell whether the gap may hold these packs' lines: by number, order, months and balances, and draws after it."""
    lost, packs = found.lost_packs, found.lost_packs[used:end]
    if not all(gap.pack_before < found.pack_numbers[pack.id] < gap.pack_after for pack in packs):
        return False
    if len(packs) > gap.size or any(month_of(pack.purchased_ms) > gap.after.month for pack in packs):
        return False
    bought = gap.bought_before + sum(max(0, pack.size) for pack in lost[:used])
    for pack in packs:
        bought += max(0, pack.size)
        if pack.end != bought:
            return False
    return gap.bought_low <= bought <= gap.bought_high and 0 <= gap.draws(packs) <= gap.size - len(packs)


@dataclass(slots=True)
class _Filler:
    """Writes the lines of one gap."""

    found: Survey
    number: int
    placed: Sequence[Sequence[Pack]]
    reason: str
    seq: int = field(init=False)
    credits: int = field(init=False)
    drawn: int = field(init=False)
    free: int = field(init=False)

    def __post_init__(self) -> None:
        gap = self.found.gaps[self.number]
        restored = sum(max(0, pack.size) for packs in self.placed[: self.number] for pack in packs)
        self.seq, self.credits, self.free = gap.before.seq, gap.before.credits_remaining, gap.before.free_remaining
        self.drawn = gap.bought_before + restored - self.credits

    def fill(self, parts: Sequence[Sequence[Part]]) -> Iterator[Line]:
        """Yield the gap's lines. Draws from packs come last in a month, as they do when no limit is changed."""
        gap = self.found.gaps[self.number]
        for part in parts[self.number]:
            at_ms = _time_in(part.month, gap)
            for pack in part.packs:
                self.drawn += max(0, -pack.size)
                kind = Source.PURCHASE if pack.size > 0 else Source.CORRECTION
                yield self._line(part.month, pack.purchased_ms, str(kind), drawn_from=pack.id, credits=pack.size)
            for _ in range(part.plan):
                self.free = max(0, self.free - 1)
                yield self._line(part.month, at_ms, drawn_from=PLAN, images=1)
            for _ in range(part.sandbox):
                yield self._line(part.month, at_ms)
            for _ in range(part.draws):
                self.drawn, self.free = self.drawn + 1, 0
                yield self._line(part.month, at_ms, drawn_from=self.found.source_of(self.drawn), images=1, drawn=1)

    def _line(
        self,
        month: int,
        at_ms: int,
        operation: str = REPAIR,
        *,
        drawn_from: str = "",
        images: int = 0,
        credits: int = 0,
        drawn: int = 0,
    ) -> Line:
        self.seq, self.credits = self.seq + 1, self.credits + credits - drawn
        return Line(
            seq=self.seq,
            at_ms=at_ms,
            month=month,
            operation=operation,
            key_id="",
            key_name="",
            result_id="",
            bytes_in=0,
            bytes_out=0,
            images=images,
            drawn_from=drawn_from,
            free_remaining=self.free,
            credits_remaining=self.credits,
            credits=credits,
            reason=self.reason,
        )


def _time_in(month: int, gap: Gap) -> int:
    """Return a time in the month, of one of the lines around the gap if there is such a one."""
    for line in (gap.before, gap.after):
        if month_of(line.at_ms) == month:
            return line.at_ms
    year, number = divmod(month, 100)
    return int(datetime(year, number, 1, tzinfo=UTC).timestamp() * 1000)
