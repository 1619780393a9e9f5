"""An account: its plan, its keys, its credit packs, and the few integers that metering moves."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from minipic.domain.keys import Environment

MAX_KEYS = 5


class Status(StrEnum):
    """A suspended or deleted account is refused at admission; work in flight still settles.

    A deleted one keeps its counts, so that its ledger can be checked for as long as it is kept.
    """

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an account may do; configuration, not data. Rates are a key's, quotas an account's."""

    name: str
    free_images: int
    max_bytes: int
    max_pixels: int = 100_000_000
    rate_per_second: int = 10
    burst: int = 20
    concurrency: int = 20

    @property
    def interval_ms(self) -> int:
        """The time in which one more request becomes possible, never less than the rate says."""
        return -(-1000 // self.rate_per_second)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What an account may do other than its plan says; None follows the plan."""

    free_images: int | None = None
    max_bytes: int | None = None
    rate_per_second: int | None = None
    burst: int | None = None
    concurrency: int | None = None

    def given(self) -> dict[str, int]:
        """Return those that are set, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def on(self, plan: Plan) -> Plan:
        """Return the plan with these in place of its own."""
        changes: dict[str, Any] = {**self.given()}
        return replace(plan, **changes)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an account, without anything secret but its last four characters.

    ``tat_ms`` is the theoretical arrival time of the rate limit (GCRA); ``leases`` maps a request in progress to
    the time in Unix milliseconds at which its place is free again by itself. A key that is ``deleted`` is off for
    good; it stays until its last lease is gone, so that work in flight can settle.
    """

    environment: Environment
    name: str
    created_ms: int
    last4: str = ""
    enabled: bool = True
    deleted: bool = False
    tat_ms: int = 0
    leases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pack:
    """A credit pack, or a correction of the credits. ``end`` is the number of credits ever added once it was.

    Draw number d belongs to the first pack with ``end >= d``: first purchased, first used, by arithmetic. A correction
    that takes credits away has a negative ``size`` and the ``end`` of the pack before it: it is no source of draws.
    """

    id: str
    size: int
    end: int
    purchased_ms: int

    def remaining(self, credits_drawn: int) -> int:
        """Return how many of this pack's images are left after ``credits_drawn`` draws of the account."""
        return max(0, min(self.size, self.end - credits_drawn))


class Source(StrEnum):
    """Where an image was drawn from."""

    FREE = "free"
    CREDIT = "credit"
    SANDBOX = "sandbox"
    PURCHASE = "purchase"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Entry:
    """The latest ledger entry, embedded in the account: what the request said of itself.

    ``credits`` is what a purchase or a correction added, negative for what it took away; ``reason`` is an operator's.
    ``format`` is the input's, empty where it is unknown.
    """

    at_ms: int
    month: int
    operation: str
    source: Source
    key_id: str = ""
    lease_id: str = ""
    result_id: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    pack_id: str = ""
    credits: int = 0
    reason: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """The whole hot state of an account.

    ``month`` is the last one charged as yyyymm and only rises; ``free_used``, ``images`` and ``sandbox_used`` count
    by month; ``credits_bought - credits_drawn`` is what is left of all packs; ``seq`` numbers the ledger's lines.
    ``free_limit`` is the quota that holds: the override's or the plan's. Below ``low_balance`` images left, the
    account's owner is told (0: never).
    """

    id: str
    name: str
    created_ms: int
    plan: str
    free_limit: int
    status: Status = Status.ACTIVE
    overrides: Overrides = Overrides()
    low_balance: int = 0
    month: int = 0
    seq: int = 0
    free_used: Mapping[int, int] = field(default_factory=dict)
    images: Mapping[int, int] = field(default_factory=dict)
    sandbox_used: Mapping[int, int] = field(default_factory=dict)
    credits_bought: int = 0
    credits_drawn: int = 0
    packs: tuple[Pack, ...] = ()
    keys: Mapping[str, Key] = field(default_factory=dict)
    entry: Entry | None = None
