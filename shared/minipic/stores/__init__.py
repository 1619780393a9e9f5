"""Ports of storage. Each has two implementations, ``local`` and ``aws``, that pass one suite (tests/contract)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from minipic.domain.account import Account, Key, Plan, Status
from minipic.domain.image import ImageFormat
from minipic.domain.keys import KeyOwner
from minipic.domain.ledger import Line, MonthSums
from minipic.domain.metering import Charge, Lease, Verdict


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

    Every method is safe to call from several threads and processes. ``admit``, ``settle``, ``release`` and ``grant``
    are the transitions of ``domain.metering``, each one atomic step on one account.
    """

    def create(self, account: Account) -> None:
        """Store a new account; AlreadyExists."""

    def read(self, account_id: str) -> Account:
        """Return the account as it is now, never an older one; AccountNotFound."""

    def list_all(self) -> Iterator[Account]:
        """Yield every account, in no promised order. For operators: it reads everything."""

    def set_status(self, account_id: str, status: Status) -> Account:
        """Suspend or resume; AccountNotFound."""

    def set_plan(self, account_id: str, plan: Plan) -> Account:
        """Put the account on a plan; what was used or bought stays. AccountNotFound."""

    def add_key(self, account_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Add a key under the hash of its text; AccountNotFound, AlreadyExists, TooManyKeys above 5."""

    def set_key_enabled(self, account_id: str, key_id: str, enabled: bool) -> Account:
        """Disable or enable a key; AccountNotFound, KeyNotFound."""

    def find_key(self, key_hash: str) -> KeyOwner | None:
        """Return whose key has this hash, on or off."""

    def admit(self, lease: Lease, now_ms: int, plan: Plan, sandbox_limit: int) -> Verdict:
        """``metering.admit``; AccountNotFound."""

    def settle(self, lease: Lease, now_ms: int, charge: Charge) -> Verdict:
        """``metering.settle``, and the ledger's line with it; AccountNotFound."""

    def release(self, lease: Lease) -> Account:
        """``metering.release``; AccountNotFound."""

    def grant(self, account_id: str, pack_id: str, images: int, now_ms: int, credit_free_images: int) -> Account:
        """``metering.grant``, and the ledger's line with it; AccountNotFound."""

    def ping(self) -> None:
        """Return when the store answers; any exception when it does not."""


class Ledger(Protocol):
    """The ledger, for reading: lines are written by the step that they stand for, and never change."""

    def lines(self, account_id: str, month: int, after_seq: int, limit: int) -> list[Line]:
        """Return a month's lines with a higher ``seq`` than ``after_seq``, in order, at most ``limit``."""

    def sums(self, account_id: str, month: int) -> MonthSums:
        """Return what a month's lines add up to, without reading them."""


@dataclass(frozen=True, slots=True)
class ResultFacts:
    """What is known of a result without its bytes.

    ``link_hash`` is the SHA-256 of its link token, or empty. ``original_id`` names the upload that it was made from and
    ``options`` (JSON) how, so that operations start from there; both are empty where no original is kept.
    """

    account_id: str
    format: ImageFormat
    width: int
    height: int
    link_hash: str = ""
    original_id: str = ""
    options: str = ""


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
