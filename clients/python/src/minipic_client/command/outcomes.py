"""What came of each image, and what the whole run is worth as an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path

from minipic_client.command.items import Item
from minipic_client.errors import KeyRefused, LimitReached, MinipicError, ServiceError


class Exit(IntEnum):
    """The exit codes; docs/command-line.md lists them."""

    DONE = 0
    CAN_SHRINK = 1
    USAGE = 2
    FAILED = 3
    KEY = 4
    LIMIT = 5
    SERVICE = 6
    INTERRUPTED = 130
    TERMINATED = 143


class Status(str, Enum):
    """What came of an image."""

    COMPRESSED = "compressed"
    KEPT = "kept"  # sent, and there was not enough to gain
    KNOWN = "known"  # an earlier run did it: nothing was sent
    CAN_SHRINK = "can shrink"
    PLANNED = "would be sent"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@dataclass(frozen=True)
class Policy:
    """When a result is worth writing."""

    skip_if_larger: bool = True
    min_savings_percent: float = 0.0
    check_percent: float | None = None

    def is_worth_it(self, before: int, after: int, *, on_purpose: bool) -> bool:
        """Tell whether a result replaces the original, in bytes; ``on_purpose``: a new format or size was asked for."""
        if self.min_savings_percent:
            return saved_percent(before, after) >= self.min_savings_percent and after < before
        return after < before or on_purpose or not self.skip_if_larger


@dataclass(frozen=True)
class Outcome:
    """What came of one image; sizes in bytes, None where they are not known."""

    item: Item
    status: Status
    before: int | None = None
    after: int | None = None
    target: Path | None = None
    note: str = ""
    score: float | None = None
    error: MinipicError | None = None
    images_left: int | None = None
    ends_the_run: bool = False  # no further result could be written


def saved_percent(before: int, after: int) -> float:
    """Return how much smaller something got; below 0 where it grew."""
    return 100 * (before - after) / before if before else 0.0


def failed(item: Item, note: str, error: MinipicError | None = None, before: int | None = None) -> Outcome:
    """Return the outcome of an image that came to nothing."""
    return Outcome(item, Status.FAILED, before, note=note, error=error)


def ends_the_run(error: MinipicError | None) -> bool:
    """Tell whether no further image has a chance: the key is refused, the month's images are used, nobody answers."""
    return error is not None and exit_for(error) != Exit.FAILED


def exit_for(error: MinipicError) -> Exit:
    """Return the exit code that an error stands for."""
    if isinstance(error, KeyRefused):
        return Exit.KEY
    if isinstance(error, LimitReached):
        return Exit.LIMIT
    is_of_one_image = isinstance(error, ServiceError) and error.status not in {429, 503, 404}
    return Exit.FAILED if is_of_one_image else Exit.SERVICE


def exit_code(outcomes: Sequence[Outcome]) -> Exit:
    """Return the run's exit code: the gravest of its errors, else whether something can shrink."""
    codes = [exit_for(outcome.error) for outcome in outcomes if outcome.error]
    for grave in (Exit.KEY, Exit.LIMIT, Exit.SERVICE):
        if grave in codes:
            return grave
    if any(outcome.status in {Status.FAILED, Status.NOT_TRIED} for outcome in outcomes):
        return Exit.FAILED
    return Exit.CAN_SHRINK if any(outcome.status is Status.CAN_SHRINK for outcome in outcomes) else Exit.DONE
