import gc
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from minipic.domain.metering import Verdict
from minipic.errors import ServiceUnavailable
from minipic.stores.local import database
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.codec import account_to_json
from minipic.stores.local.database import MAX_IDLE_READERS, Database
from minipic.stores.local.repeats import SqliteRepeats
from tests.contract.account_values import CHARGE, NOVEMBER, NOW_MS, PLANS, make_account, make_lease
from tests.contract.test_concurrency import at_once

WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import MAX_IDLE_READERS, Database
from tests.contract.account_values import *

accounts = SqliteAccounts(Database(Path(sys.argv[1])))
plans = plans_with(free=replace(PLAN, burst=10**6))
for number in range(10**6):
    lease = replace(make_lease(make_account()), account_id=sys.argv[2])
    accounts.admit(lease, NOW_MS, plans)
    accounts.settle(lease, NOW_MS, CHARGE, PLANS)
    print(number + 1, flush=True)
"""


def test_an_account_survives_reopening(tmp_path: Path) -> None:
    """What was charged before the file was closed is there when it is opened again."""
    path, account = tmp_path / "minipic.sqlite3", make_account()
    first = Database(path)
    accounts = SqliteAccounts(first)
    accounts.create(account)
    lease = make_lease(account)
    accounts.admit(lease, NOW_MS, PLANS)
    settled = accounts.settle(lease, NOW_MS, CHARGE, PLANS).account
    first.close()
    again = Database(path)
    assert SqliteAccounts(again).read(account.id) == settled
    again.close()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files by /proc")
def test_threads_that_come_and_go_leave_few_files_open(tmp_path: Path) -> None:
    """However many threads have read and ended, no more files are open than so many at once can need."""
    database = Database(tmp_path / "minipic.sqlite3")
    accounts, account = SqliteAccounts(database), make_account()
    accounts.create(account)
    gc.collect()
    before = open_files()
    for _ in range(8):
        assert at_once(30, lambda _: accounts.read(account.id)) == [account] * 30
    # SQLite keeps a closed connection's file for the next one: one each, and two more of those that are idle.
    assert open_files() - before <= 30 + 3 * MAX_IDLE_READERS
    assert len(database._idle_readers) <= MAX_IDLE_READERS
    database.close()


def test_a_settle_that_waits_too_long_is_not_charged(tmp_path: Path) -> None:
    """Who waits for the file until the lease is over must not take its absence for a charge."""
    database = Database(tmp_path / "minipic.sqlite3")
    accounts, account = SqliteAccounts(database), make_account()
    accounts.create(account)
    lease = make_lease(account)
    accounts.admit(lease, NOW_MS, PLANS)
    is_begun = threading.Event()

    def settle() -> Verdict:
        is_begun.set()
        return accounts.settle(lease, lease.expires_ms - 20, CHARGE, PLANS)

    with ThreadPoolExecutor(1) as pool:
        with database.writing():
            late = pool.submit(settle)
            assert is_begun.wait(60)
            time.sleep(0.1)
        verdict = late.result()
    assert isinstance(verdict.error, ServiceUnavailable)
    assert accounts.read(account.id).images == {}
    database.close()


def test_a_file_that_another_process_writes_for_ever_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that never gets its turn is 503, and the next one goes through."""
    monkeypatch.setattr("minipic.stores.local.database.BUSY_TIMEOUT_S", 0.05)
    first, second = (Database(tmp_path / "minipic.sqlite3") for _ in range(2))
    account = make_account()
    with first.writing(), pytest.raises(ServiceUnavailable):
        SqliteAccounts(second).create(account)
    SqliteAccounts(second).create(account)
    assert SqliteAccounts(first).read(account.id) == account
    first.close()
    second.close()


def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """A writer killed at any moment leaves whole steps: each answered charge counted once, one line for each seq."""
    path, account = tmp_path / "minipic.sqlite3", make_account(free_limit=10**6)
    database = Database(path)
    SqliteAccounts(database).create(account)
    database.close()
    command = [sys.executable, "-c", WRITER, str(path), account.id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(0.3)
        writer.send_signal(signal.SIGKILL)
        answered = int((first + writer.stdout.read()).split()[-1])
    reopened = Database(path)
    after = SqliteAccounts(reopened).read(account.id)
    with reopened.reading() as connection:
        lines = connection.execute("SELECT seq FROM ledger ORDER BY seq").fetchall()
    reopened.close()
    assert after.seq in (answered, answered + 1)
    assert after.images == after.free_used == {NOVEMBER: after.seq}
    assert [seq for (seq,) in lines] == list(range(1, after.seq + 1))


def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    """A file of the first version keeps its accounts, and gets what came later."""
    path, account = tmp_path / "minipic.sqlite3", make_account()
    with closing(sqlite3.connect(path)) as old:
        old.executescript(f"{database._STEPS[0]}; PRAGMA user_version = 1")
        old.execute("INSERT INTO account VALUES (?, ?)", (account.id, account_to_json(account)))
        old.commit()
    opened = Database(path)
    assert SqliteAccounts(opened).read(account.id) == account
    assert SqliteRepeats(opened).find(account.id, "h", NOW_MS) is None
    opened.close()
