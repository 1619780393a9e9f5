"""All images of a run: several at a time over the network, one at a time onto the disk.

Only the calling thread writes, so that an interruption there meets no other half-done file.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from pathlib import Path

from minipic_client.client import Client
from minipic_client.command.cache import Cache
from minipic_client.command.items import Item
from minipic_client.command.order import Order
from minipic_client.command.outcomes import Outcome, Status, ends_the_run
from minipic_client.command.placing import finish, unwritten
from minipic_client.command.targets import Clash, folded, free_target
from minipic_client.command.work import DONE_BEFORE, Made, make
from minipic_client.command.writing import sweep

Progress = Callable[[Outcome], None]


class Run:
    """The work on a list of images; ``outcomes`` grows while it goes on, and is in the list's order at the end."""

    def __init__(self, items: Sequence[Item], targets: Sequence[Path | None], order: Order) -> None:
        self._waiting = list(zip(range(len(items)), items, targets))
        self._items = items
        self._order = order
        self._outcomes: dict[int, Outcome] = {}
        self._swept: set[Path] = set()
        self._claimed = {folded(target): number for number, target in enumerate(targets) if target is not None}

    @property
    def outcomes(self) -> list[Outcome]:
        """One outcome an image, in order; those that were not reached are said to be not tried."""
        return [self._outcomes.get(n) or Outcome(item, Status.NOT_TRIED) for n, item in enumerate(self._items)]

    def perform(
        self, cache: Cache, client: Client | None, jobs: int, stop: threading.Event, progress: Progress
    ) -> None:
        """Work on everything, ``jobs`` at a time; return early when no further image has a chance."""
        pool = ThreadPoolExecutor(jobs)
        running: dict[Future[Made], int] = {}
        waiting = iter(self._waiting)
        is_over = False
        try:
            while True:
                while not is_over and len(running) < jobs:
                    upcoming = next(waiting, None)
                    if upcoming is None:
                        break
                    number, item, target = upcoming
                    running[
                        pool.submit(make, item, target, self._order, cache, client, partial(self._is_anothers, number))
                    ] = number
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    outcome = self._finished(running.pop(future), future.result(), cache)
                    is_over = is_over or outcome.ends_the_run or ends_the_run(outcome.error)
                    progress(outcome)
        finally:
            stop.set()
            pool.shutdown(wait=False)

    def _finished(self, number: int, made: Made, cache: Cache) -> Outcome:
        target = made.outcome.target
        if target is not None and self._order.writes:
            if target.parent not in self._swept:
                self._swept.add(target.parent)
                sweep(target.parent)
            if made.outcome.note != DONE_BEFORE:  # that lies where it lies
                made = self._placed(number, made, target)
        outcome = finish(made, self._order, cache)
        self._outcomes[number] = outcome
        return outcome

    def _is_anothers(self, number: int, path: Path) -> bool:
        return self._claimed.get(folded(path), number) != number

    def _placed(self, number: int, made: Made, target: Path) -> Made:
        """Keep images apart whose results turned out to need the same name."""
        outcome = made.outcome
        try:
            return replace(
                made, outcome=replace(outcome, target=free_target(outcome.item, number, target, self._claimed))
            )
        except Clash as clash:
            return replace(made, outcome=unwritten(outcome, str(clash)))
