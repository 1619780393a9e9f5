"""Accounts in SQLite: each transition of ``domain.metering`` runs on the stored state inside one transaction."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

from minipic.domain import ledger, metering
from minipic.domain.account import MAX_KEYS, Account, Key, Plan, Status
from minipic.domain.keys import Environment, KeyOwner
from minipic.domain.metering import Charge, Lease, Verdict
from minipic.stores import AccountNotFound, AlreadyExists, KeyNotFound, TooManyKeys
from minipic.stores.local.codec import account_from_json, account_to_json
from minipic.stores.local.database import Database
from minipic.stores.local.ledger import append_line


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
        return _load(self._database.reading(), account_id)

    def list_all(self) -> Iterator[Account]:
        """Yield every account by its id."""
        for (state,) in self._database.reading().execute("SELECT state FROM account ORDER BY id").fetchall():
            yield account_from_json(state)

    def set_status(self, account_id: str, status: Status) -> Account:
        """Suspend or resume."""
        with self._database.writing() as connection:
            return _save(connection, replace(_load(connection, account_id), status=status))

    def set_plan(self, account_id: str, plan: Plan) -> Account:
        """Put the account on a plan."""
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            return _save(connection, replace(account, plan=plan.name, free_limit=plan.free_images))

    def add_key(self, account_id: str, key_id: str, key: Key, key_hash: str) -> Account:
        """Add a key under the hash of its text."""
        with self._database.writing() as connection:
            if connection.execute("SELECT 1 FROM key WHERE hash = ?", (key_hash,)).fetchone():
                raise AlreadyExists("this key is there already")
            account = _load(connection, account_id)
            if key_id in account.keys:
                raise AlreadyExists(f"account {account_id} has a key {key_id} already")
            if len(account.keys) >= MAX_KEYS:
                raise TooManyKeys(f"account {account_id} holds {MAX_KEYS} keys already")
            row = (key_hash, account_id, key_id, str(key.environment))
            connection.execute("INSERT INTO key VALUES (?, ?, ?, ?)", row)
            return _save(connection, replace(account, keys={**account.keys, key_id: key}))

    def set_key_enabled(self, account_id: str, key_id: str, enabled: bool) -> Account:
        """Disable or enable a key."""
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            if key_id not in account.keys:
                raise KeyNotFound(key_id)
            key = replace(account.keys[key_id], enabled=enabled)
            return _save(connection, replace(account, keys={**account.keys, key_id: key}))

    def find_key(self, key_hash: str) -> KeyOwner | None:
        """Return whose key has this hash."""
        query = "SELECT account_id, key_id, environment FROM key WHERE hash = ?"
        row = self._database.reading().execute(query, (key_hash,)).fetchone()
        return None if row is None else KeyOwner(row[0], row[1], Environment(row[2]))

    def admit(self, lease: Lease, now_ms: int, plan: Plan, sandbox_limit: int) -> Verdict:
        """``metering.admit`` in one transaction."""
        with self._database.writing() as connection:
            account = _load(connection, lease.account_id)
            verdict = metering.admit(account, lease, now_ms, plan, sandbox_limit)
            _save_change(connection, account, verdict.account)
        return verdict

    def settle(self, lease: Lease, now_ms: int, charge: Charge) -> Verdict:
        """``metering.settle`` and the ledger's line in one transaction."""
        with self._database.writing() as connection:
            account = _load(connection, lease.account_id)
            verdict = metering.settle(account, lease, now_ms, charge)
            _save_change(connection, account, verdict.account)
        return verdict

    def release(self, lease: Lease) -> Account:
        """``metering.release`` in one transaction."""
        with self._database.writing() as connection:
            account = _load(connection, lease.account_id)
            return _save_change(connection, account, metering.release(account, lease))

    def grant(self, account_id: str, pack_id: str, images: int, now_ms: int, credit_free_images: int) -> Account:
        """``metering.grant`` and the ledger's line in one transaction."""
        with self._database.writing() as connection:
            account = _load(connection, account_id)
            granted = metering.grant(account, pack_id, images, now_ms, credit_free_images)
            return _save_change(connection, account, granted)

    def ping(self) -> None:
        """Return when the file answers."""
        self._database.reading().execute("SELECT 1 FROM account LIMIT 1").fetchall()


def _load(connection: sqlite3.Connection, account_id: str) -> Account:
    row = connection.execute("SELECT state FROM account WHERE id = ?", (account_id,)).fetchone()
    if row is None:
        raise AccountNotFound(account_id)
    return account_from_json(row[0])


def _save(connection: sqlite3.Connection, account: Account) -> Account:
    connection.execute("UPDATE account SET state = ? WHERE id = ?", (account_to_json(account), account.id))
    return account


def _save_change(connection: sqlite3.Connection, before: Account, after: Account) -> Account:
    if after is before:
        return after
    line = ledger.latest_line(after) if after.seq != before.seq else None
    if line is not None:
        append_line(connection, after.id, line)
    return _save(connection, after)
