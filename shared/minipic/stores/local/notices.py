"""Notices in SQLite: a step's transaction writes its notice, so that none is lost and none is there twice."""

import json
import sqlite3
from dataclasses import asdict

from minipic.domain.notices import Notice, Webhook
from minipic.stores.local.database import Database


class SqliteNotices:
    """The port ``Notices`` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def set_webhook(self, account_id: str, webhook: Webhook | None) -> None:
        """Remember where an account's owner is told; None forgets it."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM webhook WHERE account_id = ?", (account_id,))
            if webhook is not None:
                row = (account_id, webhook.url, webhook.secret)
                connection.execute("INSERT INTO webhook VALUES (?, ?, ?)", row)

    def webhook(self, account_id: str) -> Webhook | None:
        """Return where an account's owner is told."""
        query = "SELECT url, secret FROM webhook WHERE account_id = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (account_id,)).fetchone()
        return None if row is None else Webhook(*row)

    def due(self, now_ms: int, limit: int) -> list[Notice]:
        """Return notices whose time has come, those that wait longest first."""
        query = "SELECT notice FROM notice WHERE due_ms <= ? ORDER BY due_ms, rowid LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (now_ms, limit)).fetchall()
        return [Notice(**json.loads(notice)) for (notice,) in rows]

    def claim(self, notice: Notice, now_ms: int) -> Notice | None:
        """Begin a try by moving the notice's time forward; None when another one was faster."""
        tried = notice.tried(now_ms)
        with self._database.writing() as connection:
            moved = connection.execute(
                "UPDATE notice SET due_ms = ?, notice = ? WHERE id = ? AND due_ms = ?",
                (tried.due_ms, json.dumps(asdict(tried)), notice.id, notice.due_ms),
            )
        return tried if moved.rowcount else None

    def close(self, notice: Notice) -> None:
        """Forget a notice that was delivered or given up."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM notice WHERE id = ?", (notice.id,))


def append_notice(connection: sqlite3.Connection, notice: Notice) -> None:
    """Write a notice, due at once, inside the caller's transaction."""
    row = (notice.id, notice.due_ms, json.dumps(asdict(notice)))
    connection.execute("INSERT OR IGNORE INTO notice VALUES (?, ?, ?)", row)
