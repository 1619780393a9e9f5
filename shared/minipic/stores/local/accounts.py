"""Accounts in SQLite: each transition of the domain runs on the stored state inside one transaction."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from minipic.domain import credits as balance
from minipic.domain import ledger, metering
from minipic.domain.account import Account, Key, Overrides, Plan, Status
from minipic.domain.keys import KeyOwner
from minipic.domain.metering import Charge, Lease, Verdict
from minipic.domain.notices import notice_of
from minipic.domain.plans import Plans
from minipic.domain.pruning import pruned, spent_packs
from minipic.errors import ServiceUnavailable
from minipic.stores import AccountNotFound, AlreadyExists
from minipic.stores.local import keys
from minipic.stores.local.codec import account_from_json, account_to_json
from minipic.stores.local.database import Database
from minipic.stores.local.ledger import append_line
from minipic.stores.local.notices import append_notice

PAGE_ACCOUNTS = 500


class SqliteAccounts:
    """The port ``Accounts`` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, account: Account) -> None:
        """Store a new account."""
        with self._database.writing() as connection:
            if connection.execute("SELECT 1 FROM account WHERE id = ?", (account.id,)).fetchone():
                raise AlreadyExists(f"account {account.id} is there already")
            connection.execute("INSERT INTO account VALUES (?, ?)", (account.id, account_to_json(account)))

    def read(self, account_id: str) -> Account:
        """Return the account as it is now."""
        with self._database.reading() as connection:
            return _load(connection, account_id)

    def list_all(self) -> Iterator[Account]:
        """Yield every account by its id."""
        query, after = "SELECT state FROM account WHERE id > ? ORDER BY id LIMIT ?", ""
        while True:  # by pages: whoever takes long over an account holds up no checkpoint
            with self._database.reading() as connection:
                page = connection.execute(query, (after, PAGE_ACCOUNTS)).fetchall()
            accounts = [account_from_json(state) for (state,) in page]
            yield from accounts
            if len(accounts) < PAGE_ACCOUNTS:
                return
            after = accounts[-1].id

    def set_status(self, account_id: str, status: Status) -> Account:
        """Suspend, resume or delete."""

        def change(account: Account) -> Account:
            if account.status is Status.DELETED:
                raise AccountNotFound(account_id)
            return replace(account, status=status)

        return self._change(account_id, change)

    def set_plan(self, account_id: str, plan: Plan) -> Account:
        """Put the account on a plan."""
        return self._change(
            account_id,
            lambda account: replace(account, plan=plan.name, free_limit=account.overrides.on(plan).free_images),
        )

    def set_overrides(self, account_id: str, overrides: Overrides, plans: Plans) -> Account:
        """Let the account do other than its plan says."""
        return self._change(
            account_id,
            lambda account: replace(
                account, overrides=overrides, free_limit=plans.limits(account.plan, overrides).free_images
            ),
        )

    def set_low_balance(self, account_id: str, images: int) -> Account:
        """Have the owner told below so many images."""
        return self._change(account_id, lambda account: replace(account, low_balance=images))

    def add_key(self, account_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Add a key under the hash of its text."""
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            return _save(connection, account, keys.add(connection, account, key_id, key, key_hash))

    def replace_key(self, account_id: str, old_key_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Delete a key and add another."""
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            return _save(connection, account, keys.replaced(connection, account, old_key_id, key_id, key, key_hash))

    def set_key_enabled(self, account_id: str, key_id: str, enabled: bool) -> Account:
        """Disable or enable a key."""
        return self._change(account_id, lambda account: keys.with_enabled(account, key_id, enabled))

    def delete_key(self, account_id: str, key_id: str) -> Account:
        """Turn a key off for good and forget its hash."""
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            return _save(connection, account, keys.delete(connection, account, key_id))

    def find_key(self, key_hash: str) -> KeyOwner | None:
        """Return whose key has this hash."""
        with self._database.reading() as connection:
            return keys.find(connection, key_hash)

    def admit(self, lease: Lease, now_ms: int, plans: Plans, *, from_queue: bool = False) -> Verdict:
        """``metering.admit`` in one transaction."""
        return self._step(lease, lambda account: metering.admit(account, lease, now_ms, plans, from_queue=from_queue))

    def settle(self, lease: Lease, now_ms: int, charge: Charge, plans: Plans) -> Verdict:
        """``metering.settle`` and the ledger's line in one transaction."""
        started_s = time.monotonic()

        def step(account: Account) -> Verdict:
            # Whoever waited long for the file may have lost the lease to another request meanwhile.
            if now_ms + int((time.monotonic() - started_s) * 1000) >= lease.expires_ms:
                return Verdict(account, ServiceUnavailable())
            return metering.settle(account, lease, now_ms, charge, plans)

        return self._step(lease, step)

    def release(self, lease: Lease) -> Account:
        """``metering.release`` in one transaction."""
        return self._change(lease.account_id, lambda account: metering.release(account, lease))

    def grant(self, account_id: str, pack_id: str, images: int, now_ms: int, plans: Plans) -> Account:
        """``credits.grant`` and the ledger's line in one transaction."""
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            if _was_spent(connection, account_id, pack_id):
                return account
            return _save(connection, account, balance.grant(account, pack_id, images, now_ms, plans))

    def correct(self, account_id: str, reference: str, credits: int, reason: str, now_ms: int) -> Account:
        """``credits.correct`` and the ledger's line in one transaction."""
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            if _was_spent(connection, account_id, reference):
                return account
            return _save(connection, account, balance.correct(account, reference, credits, reason, now_ms))

    def prune(self, account_id: str, now_ms: int) -> Account:
        """``pruning.pruned``; the references of packs are kept beside the account."""
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            rows = [(account_id, pack.id) for pack in spent_packs(account, now_ms)]
            connection.executemany("INSERT OR IGNORE INTO spent_pack VALUES (?, ?)", rows)
            return _save(connection, account, pruned(account, now_ms))

    def ping(self) -> None:
        """Return when the file answers."""
        with self._database.reading() as connection:
            connection.execute("SELECT 1 FROM account LIMIT 1").fetchall()

    def _change(self, account_id: str, change: Callable[[Account], Account]) -> Account:
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            return _save(connection, account, change(account))

    def _step(self, lease: Lease, step: Callable[[Account], Verdict]) -> Verdict:
        with self._database.writing() as connection:
            account = _load(connection, lease.account_id)
            verdict = step(account)
            _save(connection, account, verdict.account)
        return verdict


def _load(connection: sqlite3.Connection, account_id: str) -> Account:
    row = connection.execute("SELECT state FROM account WHERE id = ?", (account_id,)).fetchone()
    if row is None:
        raise AccountNotFound(account_id)
    return account_from_json(row[0])


def _save(connection: sqlite3.Connection, before: Account, after: Account) -> Account:
    """Write what a step changed, and with it the line that the step stands for and the notice that it gives."""
    if after == before:
        return after
    line = ledger.latest_line(after) if after.seq != before.seq else None
    if line is not None:
        append_line(connection, after.id, line)
    notice = notice_of(before, after, time.time_ns() // 1_000_000)
    if notice is not None:
        append_notice(connection, notice)
    connection.execute("UPDATE account SET state = ? WHERE id = ?", (account_to_json(after), after.id))
    return after


def _was_spent(connection: sqlite3.Connection, account_id: str, reference: str) -> bool:
    query = "SELECT 1 FROM spent_pack WHERE account_id = ? AND reference = ?"
    return connection.execute(query, (account_id, reference)).fetchone() is not None
