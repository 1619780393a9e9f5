"""What has to be done now and then, whether or not a request comes."""

import logging
from typing import Protocol

from minipic.domain.account import Account
from minipic.service import Services

BEHIND_MESSAGE = "LEDGER_BEHIND account=%s complete_to=%d seq=%d"  # an alarm counts this word
# Five minutes, less what a schedule of five minutes may come early.
BEHIND_AFTER_MS = 290_000

log = logging.getLogger("minipic.ledger")


class Sightings(Protocol):
    """What remembers, between two looks at an account's ledger, since when it has not moved."""

    def first_ms(self, account_id: str, complete_to: int, now_ms: int) -> int:
        """Return when the ledger was first seen to lag with its lines complete to ``complete_to``: now, if never."""


def report_ledgers_behind(services: Services, sightings: Sightings) -> None:
    """Log an error for each account whose lines have been behind its charges, and have not moved, for 5 minutes."""
    for account in services.accounts.list_all():
        try:
            _report_if_behind(services, sightings, account)
        except Exception:  # the others have their turn all the same
            log.exception("the ledger of %s could not be looked at", account.id)


def _report_if_behind(services: Services, sightings: Sightings, account: Account) -> None:
    complete_to = services.ledger.complete_to(account.id) if account.seq else 0
    if complete_to >= account.seq:
        return
    now_ms = services.now_ms()
    if now_ms - sightings.first_ms(account.id, complete_to, now_ms) >= BEHIND_AFTER_MS:
        log.error(BEHIND_MESSAGE, account.id, complete_to, account.seq)


def prune_all(services: Services) -> None:
    """Forget what no account's request needs any longer."""
    for account in services.accounts.list_all():
        try:
            services.accounts.prune(account.id, services.now_ms())
        except Exception:
            log.exception("%s could not be pruned", account.id)
