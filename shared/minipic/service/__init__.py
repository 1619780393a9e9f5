"""Storey 2: one use-case a module, as plain functions over ``Services``."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from minipic.domain.account import Account, Plan
from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.domain.keys import Environment, KeyOwner
from minipic.domain.plans import Plans
from minipic.domain.screening import Screening
from minipic.stores import Accounts, Jobs, Ledger, Notices, Repeats, Results, Uploads


class Engine(Protocol):
    """What turns an image into a smaller one. Its methods may be called from several threads."""

    def sniff(self, data: bytes) -> ImageFormat:
        """Return the format that the bytes begin with; UnsupportedMediaType."""

    def estimate(self, data: bytes, options: Options) -> int:
        """Return about how many bytes ``compress`` will give, from the file's own words: it decodes nothing."""

    def compress(self, data: bytes, options: Options) -> Compressed:
        """Return the smaller image; DecodeError, ImageTooComplex, BadRequest, ServiceUnavailable."""

    def start(self) -> None:
        """Get ready for work; raises when that cannot be."""

    def close(self) -> None:
        """Stop whatever works in the background."""


class Sources(Protocol):
    """Where an image may be fetched from."""

    def fetch(self, url: str, max_bytes: int) -> bytes:
        """Return what is at this address; SourceNotFound for any failure, one above ``max_bytes`` included."""


class Sender(Protocol):
    """Where messages to an account's owner go out."""

    def check(self, url: str) -> None:
        """BadRequest unless a message may be sent to such a URL, as far as its text can tell."""

    def post(self, url: str, headers: dict[str, str], body: bytes) -> None:
        """Return when the other side has taken the message; NotDelivered when it is not known to have."""


@dataclass(slots=True)
class CachedOwner:
    """A key's owner as the process last saw it, and what its account might do then."""

    owner: KeyOwner
    expires_ms: int
    plan: Plan


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a use-case works with. ``now_ms`` is Unix time; ``entropy(n)`` gives n random bytes."""

    accounts: Accounts
    ledger: Ledger
    repeats: Repeats
    notices: Notices
    results: Results
    uploads: Uploads
    jobs: Jobs
    sources: Sources
    sender: Sender
    screening: Screening
    plans: Plans
    result_ttl_s: int
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes]
    links_open: bool = True
    max_response_bytes: int | None = None
    owners: dict[str, CachedOwner] = field(default_factory=dict)
    too_fast: dict[str, Account] = field(default_factory=dict)


@dataclass(slots=True)
class Caller:
    """Who sends the request. ``account`` is the state that the latest step on it returned, None before the first.

    ``answer_by_ms`` is when the platform stops waiting for the answer, None where it waits for ever.
    """

    cached: CachedOwner
    account: Account | None = None
    answer_by_ms: int | None = None

    @property
    def owner(self) -> KeyOwner:
        """Account, key and environment."""
        return self.cached.owner

    @property
    def is_sandbox(self) -> bool:
        """Whether the key is a sandbox key: never billed, under the free plan's limits."""
        return self.owner.environment is Environment.TEST

    def saw(self, account: Account, plans: Plans) -> Account:
        """Remember the newest state of the account."""
        self.account = account
        self.cached.plan = plans.of(account)
        return account
