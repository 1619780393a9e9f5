"""Keys in SQLite: the table of hashes, and the account's own list, changed inside the caller's transaction."""

import sqlite3
from dataclasses import replace

from minipic.domain import keyring
from minipic.domain.account import MAX_KEYS, Account, Key, Status
from minipic.domain.keys import Environment, KeyOwner
from minipic.stores import AccountNotFound, AlreadyExists, KeyNotFound, TooManyKeys


def find(connection: sqlite3.Connection, key_hash: str) -> KeyOwner | None:
    """Return whose key has this hash."""
    query = "SELECT account_id, key_id, environment FROM key WHERE hash = ?"
    row = connection.execute(query, (key_hash,)).fetchone()
    return None if row is None else KeyOwner(row[0], row[1], Environment(row[2]))


def add(connection: sqlite3.Connection, account: Account, key_id: str, key: Key, key_hash: str) -> Account:
    """Write the key's hash and return the account with the key; AlreadyExists, TooManyKeys."""
    if account.status is Status.DELETED:
        raise AccountNotFound(account.id)
    if connection.execute("SELECT 1 FROM key WHERE hash = ?", (key_hash,)).fetchone():
        raise AlreadyExists("this key is there already")
    if key_id in account.keys:
        raise AlreadyExists(f"account {account.id} has a key {key_id} already")
    if len(keyring.kept(account)) >= MAX_KEYS:
        raise TooManyKeys(f"account {account.id} holds {MAX_KEYS} keys already")
    row = (key_hash, account.id, key_id, str(key.environment))
    connection.execute("INSERT INTO key VALUES (?, ?, ?, ?)", row)
    return replace(account, keys={**account.keys, key_id: key})


def with_enabled(account: Account, key_id: str, enabled: bool) -> Account:
    """Return the account with the key on or off; KeyNotFound."""
    key = replace(account.keys[_kept(account, key_id)], enabled=enabled)
    return replace(account, keys={**account.keys, key_id: key})


def replaced(
    connection: sqlite3.Connection, account: Account, old_key_id: str, key_id: str, key: Key, key_hash: str
) -> Account:
    """Write one key's hash, forget another's, and return the account with the one for the other; KeyNotFound."""
    without = keyring.without(account, _kept(account, old_key_id))
    added = add(connection, without, key_id, key, key_hash)
    _forget(connection, account, old_key_id)
    return added


def delete(connection: sqlite3.Connection, account: Account, key_id: str) -> Account:
    """Forget the key's hash and return the account without the key; KeyNotFound."""
    without = keyring.without(account, _kept(account, key_id))
    _forget(connection, account, key_id)
    return without


def _kept(account: Account, key_id: str) -> str:
    if key_id not in keyring.kept(account):
        raise KeyNotFound(key_id)
    return key_id


def _forget(connection: sqlite3.Connection, account: Account, key_id: str) -> None:
    connection.execute("DELETE FROM key WHERE account_id = ? AND key_id = ?", (account.id, key_id))
