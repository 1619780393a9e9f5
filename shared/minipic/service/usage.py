"""GET /v1/usage, /v1/ledger and /keys/{key}: where an account stands."""

from dataclasses import dataclass

from minipic.domain.account import Account, Plan
from minipic.domain.ledger import Line, MonthSums
from minipic.domain.metering import month_of
from minipic.service import Caller, Services
from minipic.service.access import confirm

PAGE_LINES = 1000


@dataclass(frozen=True, slots=True)
class Usage:
    """An account in its current month."""

    account: Account
    plan: Plan
    month: int
    sums: MonthSums


def usage(services: Services, caller: Caller) -> Usage:
    """Return where the caller's account stands now."""
    account = confirm(services, caller)
    month = max(account.month, month_of(services.now_ms()))
    return Usage(account, services.plans.of(account), month, services.ledger.sums(account.id, month))


def ledger_page(services: Services, caller: Caller, month: int | None, after_seq: int) -> list[Line]:
    """Return up to a page of a month's lines after ``after_seq``; the current month when none is named."""
    account = confirm(services, caller)
    chosen = month if month is not None else max(account.month, month_of(services.now_ms()))
    return services.ledger.lines(account.id, chosen, after_seq, PAGE_LINES)
