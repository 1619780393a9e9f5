"""The ledger in SQLite: a line and its month's sums are written by the transaction that they stand for."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from minipic.domain.ledger import Line, MonthSums
from minipic.stores.local.database import Database

PAGE_LINES = 1000
_LAST_MONTH = 999_912


class SqliteLedger:
    """The port ``Ledger`` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self, account_id: str, month: int, after_seq: int, limit: int) -> list[Line]:
        """Return a month's lines, in order."""
        query = "SELECT line FROM ledger WHERE account_id = ? AND month = ? AND seq > ? ORDER BY seq LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (account_id, month, after_seq, limit)).fetchall()
        return [Line(**json.loads(line)) for (line,) in rows]

    def sums(self, account_id: str, month: int) -> MonthSums:
        """Return what a month's lines add up to."""
        with self._database.reading() as connection:
            return _read_sums(connection, account_id, month)

    def complete_to(self, account_id: str) -> int:
        """Return the ``seq`` of the last line: none is ever missing here."""
        query = "SELECT seq FROM ledger WHERE account_id = ? ORDER BY month DESC, seq DESC LIMIT 1"
        with self._database.reading() as connection:
            row = connection.execute(query, (account_id,)).fetchone()
        return 0 if row is None else int(row[0])

    def all_lines(self, account_id: str) -> Iterator[Line]:
        """Yield every line; no page holds up a writer's checkpoint for long."""
        query = "SELECT line FROM ledger WHERE account_id = ? AND (month, seq) > (?, ?) ORDER BY month, seq LIMIT ?"
        after = (0, 0)
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query, (account_id, *after, PAGE_LINES)).fetchall()
            page = [Line(**json.loads(line)) for (line,) in rows]
            yield from page
            if len(page) < PAGE_LINES:
                return
            after = page[-1].month, page[-1].seq

    def all_sums(self, account_id: str) -> dict[int, MonthSums]:
        """Return the sums of every month."""
        return self.sums_between(account_id, 0, _LAST_MONTH)

    def sums_between(self, account_id: str, first_month: int, last_month: int) -> dict[int, MonthSums]:
        """Return the sums of some months."""
        query = "SELECT month, sums FROM month_sums WHERE account_id = ? AND month BETWEEN ? AND ?"
        with self._database.reading() as connection:
            rows = connection.execute(query, (account_id, first_month, last_month)).fetchall()
        by_month = {month: MonthSums(**json.loads(sums)) for month, sums in rows}
        return {month: sums for month, sums in by_month.items() if sums != MonthSums()}

    def restore(self, account_id: str, lines: Sequence[Line]) -> None:
        """Write lines that are not there: after a repair of the file itself, if ever."""
        with self._database.writing() as connection:
            for line in lines:
                query = "SELECT 1 FROM ledger WHERE account_id = ? AND month = ? AND seq = ?"
                if connection.execute(query, (account_id, line.month, line.seq)).fetchone() is None:
                    append_line(connection, account_id, line)


def append_line(connection: sqlite3.Connection, account_id: str, line: Line) -> None:
    """Write a line and add it to its month's sums, inside the caller's transaction."""
    row = (account_id, line.month, line.seq, json.dumps(asdict(line)))
    connection.execute("INSERT INTO ledger VALUES (?, ?, ?, ?)", row)
    sums = _read_sums(connection, account_id, line.month).plus(line)
    connection.execute(
        "INSERT OR REPLACE INTO month_sums VALUES (?, ?, ?)", (account_id, line.month, json.dumps(asdict(sums)))
    )


def _read_sums(connection: sqlite3.Connection, account_id: str, month: int) -> MonthSums:
    query = "SELECT sums FROM month_sums WHERE account_id = ? AND month = ?"
    row = connection.execute(query, (account_id, month)).fetchone()
    return MonthSums() if row is None else MonthSums(**json.loads(row[0]))
