"""Claims of Idempotency-Keys in SQLite: each step is one transaction on one row."""

import json
import sqlite3
from dataclasses import asdict, replace

from minipic.domain.metering import Lease
from minipic.domain.repeats import Claim
from minipic.stores.local.database import Database


class SqliteRepeats:
    """The port ``Repeats`` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, claim: Claim, now_ms: int, instead_of: str = "") -> Claim:
        """Store the claim unless another one holds the key; return the one that holds it."""
        with self._database.writing() as connection:
            there = _read(connection, claim.account_id, claim.key_hash)
            if there is not None and now_ms < there.expires_ms and there.lease.id != instead_of:
                return there
            _write(connection, claim)
        return claim

    def find(self, account_id: str, key_hash: str, now_ms: int) -> Claim | None:
        """Return the claim that holds the key now, or None."""
        with self._database.reading() as connection:
            there = _read(connection, account_id, key_hash)
        return there if there is not None and now_ms < there.expires_ms else None

    def finish(self, claim: Claim) -> None:
        """Remember that the claim's request was charged, if the claim still holds the key."""
        with self._database.writing() as connection:
            there = _read(connection, claim.account_id, claim.key_hash)
            if there is not None and there.lease == claim.lease:
                _write(connection, replace(there, is_done=True))

    def forget(self, claim: Claim) -> None:
        """Give the key back, if the claim still holds it."""
        with self._database.writing() as connection:
            there = _read(connection, claim.account_id, claim.key_hash)
            if there is not None and there.lease == claim.lease:
                row = (claim.account_id, claim.key_hash)
                connection.execute("DELETE FROM repeat WHERE account_id = ? AND key_hash = ?", row)

    def sweep(self, now_ms: int) -> int:
        """Delete every claim that has ended; return how many there were."""
        with self._database.writing() as connection:
            return connection.execute("DELETE FROM repeat WHERE expires_ms <= ?", (now_ms,)).rowcount


def _read(connection: sqlite3.Connection, account_id: str, key_hash: str) -> Claim | None:
    query = "SELECT claim FROM repeat WHERE account_id = ? AND key_hash = ?"
    row = connection.execute(query, (account_id, key_hash)).fetchone()
    if row is None:
        return None
    fields = json.loads(row[0])
    return Claim(**{**fields, "lease": Lease(**fields["lease"])})


def _write(connection: sqlite3.Connection, claim: Claim) -> None:
    row = (claim.account_id, claim.key_hash, claim.expires_ms, json.dumps(asdict(claim)))
    connection.execute("INSERT OR REPLACE INTO repeat VALUES (?, ?, ?, ?)", row)
