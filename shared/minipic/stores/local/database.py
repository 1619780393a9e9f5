"""The SQLite file: one connection for writing behind a lock, and a few for whoever reads.

SQLite's own busy handler starves writers for seconds under load, so writers of this process queue on a lock of ours;
the busy time-out is left for other processes (``minipic-admin`` beside a running service).
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minipic.errors import ServiceUnavailable

BUSY_TIMEOUT_S = 30.0
MAX_IDLE_READERS = 8
# Step n leads from version n to the next; a step that was released never changes.
_STEPS = (
    """
    CREATE TABLE account (id TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT;
    CREATE TABLE key (hash TEXT PRIMARY KEY, account_id TEXT NOT NULL, key_id TEXT NOT NULL,
                      environment TEXT NOT NULL) STRICT;
    CREATE TABLE ledger (account_id TEXT NOT NULL, month INTEGER NOT NULL, seq INTEGER NOT NULL, line TEXT NOT NULL,
                         PRIMARY KEY (account_id, month, seq)) STRICT, WITHOUT ROWID;
    CREATE TABLE month_sums (account_id TEXT NOT NULL, month INTEGER NOT NULL, sums TEXT NOT NULL,
                             PRIMARY KEY (account_id, month)) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE spent_pack (account_id TEXT NOT NULL, reference TEXT NOT NULL,
                             PRIMARY KEY (account_id, reference)) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE repeat (account_id TEXT NOT NULL, key_hash TEXT NOT NULL, expires_ms INTEGER NOT NULL,
                         claim TEXT NOT NULL, PRIMARY KEY (account_id, key_hash)) STRICT, WITHOUT ROWID;
    CREATE INDEX repeat_by_expiry ON repeat (expires_ms);
    """,
    """
    CREATE TABLE webhook (account_id TEXT PRIMARY KEY, url TEXT NOT NULL, secret TEXT NOT NULL) STRICT;
    CREATE TABLE notice (id TEXT PRIMARY KEY, due_ms INTEGER NOT NULL, notice TEXT NOT NULL) STRICT;
    CREATE INDEX notice_by_due ON notice (due_ms);
    """,
    """
    CREATE TABLE job (id INTEGER PRIMARY KEY, account_id TEXT NOT NULL, due_ms INTEGER, hook_due_ms INTEGER,
                      expires_ms INTEGER NOT NULL, job TEXT NOT NULL) STRICT;
    CREATE INDEX job_by_account ON job (account_id, id);
    CREATE INDEX job_by_due ON job (due_ms) WHERE due_ms IS NOT NULL;
    CREATE INDEX job_by_hook ON job (hook_due_ms) WHERE hook_due_ms IS NOT NULL;
    CREATE INDEX job_by_expiry ON job (expires_ms);
    """,
)
SCHEMA_VERSION = len(_STEPS)


class SchemaTooNew(RuntimeError):
    """The data folder was written by a newer version of this program."""


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _begin(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:  # another process has been writing all this time
            raise ServiceUnavailable from error
        raise


class Database:
    """One SQLite file, made and migrated when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write_lock = threading.Lock()
        self._writer = _connect(path)
        self._idle_readers: list[sqlite3.Connection] = []
        self._migrate()

    def _migrate(self) -> None:
        with self.writing() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA_VERSION:
                raise SchemaTooNew(f"{self.path} has schema {version}; this program knows up to {SCHEMA_VERSION}")
            for step in _STEPS[version:]:
                for statement in step.split(";"):
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction: on disk when it ends, undone when it raises."""
        with self._write_lock:
            _begin(self._writer)
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:  # a full disk has undone it already
                    self._writer.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection to the block; each statement sees everything committed before it.

        Connections belong to no thread: servers make threads and forget them, and each connection is three open files.
        """
        try:
            connection = self._idle_readers.pop()
        except IndexError:
            connection = _connect(self.path)
        try:
            yield connection
        finally:
            if len(self._idle_readers) < MAX_IDLE_READERS:
                self._idle_readers.append(connection)
            else:
                connection.close()

    def close(self) -> None:
        """Close every connection; the write-ahead log is folded into the file."""
        with self._write_lock:
            for connection in (*self._idle_readers, self._writer):
                connection.close()
