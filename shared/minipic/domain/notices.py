"""Notices: an account's owner is told, once for each time, that fewer images are left than a number of theirs.

A *crossing* is a step of the account before which the balance was not low and after which it is. Steps follow each
other, so each crossing is in exactly one of them; whoever sees a step before and after can tell, and nobody counts.
"""

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from minipic.domain.account import Account
from minipic.domain.credits import is_low

LOW_BALANCE = "balance.low"
MAX_LOW_BALANCE = 10**12
_MINUTE_MS = 60_000
# The pauses between one try and the next: nine tries within a day.
WAITS_MS = tuple(minutes * _MINUTE_MS for minutes in (1, 5, 30, 120, 240, 300, 360, 360))
MAX_TRIES = len(WAITS_MS) + 1


class NotDelivered(Exception):
    """The other side did not take a notice. Its text is fit for a log: nothing in it comes from the other side."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an account's owner is told, and what the messages are signed with; neither is for a log."""

    url: str = field(repr=False)
    secret: str = field(repr=False)

    @property
    def host(self) -> str:
        """The host alone: user name, path and query may be secret."""
        return urlsplit(self.url).hostname or ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told of one crossing. ``tries`` counts those begun; the next is due at ``due_ms``."""

    id: str
    account_id: str
    account_name: str
    at_ms: int
    threshold: int
    free_remaining: int
    credits_remaining: int
    due_ms: int = 0
    tries: int = 0

    def tried(self, now_ms: int) -> "Notice":
        """Return the notice as it is once a try has begun: due again later, however the try ends."""
        wait_ms = WAITS_MS[min(self.tries, len(WAITS_MS) - 1)]
        return replace(self, tries=self.tries + 1, due_ms=now_ms + wait_ms)

    def body(self) -> bytes:
        """Return the message, the same at every try."""
        at = datetime.fromtimestamp(self.at_ms // 1000, UTC)
        message = {
            "type": LOW_BALANCE,
            "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "data": {
                "account": self.account_id,
                "name": self.account_name,
                "threshold": self.threshold,
                "remaining": self.free_remaining + self.credits_remaining,
                "free_remaining": self.free_remaining,
                "credits_remaining": self.credits_remaining,
            },
        }
        return json.dumps(message, separators=(",", ":")).encode()


def notice_of(before: Account, after: Account, now_ms: int) -> Notice | None:
    """Return the notice of a step that is a crossing, else None; the same step always gives the same notice.

    A step that makes a line of the ledger happened when its entry says; ``now_ms`` is the time of any other.
    """
    if is_low(before) or not is_low(after):
        return None
    entry = after.entry if after.seq != before.seq else None
    at_ms = now_ms if entry is None else entry.at_ms
    free_used = after.free_used.get(after.month, 0)
    # The counters alone could come back: an operator may lower a limit, raise it and lower it again.
    balance = (after.low_balance, after.free_limit, free_used, after.credits_bought, after.credits_drawn)
    step = json.dumps([after.id, after.seq, at_ms, *balance])
    return Notice(
        id=f"msg_{hashlib.sha256(step.encode()).hexdigest()[:32]}",
        account_id=after.id,
        account_name=after.name,
        at_ms=at_ms,
        threshold=after.low_balance,
        free_remaining=max(0, after.free_limit - free_used),
        credits_remaining=after.credits_bought - after.credits_drawn,
    )
