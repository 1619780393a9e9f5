"""An account: its plan, its keys, its credit packs, and the few integers that metering moves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from minipic.domain.keys import Environment

MAX_KEYS = 5


class Status(StrEnum):
    """A suspended account is refused at admission; work in flight still settles."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


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
        """The time in which one more request becomes possible."""
        return 1000 // self.rate_per_second


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an account, without anything secret.

    ``tat_ms`` is the theoretical arrival time of the rate limit (GCRA); ``leases`` maps a request in progress to
    the time in Unix milliseconds at which its place is free again by itself.
    """

    environment: Environment
    name: str
    created_ms: int
    enabled: bool = True
    tat_ms: int = 0
    leases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pack:
    """A credit pack. ``end`` is the number of credits ever bought once it was added.

    Draw number d belongs to the first pack with ``end >= d``: first purchased, first used, by arithmetic.
    """

    id: str
    size: int
    end: int
    purchased_ms: int

    def remaining(self, credits_drawn: int) -> int:
        """Return how many of this pack's images are left after ``credits_drawn`` draws of the account."""
        return min(self.size, max(0, self.end - credits_drawn))


class Source(StrEnum):
    """Where an image was drawn from."""

    FREE = "free"
    CREDIT = "credit"
    SANDBOX = "sandbox"
    PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Entry:
    """The latest ledger entry, embedded in the account: what the request said of itself."""

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


@dataclass(frozen=True, slots=True)
class Account:
    """The whole hot state of an account.

    ``month`` is the last one charged as yyyymm and only rises; ``free_used``, ``images`` and ``sandbox_used`` count
    by month; ``credits_bought - credits_drawn`` is what is left of all packs; ``seq`` numbers the ledger's lines.
    """

    id: str
    name: str
    created_ms: int
    plan: str
    free_limit: int
    status: Status = Status.ACTIVE
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
