"""The three kinds of work that take an Idempotency-Key, on one home's stores, with an engine that does next to nothing.

``Fate`` ends a process where a test wants it: from that call on no store does anything, so whatever would tidy up
behind a failure does not happen either.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from minipic.domain.account import Account, Plan
from minipic.domain.image import Compressed, ImageFormat, Options, Preserve
from minipic.domain.keys import Environment, KeyOwner
from minipic.domain.operations import Operations
from minipic.domain.plans import Plans
from minipic.service import CachedOwner, Caller, Engine, Services
from minipic.service.compress import compress
from minipic.service.derive import derive
from minipic.service.keeping import Result
from minipic.service.shrink import shrink
from minipic.settings import Settings
from minipic.stores import Repeats, Results
from minipic.wiring import build_services
from tests.contract.account_values import LIVE_KEY, NOW_MS, make_account
from tests.contract.books import Books

PLANS = Plans({name: Plan(name, free_images=1000, max_bytes=1000) for name in ("free", "paid")})
ROUTES = ("shrink", "compress", "derive")
KEY = "4b0c6c1e-7d0a-4f7e-9d5f-1f2f9d1f8a55"
IMAGE = b"a picture"


class Died(Exception):
    """The process is no more."""


@dataclass
class Fate:
    """How many more calls to a store the process lives; it dies before the one after them."""

    calls_left: int = 10**9
    calls_made: int = 0

    def step(self) -> None:
        """Count a call."""
        if self.calls_left == 0:
            raise Died
        self.calls_left -= 1
        self.calls_made += 1


class _Mortal:
    def __init__(self, store: object, fate: Fate) -> None:
        self._store = store
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*args: object, **kwargs: object) -> Any:
            self._fate.step()
            return method(*args, **kwargs)

        return call


@dataclass
class QuickEngine:
    """Makes everything the same small picture; ``meanwhile`` is what else happens during the work."""

    calls: int = 0
    meanwhile: Callable[[], object] = lambda: None

    def sniff(self, data: bytes) -> ImageFormat:
        """Take everything for a PNG."""
        return ImageFormat.PNG

    def estimate(self, data: bytes, options: Options) -> int:
        """Expect what will be."""
        return len(b"small")

    def compress(self, data: bytes, options: Options) -> Compressed:
        """Return the same picture each time."""
        self.calls += 1
        self.meanwhile()
        return Compressed(b"small", ImageFormat.WEBP, 4, 3, reduced_effort=True)


@dataclass
class Workshop:
    """An account with one key, the stores, and a clock that tests move."""

    books: Books
    services: Services
    engine: QuickEngine
    account: Account
    bases: dict[str, str] = field(default_factory=dict)
    now_ms: int = NOW_MS

    def mortal(self, fate: Fate) -> Services:
        """Return the services as a process with this fate has them."""
        names = ("accounts", "ledger", "repeats", "results", "jobs")
        mortal: dict[str, Any] = {name: _Mortal(getattr(self.services, name), fate) for name in names}
        return replace(self.services, **mortal)

    def ask(
        self, route: str, key: str | None = KEY, services: Services | None = None, content: bytes = IMAGE
    ) -> Result:
        """Send a request for ``route``; ``content`` is what it asks for."""
        used, engine = services or self.services, cast("Engine", self.engine)
        owner = KeyOwner(self.account.id, LIVE_KEY, Environment.LIVE)
        caller = Caller(CachedOwner(owner, self.now_ms, PLANS.free))
        if route == "shrink":
            return shrink(used, engine, caller, content, Options(), key)
        if route == "compress":
            return compress(used, engine, caller, content, Options(), key)
        kept = frozenset({Preserve.COPYRIGHT if content == IMAGE else Preserve.CREATION})
        return derive(used, engine, caller, self.bases["derive"], Operations(preserve=kept), key)

    def prepare(self, route: str) -> None:
        """Make what the route works on."""
        if route == "derive":
            self.bases[route] = self.ask("shrink", key=None).id
            self.engine.calls = 0

    def charged_for(self, result: Result) -> int:
        """Return how many lines of the ledger name this result."""
        self.books.settle_up()
        month = self.read().month
        return [line.result_id for line in self.books.ledger.lines(self.account.id, month, 0, 1000)].count(result.id)

    def read(self) -> Account:
        """Return the account as it is."""
        return self.books.accounts.read(self.account.id)

    @property
    def images(self) -> int:
        """How many images the account was charged, without those that ``prepare`` used."""
        return sum(self.read().images.values()) - len(self.bases)


def open_workshop(folder: Path, books: Books, repeats: Repeats, results: Results) -> Workshop:
    """Return a workshop with a new account."""
    workshop = Workshop(books, cast("Services", None), QuickEngine(), make_account(1000))
    workshop.services = replace(
        build_services(Settings(data_folder=folder)),
        accounts=books.accounts,
        ledger=books.ledger,
        repeats=repeats,
        results=results,
        plans=PLANS,
        now_ms=lambda: workshop.now_ms,
    )
    books.accounts.create(workshop.account)
    return workshop
