"""Ports of storage. Each has two implementations, ``local`` and ``aws``, that pass one suite (tests/contract)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from minipic.domain.account import Account, Key, Overrides, Plan, Status
from minipic.domain.image import ImageFormat
from minipic.domain.keys import KeyOwner
from minipic.domain.ledger import Line, MonthSums
from minipic.domain.metering import Charge, Lease, Verdict
from minipic.domain.notices import Notice, Webhook
from minipic.domain.plans import Plans
from minipic.domain.repeats import Claim


class AccountNotFound(LookupError):
    """No account has this id."""


class KeyNotFound(LookupError):
    """The account has no key with this id."""


class AlreadyExists(ValueError):
    """An account, a key or its hash that is to be stored is there already."""


class TooManyKeys(ValueError):
    """The account holds as many keys as it may."""


class Accounts(Protocol):
    """Accounts, their keys and their metering.

    Every method is safe to call from several threads and processes. ``admit``, ``settle`` and ``release`` are the
    transitions of ``domain.metering``, ``grant`` and ``correct`` those of ``domain.credits``: each one atomic step on
    one account.
    """

    def create(self, account: Account) -> None:
        """Store a new account; AlreadyExists."""

    def read(self, account_id: str) -> Account:
        """Return the account as it is now, never an older one; AccountNotFound."""

    def list_all(self) -> Iterator[Account]:
        """Yield every account, deleted ones too, in no promised order. For operators: it reads everything."""

    def set_status(self, account_id: str, status: Status) -> Account:
        """Suspend, resume or delete; AccountNotFound, also for one that is deleted already."""

    def set_plan(self, account_id: str, plan: Plan) -> Account:
        """Put the account on a plan; its overrides, what was used and what was bought stay. AccountNotFound."""

    def set_overrides(self, account_id: str, overrides: Overrides, plans: Plans) -> Account:
        """Let the account do other than its plan says; AccountNotFound."""

    def set_low_balance(self, account_id: str, images: int) -> Account:
        """Have the owner told when fewer images than this are left (0: never); AccountNotFound."""

    def add_key(self, account_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Add a key under the hash of its text; AccountNotFound, AlreadyExists, TooManyKeys above 5."""

    def replace_key(self, account_id: str, old_key_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Delete a key and add another in one step; AccountNotFound, KeyNotFound, AlreadyExists."""

    def set_key_enabled(self, account_id: str, key_id: str, enabled: bool) -> Account:
        """Disable or enable a key; AccountNotFound, KeyNotFound."""

    def delete_key(self, account_id: str, key_id: str) -> Account:
        """Turn a key off for good and forget its hash; AccountNotFound, KeyNotFound."""

    def find_key(self, key_hash: str) -> KeyOwner | None:
        """Return whose key has this hash, on or off."""

    def admit(self, lease: Lease, now_ms: int, plans: Plans) -> Verdict:
        """``metering.admit``; AccountNotFound."""

    def settle(self, lease: Lease, now_ms: int, charge: Charge, plans: Plans) -> Verdict:
        """``metering.settle``, and the ledger's line with it; AccountNotFound."""

    def release(self, lease: Lease) -> Account:
        """``metering.release``; AccountNotFound."""

    def grant(self, account_id: str, pack_id: str, images: int, now_ms: int, plans: Plans) -> Account:
        """``credits.grant``, and the ledger's line with it; AccountNotFound. A pruned pack is remembered."""

    def correct(self, account_id: str, reference: str, credits: int, reason: str, now_ms: int) -> Account:
        """``credits.correct``, and the ledger's line with it; AccountNotFound, NotEnoughCredits."""

    def prune(self, account_id: str, now_ms: int) -> Account:
        """``pruning.pruned``; AccountNotFound. For a job now and then: no request needs it."""

    def ping(self) -> None:
        """Return when the store answers; any exception when it does not."""


class Ledger(Protocol):
    """The ledger: lines are written by the step that they stand for, and never change."""

    def lines(self, account_id: str, month: int, after_seq: int, limit: int) -> list[Line]:
        """Return a month's lines with a higher ``seq`` than ``after_seq``, in order, at most ``limit``."""

    def sums(self, account_id: str, month: int) -> MonthSums:
        """Return what a month's lines add up to, without reading them."""

    def complete_to(self, account_id: str) -> int:
        """Return the ``seq`` up to which every line of the account is there; 0 when none is."""

    def all_lines(self, account_id: str) -> Iterator[Line]:
        """Yield the lines of every month, in order, read by pages. For operators: there may be millions."""

    def all_sums(self, account_id: str) -> dict[int, MonthSums]:
        """Return the sums of every month in which an image was billed."""

    def restore(self, account_id: str, lines: Sequence[Line]) -> None:
        """Write lines that were lost, in order, with their share of the sums; what is there stays as it is."""


class Repeats(Protocol):
    """Claims of Idempotency-Keys, one for an account and a key; a claim's lease tells it from every other."""

    def claim(self, claim: Claim, now_ms: int, instead_of: str = "") -> Claim:
        """Store the claim if the key is free, or held by one that has ended or has the lease ``instead_of``.

        Return the claim that holds the key then: this one, or the one that was in the way.
        """

    def find(self, account_id: str, key_hash: str, now_ms: int) -> Claim | None:
        """Return the claim that holds the key, None when there is none or it has ended."""

    def finish(self, claim: Claim) -> None:
        """Remember that the claim's request was charged; nothing happens when another claim holds the key."""

    def forget(self, claim: Claim) -> None:
        """Give the key back; nothing happens when another claim holds it."""


class Notices(Protocol):
    """Notices to deliver, and where to. A crossing of an account's step puts its notice here by itself, once."""

    def set_webhook(self, account_id: str, webhook: Webhook | None) -> None:
        """Remember where an account's owner is told, instead of what was before; None forgets it."""

    def webhook(self, account_id: str) -> Webhook | None:
        """Return where an account's owner is told, None when nowhere."""

    def due(self, now_ms: int, limit: int) -> list[Notice]:
        """Return at most ``limit`` notices whose time has come, those that wait longest first."""

    def claim(self, notice: Notice, now_ms: int) -> Notice | None:
        """Begin a try: ``Notice.tried``, if the notice is still as it was read. None: another try was faster."""

    def close(self, notice: Notice) -> None:
        """Forget a notice that was delivered or given up."""


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What is known of a result without its bytes.

    ``link_hash`` is the SHA-256 of its link token, or empty. ``original_id`` names the upload that it was made from and
    ``options`` (JSON) how, so that operations start from there; both are empty where no original is kept. The last
    four are what the first answer said of the work, for a repeat of the request.
    """

    account_id: str
    format: ImageFormat
    width: int
    height: int
    link_hash: str = ""
    original_id: str = ""
    options: str = ""
    bytes_in: int = 0
    input_type: str = ""
    reduced_effort: bool = False
    score: float | None = None


@dataclass(frozen=True, slots=True)
class UploadForm:
    """Where and with which fields a client posts a file, as multipart/form-data with the file as last part."""

    url: str
    fields: dict[str, str]


class Uploads(Protocol):
    """Files on their way in that are too large for one request."""

    def offer(self, upload_id: str, account_id: str, size_bytes: int, expires_in_s: int, base_url: str) -> UploadForm:
        """Return a form for exactly this id and at most ``size_bytes``; ``base_url`` is this service's own address."""

    def take(self, upload_id: str, account_id: str, max_bytes: int) -> bytes | None:
        """Return what the account uploaded under this id, or None: not met, another account's, or above the limit."""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """A result. ``data`` is None where the bytes were not asked for, or are more than was asked for."""

    facts: ResultFacts
    size_bytes: int
    data: bytes | None


class Results(Protocol):
    """Results by id. What ``put`` returned from is durable."""

    def put(self, result_id: str, facts: ResultFacts, data: bytes) -> None:
        """Store a result."""

    def get(self, result_id: str, max_bytes: int | None = None) -> StoredResult | None:
        """Return a result, without its bytes if they are more than ``max_bytes``; None when it is not there."""

    def delete(self, result_id: str) -> None:
        """Forget a result; one that is gone already is no error."""

    def put_original(self, original_id: str, data: bytes) -> None:
        """Store an upload, for operations on what was made of it."""

    def get_original(self, original_id: str) -> bytes | None:
        """Return an upload, or None when it is not there (any more)."""

    def delete_original(self, original_id: str) -> None:
        """Forget an upload; one that is gone already is no error."""

    def presign(self, result_id: str, expires_in_s: int) -> str | None:
        """Return a link straight to the stored bytes, or None where only this service hands them out."""

    def ping(self) -> None:
        """Return when the store answers; any exception when it does not."""
