"""Which months' lines a gap has lost, and of what kind: every month's counts are used up, exactly."""

from collections.abc import Sequence
from dataclasses import dataclass

from minipic.domain.account import Account, Pack
from minipic.domain.audit import Tally
from minipic.domain.gaps import Gap, Irreparable, Survey
from minipic.domain.ledger import PLAN
from minipic.domain.metering import month_of


@dataclass(slots=True)
class Part:
    """What a gap has lost of one month."""

    month: int
    packs: Sequence[Pack] = ()
    plan: int = 0
    sandbox: int = 0
    draws: int = 0


@dataclass(slots=True)
class _Left:
    """What the account counts in a month beyond the lines that there are."""

    plan: int
    sandbox: int
    draws: int

    def take(self, part: Part) -> None:
        self.plan -= part.plan
        self.sandbox -= part.sandbox
        self.draws -= part.draws
        if min(self.plan, self.sandbox, self.draws) < 0:
            raise Irreparable(f"in {part.month} more is missing than the account has counted")


def parts_of_gaps(account: Account, found: Survey, placed: Sequence[Sequence[Pack]]) -> list[list[Part]]:
    """Return what each gap has lost of each month, so that every month's counts are used up exactly.

    It goes from the newest gap to the oldest, because counts are known of the newest months. Where a gap ends in a
    later month than it began, it is the oldest of that month, and has all that the others have left.
    """
    left = _left_by_month(account, found)
    parts: list[list[Part]] = []
    for gap, packs in zip(reversed(found.gaps), reversed(placed), strict=True):
        parts.insert(0, _parts_of(gap, packs, left))
    if any((month.plan, month.sandbox, month.draws) != (0, 0, 0) for month in left.values()):
        raise Irreparable("the account has counted more than is missing")
    return parts


def _left_by_month(account: Account, found: Survey) -> dict[int, _Left]:
    known = account.images.keys() | account.free_used.keys() | account.sandbox_used.keys()
    left = {}
    for month in known | {month for month in found.tallies if known and month >= min(known)}:
        there, plan = found.tallies.get(month, Tally()), account.free_used.get(month, 0)
        left[month] = _Left(
            plan - there.plan_draws,
            account.sandbox_used.get(month, 0) - there.sandbox,
            account.images.get(month, 0) - plan - there.credit_draws,
        )
    return left


def _parts_of(gap: Gap, packs: Sequence[Pack], left: dict[int, _Left]) -> list[Part]:
    first, last = gap.before.month, gap.after.month
    by_month: dict[int, list[Pack]] = {}
    month = first
    for pack in packs:
        month = max(month, month_of(pack.purchased_ms))
        by_month.setdefault(month, []).append(pack)
    slots, draws = gap.size - len(packs), gap.draws(packs)
    parts = []
    for month in sorted({*by_month, *left, last}, reverse=True):
        if not first < month <= last:
            continue
        part = Part(month, by_month.pop(month, []))
        if month in left:
            part.plan, part.sandbox, part.draws = left[month].plan, left[month].sandbox, left[month].draws
            left[month].take(part)
        elif month == last:  # its counts are pruned, and so are those of all months before it
            part.plan, part.draws = slots - draws, draws
        slots, draws = slots - part.plan - part.sandbox - part.draws, draws - part.draws
        parts.append(part)
    part = Part(first, by_month.pop(first, []), draws=draws)
    part.plan = _from_plan(gap, slots - draws, left.get(first))
    part.sandbox = slots - draws - part.plan
    if min(part.draws, part.plan, part.sandbox) < 0:
        raise Irreparable(f"after line {gap.before.seq} fewer lines are missing than the account has counted")
    if first in left:
        left[first].take(part)
    return [part, *reversed(parts)]


def _from_plan(gap: Gap, slots: int, left: _Left | None) -> int:
    """Return how many images came from the plan, as near to what the free images left on both sides say as can be."""
    said = slots
    if gap.before.month == gap.after.month:
        in_line = 1 if gap.after.drawn_from == PLAN else 0
        said = gap.before.free_remaining - gap.after.free_remaining - in_line
    low, high = (0, slots) if left is None else (max(0, slots - left.sandbox), min(slots, left.plan))
    return min(max(said, low), high)
