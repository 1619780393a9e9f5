"""GET /api/v1/usage and /api/v1/stats: what an account did in the last twelve months."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from minipic.domain.account import Account
from minipic.domain.ledger import MonthSums
from minipic.domain.metering import month_of, months_until
from minipic.service import Caller, Services
from minipic.service.access import confirm

TREND_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Stats:
    """An account over twelve months, oldest first; the last one is the current.

    ``sums`` has the months in which an image was billed. Where the ledger follows the account by a moment, they lack
    the newest images; ``account.images`` never does.
    """

    account: Account
    months: tuple[int, ...]
    sums: Mapping[int, MonthSums]

    @property
    def month(self) -> int:
        """The current month."""
        return self.months[-1]

    @property
    def total(self) -> MonthSums:
        """The sums of all the months together."""
        operations: Counter[str] = Counter()
        formats: Counter[str] = Counter()
        for sums in self.sums.values():
            operations.update(sums.images)
            formats.update(sums.formats)
        return MonthSums(
            images=dict(operations),
            bytes_in=sum(sums.bytes_in for sums in self.sums.values()),
            bytes_out=sum(sums.bytes_out for sums in self.sums.values()),
            formats=dict(formats),
        )


def stats(services: Services, caller: Caller) -> Stats:
    """Return the caller's last twelve months, by one read of the account and one of the ledger."""
    account = confirm(services, caller)
    months = months_until(max(account.month, month_of(services.now_ms())), TREND_MONTHS)
    return Stats(account, tuple(months), services.ledger.sums_between(account.id, months[0], months[-1]))
