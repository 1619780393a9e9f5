"""Jobs in SQLite. The table is the queue, too: a job is due at a time, and a worker that takes it moves that on."""

import fcntl
import sqlite3
import threading
import time
from collections.abc import Sequence
from typing import TextIO

from minipic.domain.jobs import LIFETIME_MS, Job, State, job_from_json
from minipic.stores.local.database import Database

# Longer than a lease: by then a try whose process is gone can be charged no more, and the next one need not wait.
HIDDEN_MS = 150_000
LOOK_S = 0.5
AGAIN_MS = 15_000  # what ended a try may pass by itself: a full disk, a crowd


class SqliteJobs:
    """The port ``Jobs`` on the tables of one file, and what its workers ask for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._calling: dict[int, str] = {}
        self._calls = threading.Lock()
        self._lock_file: TextIO | None = None
        self.news = threading.Event()  # set when something may have become due: nobody has to look all the time

    def create(self, jobs: Sequence[Job]) -> bool:
        """Store new jobs, due at once, in one transaction."""
        rows = [(job.id, job.account_id, job.created_ms, job.created_ms + LIFETIME_MS, job.to_json()) for job in jobs]
        try:
            with self._database.writing() as connection:
                connection.executemany(
                    "INSERT INTO job (id, account_id, due_ms, expires_ms, job) VALUES (?, ?, ?, ?, ?)", rows
                )
        except sqlite3.IntegrityError:
            return False
        self.news.set()
        return True

    def read(self, job_id: int) -> Job | None:
        """Return the job as it is now, or None."""
        with self._database.reading() as connection:
            return _read(connection, job_id)

    def page(self, account_id: str, before_id: int, limit: int) -> list[Job]:
        """Return an account's jobs with a smaller id, the newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT job FROM job WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
                (account_id, before_id, limit),
            ).fetchall()
        return [job_from_json(text) for (text,) in rows]

    def begin(self, job_id: int, now_ms: int) -> Job | None:
        """Begin a try in one transaction."""
        with self._database.writing() as connection:
            job = _read(connection, job_id)
            if job is None or job.state is not State.PROCESSING:
                return job
            begun = job.begun(now_ms)
            _write(connection, begun)
            return begun

    def put_back(self, job: Job) -> None:
        """Take back the count of a try in one transaction."""
        with self._database.writing() as connection:
            if _read(connection, job.id) == job:
                _write(connection, job.put_back())

    def end(self, job: Job) -> bool:
        """Store a job that has ended; it is due no more, and its webhook is."""
        with self._database.writing() as connection:
            there = _read(connection, job.id)
            if there is None or there.state is not State.PROCESSING:
                return False
            _write(connection, job)
            hook_due_ms = None if job.hook is None else job.ended_ms
            connection.execute("UPDATE job SET due_ms = NULL, hook_due_ms = ? WHERE id = ?", (hook_due_ms, job.id))
        self.news.set()
        return True

    def hook_called(self, job: Job, wait_s: int | None) -> None:
        """Store what came of a call, and when the next one is due."""
        due_ms = None if wait_s is None else time.time_ns() // 1_000_000 + wait_s * 1000
        with self._database.writing() as connection:
            _write(connection, job)
            connection.execute("UPDATE job SET hook_due_ms = ? WHERE id = ?", (due_ms, job.id))

    def take_due(self, now_ms: int) -> int | None:
        """Return a job that is due, hidden from the other workers for a while; None when there is none."""
        return self._take("due_ms", now_ms)

    def take_due_hook(self, now_ms: int) -> int | None:
        """Return a job whose webhook is due, hidden for a while; None when there is none.

        An account is called once at a time, until ``hook_done``: its slow server is nobody else's trouble.
        """
        with self._calls:
            job_id = self._take("hook_due_ms", now_ms, tuple(set(self._calling.values())))
            job = None if job_id is None else self.read(job_id)
            if job is not None:
                self._calling[job.id] = job.account_id
            return job_id

    def hook_done(self, job_id: int) -> None:
        """Let the account of a job's webhook be called again."""
        with self._calls:
            self._calling.pop(job_id, None)

    def wait_until_alone(self, stop: threading.Event) -> bool:
        """Return True once no other process works on these jobs, nor will while this one lives; False at ``stop``."""
        self._lock_file = self._database.path.with_name("jobs.lock").open("a")
        while not stop.is_set():
            try:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stop.wait(LOOK_S)
            else:
                return True
        self._lock_file.close()
        return False

    def _take(self, column: str, now_ms: int, not_of: tuple[str, ...] = ()) -> int | None:
        others = f"AND account_id NOT IN ({', '.join('?' * len(not_of))})" if not_of else ""
        with self._database.reading() as connection:  # a look costs no lock: most find nothing
            look = f"SELECT 1 FROM job WHERE {column} <= ? {others} LIMIT 1"
            if connection.execute(look, (now_ms, *not_of)).fetchone() is None:
                return None
        with self._database.writing() as connection:
            row = connection.execute(
                f"UPDATE job SET {column} = ? WHERE id = "
                f"(SELECT id FROM job WHERE {column} <= ? {others} ORDER BY {column}, id LIMIT 1) RETURNING id",
                (now_ms + HIDDEN_MS, now_ms, *not_of),
            ).fetchone()
        return None if row is None else int(row[0])

    def bring_again(self, job_id: int, now_ms: int) -> None:
        """Make a job due soon, whose try came to nothing."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE job SET due_ms = ? WHERE id = ? AND due_ms IS NOT NULL", (now_ms + AGAIN_MS, job_id)
            )

    def interrupted(self) -> list[Job]:
        """Return the jobs that a worker had begun and not ended."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT job FROM job WHERE due_ms IS NOT NULL").fetchall()
        return [job for job in (job_from_json(text) for (text,) in rows) if job.tries]

    def bring_all(self, now_ms: int) -> None:
        """Make every job due that has not ended: nobody works on any."""
        with self._database.writing() as connection:
            connection.execute("UPDATE job SET due_ms = ? WHERE due_ms > ?", (now_ms, now_ms))

    def sweep(self, now_ms: int) -> None:
        """Forget jobs that are past their lifetime."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM job WHERE expires_ms <= ?", (now_ms,))


def _read(connection: sqlite3.Connection, job_id: int) -> Job | None:
    row = connection.execute("SELECT job FROM job WHERE id = ?", (job_id,)).fetchone()
    return None if row is None else job_from_json(row[0])


def _write(connection: sqlite3.Connection, job: Job) -> None:
    connection.execute("UPDATE job SET job = ? WHERE id = ?", (job.to_json(), job.id))
