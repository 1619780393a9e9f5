"""The ledger: one immutable line for each seq of an account, derived from the account as it stood right after."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from minipic.domain.account import Account, Source

PLAN = "plan"  # what a free image is drawn from; no pack may be named so
REPAIR = "repair"  # the operation of a line that stands for one that was lost


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``images`` is 1 for a billed image and 0 for a sandbox call, a purchase or a correction.

    ``drawn_from`` is ``plan``, a pack's id, or empty; the two ``…_remaining`` are the balances after the line.
    ``credits`` is what a purchase or a correction added, negative for what it took away. A correction has a ``reason``,
    and so has a line that was repaired: its ``operation`` is ``repair``, unless it is of credits. ``format`` is the
    input's, empty where it is unknown: in repaired lines, and in those from before it was kept.
    """

    seq: int
    at_ms: int
    month: int
    operation: str
    key_id: str
    key_name: str
    result_id: str
    bytes_in: int
    bytes_out: int
    images: int
    drawn_from: str
    free_remaining: int
    credits_remaining: int
    credits: int = 0
    reason: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class MonthSums:
    """What an account's lines of one month add up to. ``images`` counts by operation; bytes are of billed images.

    ``formats`` counts billed images by their input's format. Lines without one count nowhere there, so it may add up to
    less than ``images``, and the sums of months from before it was kept are what their lines say.
    """

    images: Mapping[str, int] = field(default_factory=dict)
    bytes_in: int = 0
    bytes_out: int = 0
    formats: Mapping[str, int] = field(default_factory=dict)

    def plus(self, line: Line) -> "MonthSums":
        """Return the sums with one more line; a line without an image changes nothing."""
        if line.images == 0:
            return self
        formats = {line.format: self.formats.get(line.format, 0) + line.images} if line.format else {}
        return MonthSums(
            images={**self.images, line.operation: self.images.get(line.operation, 0) + line.images},
            bytes_in=self.bytes_in + line.bytes_in,
            bytes_out=self.bytes_out + line.bytes_out,
            formats={**self.formats, **formats},
        )


def pack_of_draw(account: Account, draw: int) -> str:
    """Return the id of the pack that draw number ``draw`` (from 1) belongs to."""
    return next((pack.id for pack in account.packs if pack.size > 0 and pack.end >= draw), "")


def latest_line(account: Account) -> Line | None:
    """Return the line that the account's last settle or grant stands for, or None before the first."""
    entry = account.entry
    if entry is None:
        return None
    drawn_from = {
        Source.FREE: PLAN,
        Source.CREDIT: pack_of_draw(account, account.credits_drawn),
        Source.SANDBOX: "",
        Source.PURCHASE: entry.pack_id,
        Source.CORRECTION: entry.pack_id,
    }[entry.source]
    key = account.keys.get(entry.key_id)
    return Line(
        seq=account.seq,
        at_ms=entry.at_ms,
        month=entry.month,
        operation=entry.operation,
        key_id=entry.key_id,
        key_name=key.name if key else "",
        result_id=entry.result_id,
        bytes_in=entry.bytes_in,
        bytes_out=entry.bytes_out,
        images=1 if entry.source in (Source.FREE, Source.CREDIT) else 0,
        drawn_from=drawn_from,
        free_remaining=max(0, account.free_limit - account.free_used.get(entry.month, 0)),
        credits_remaining=account.credits_bought - account.credits_drawn,
        credits=entry.credits,
        reason=entry.reason,
        format=entry.format,
    )
