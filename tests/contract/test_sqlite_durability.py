import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from minipic.stores.local import database
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.codec import account_to_json
from minipic.stores.local.database import Database
from minipic.stores.local.repeats import SqliteRepeats
from tests.contract.account_values import CHARGE, NOVEMBER, NOW_MS, PLANS, make_account, make_lease

WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import Database
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


def test_kill_9_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """A writer killed at any moment leaves whole steps: each answered charge counted once, one line for each seq."""
    path, account = tmp_path / "minipic.sqlite3", make_account(free_limit=10**6)
    database = Database(path)
    SqliteAccounts(database).create(account)
    database.close()
    command = [sys.executable, "-c", WRITER, str(path), account.id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.3)
        writer.send_signal(signal.SIGKILL)
        answered = int(writer.stdout.read().split()[-1])
    reopened = Database(path)
    after = SqliteAccounts(reopened).read(account.id)
    lines = reopened.reading().execute("SELECT seq FROM ledger ORDER BY seq").fetchall()
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
