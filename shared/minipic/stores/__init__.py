"""Ports of storage. Each has two implementations, ``local`` and ``aws``, that pass one suite (tests/contract)."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from minipic.domain.account import Account, Key, Overrides, Plan, Status
from minipic.domain.jobs import Job
from minipic.domain.keys import KeyOwner
from minipic.domain.ledger import Line, MonthSums
from minipic.domain.metering import Charge, Lease, Verdict
from minipic.domain.notices import Notice, Webhook
from minipic.domain.plans import Plans
from minipic.domain.repeats import Claim
from minipic.stores.files import ResultFacts, Results, StoredResult, UploadForm, Uploads

__all__ = [
    "AccountNotFound",
    "Accounts",
    "AlreadyExists",
    "Jobs",
    "KeyNotFound",
    "Ledger",
    "Notices",
    "Repeats",
    "ResultFacts",
    "Results",
    "StoredResult",
    "TooManyKeys",
    "UploadForm",
    "Uploads",
]


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

    def admit(self, lease: Lease, now_ms: int, plans: Plans, *, from_queue: bool = False) -> Verdict:
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

    def sums_between(self, account_id: str, first_month: int, last_month: int) -> dict[int, MonthSums]:
        """Return what ``all_sums`` does, of the months from the first to the last only, by one read."""

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


class Jobs(Protocol):
    """Jobs and their queue. What is queued is brought to a worker until it says that it is done; it may come twice."""

    def create(self, jobs: Sequence[Job]) -> bool:
        """Store new jobs and queue them, all or none; False when one of their ids is taken."""

    def read(self, job_id: int) -> Job | None:
        """Return the job as it is now, or None."""

    def page(self, account_id: str, before_id: int, limit: int) -> list[Job]:
        """Return at most ``limit`` of an account's jobs with a smaller id, the newest first."""

    def begin(self, job_id: int, now_ms: int) -> Job | None:
        """Begin a try (``Job.begun``) of a job that has not ended; return it as it is then, None for no such job."""

    def put_back(self, job: Job) -> None:
        """Store a job whose try, which ``begin`` had counted, was none; nothing happens when it has moved on."""

    def end(self, job: Job) -> bool:
        """Store a job that has ended, and queue the call of its webhook; False when it had ended before."""

    def hook_called(self, job: Job, wait_s: int | None) -> None:
        """Store what came of a call of the job's webhook, and queue the next one, unless there is none to be."""
