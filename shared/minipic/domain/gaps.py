"""Gaps in a ledger: where lines are missing, and between what."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from minipic.domain.account import Account, Pack, Source
from minipic.domain.audit import Tally
from minipic.domain.ledger import PLAN, Line, latest_line
from minipic.domain.metering import month_of


class Irreparable(ValueError):
    """What is missing cannot be told from what is there."""


@dataclass(slots=True)
class Gap:
    """Lines that are missing between two that are there.

    ``bought_before`` is what the lines up to the gap have added; ``bought_low`` to ``bought_high`` is what all lines
    up to the gap's end must have, so that the draws after it belong to the packs that they name. The account's packs
    whose lines are there stand around it: number ``pack_before`` and, of those after it, ``pack_after``.
    """

    before: Line
    after: Line
    bought_before: int
    pack_before: int
    pack_after: int
    bought_low: float = -math.inf
    bought_high: float = math.inf

    @property
    def size(self) -> int:
        """How many lines are missing."""
        return self.after.seq - self.before.seq - 1

    @property
    def balance_change(self) -> int:
        """How many credits more there are at the gap's end."""
        drawn = 1 if self.after.images and self.after.drawn_from != PLAN else 0
        return self.after.credits_remaining - self.after.credits + drawn - self.before.credits_remaining

    def draws(self, packs: Sequence[Pack]) -> int:
        """Return how many images were drawn from packs in the gap, if it has lost these packs' lines."""
        return sum(pack.size for pack in packs) - self.balance_change


class Survey:
    """What a ledger with gaps holds: its ``gaps``, its months' lines counted, and which packs have no line.

    ``ends`` are the packs that may be drawn from; ``last`` is the account's own memory of its last line, if that is
    missing too.
    """

    def __init__(self, account: Account) -> None:
        self.tallies: dict[int, Tally] = {}
        self.gaps: list[Gap] = []
        self.ends = {pack.id: pack.end for pack in account.packs if pack.size > 0}
        self.lost_packs: list[Pack] = []
        self.last: Line | None = None
        self.pack_numbers = {pack.id: number for number, pack in enumerate(account.packs)}
        self._packs = account.packs
        self._references: set[str] = set()
        self._pack_number = -1
        self._before = _beginning(account)
        self._bought = self._forgotten = 0

    def source_of(self, draw: int) -> str:
        """Return the pack that a draw belongs to."""
        ends = [(end, pack_id) for pack_id, end in self.ends.items() if end >= draw]
        if not ends:
            raise Irreparable(f"the pack of draw {draw} is neither in the lines nor on the account")
        return min(ends)[1]

    def take(self, line: Line) -> None:
        """Look at one more line."""
        before, self._before = self._before, line
        if line.month < before.month or line.seq <= before.seq:
            raise Irreparable(f"line {line.seq} of {line.month} comes after line {before.seq} of {before.month}")
        if line.seq > before.seq + 1:
            self.gaps.append(self._gap(before, line))
        self.tallies.setdefault(line.month, Tally()).add(line)
        if line.credits:
            self._bought += max(0, line.credits)
            self._references.add(line.drawn_from)
            self._pack_number = self.pack_numbers.get(line.drawn_from, self._pack_number)
            if line.drawn_from not in self.pack_numbers and line.credits > 0:
                self._forgotten += line.credits
                self.ends[line.drawn_from] = self._forgotten
        if self.gaps:
            self._narrow(self.gaps[-1], line)

    def _gap(self, before: Line, after: Line) -> Gap:
        return Gap(_known_before(before, after), after, self._bought, self._pack_number, len(self._packs))

    def finish(self, account: Account) -> None:
        """Look at what the lines, all taken, lack."""
        if self._before.seq < account.seq:
            self.last = self._last_line(account)
            self.take(self.last)
        first = account.packs[0].end - max(0, account.packs[0].size) if account.packs else account.credits_bought
        if self._forgotten != first:
            raise Irreparable("lines of credits are missing which the account does not show any longer")
        self.lost_packs = [pack for pack in account.packs if pack.id not in self._references]
        there = [number for pack_id, number in self.pack_numbers.items() if pack_id in self._references]
        for gap in self.gaps:
            gap.pack_after = min((number for number in there if number > gap.pack_before), default=len(account.packs))

    def _last_line(self, account: Account) -> Line:
        """Return the account's last line, which the account itself remembers in full."""
        line = latest_line(account)
        if line is None or account.entry is None:
            raise Irreparable("the account does not remember its last step")
        if account.entry.source is not Source.CREDIT:
            return line
        # Since then the pack may have been pruned and the plan changed.
        return replace(line, drawn_from=self.source_of(account.credits_drawn), free_remaining=0)

    def _narrow(self, gap: Gap, line: Line) -> None:
        """Let a line after the gap say how many credits were added up to the gap's end."""
        since = self._bought - gap.bought_before
        low, high = gap.bought_low, gap.bought_high
        if line.credits and line.drawn_from in self.pack_numbers:
            low = high = self._packs[self.pack_numbers[line.drawn_from]].end - since
        elif line.images and line.drawn_from in self.ends:
            # Draw number d is one of this pack's, and d is what was added less what is left.
            end = self.ends[line.drawn_from]
            begin = max((other for other in self.ends.values() if other < end), default=0)
            low, high = line.credits_remaining + begin + 1 - since, line.credits_remaining + end - since
        gap.bought_low, gap.bought_high = max(gap.bought_low, low), min(gap.bought_high, high)


def survey(account: Account, lines: Iterable[Line]) -> Survey:
    """Return what is missing of the account's lines; ``lines`` are those that there are, in order."""
    found = Survey(account)
    for line in lines:
        if line.seq > account.seq:
            break
        found.take(line)
    found.finish(account)
    return found


def _beginning(account: Account) -> Line:
    """Return what stands before the first line: an account that was just made."""
    return Line(
        seq=0,
        at_ms=account.created_ms,
        month=0,
        operation="",
        key_id="",
        key_name="",
        result_id="",
        bytes_in=0,
        bytes_out=0,
        images=0,
        drawn_from="",
        free_remaining=account.free_limit,
        credits_remaining=0,
    )


def _known_before(before: Line, after: Line) -> Line:
    if before.seq:
        return before
    # Lines that are lost from the beginning may be of any month since the account was made.
    created = month_of(before.at_ms)
    return replace(before, month=min(created, after.month))
