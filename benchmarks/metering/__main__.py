"""What it costs to admit and to settle a request: in both stores, alone, in a crowd, and when much has been written.

Times are this machine's, and DynamoDB is a stand-in whose own times grow with its tables: what counts is the ratio to
the plainest durable write of the same store, the number of calls, and that neither grows with what is stored.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from typing import Any

from benchmarks.metering.places import LedgerRow, Place, on_dynamodb, on_sqlite

from minipic.domain.account import Account, Key, Plan
from minipic.domain.keys import Environment
from minipic.domain.ledger import Line
from minipic.domain.metering import LEASE_MS, Charge, Lease, month_of
from minipic.domain.plans import Plans

WIDE = Plan("free", 10**9, 10**6, rate_per_second=1000, burst=10**6, concurrency=1000)
PLANS = Plans({"free": WIDE, "paid": WIDE})
THREADS = (1, 8, 32)
CONTENTION_PER_S = 50
FLAT_RATIO = 1.3  # noise of a shared machine included
KEY = "k"
PAGE_MONTH, GROWN_MONTH = 202501, 202502  # long before what the benchmark itself charges
Row = dict[str, Any]
_numbers = count()


def main() -> None:
    """Measure, and print a table for people or JSON for scripts."""
    parser = argparse.ArgumentParser(prog="make bench-metering", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each measurement")
    parser.add_argument("--accounts", type=int, default=10_000, help="to be there while growth is measured")
    parser.add_argument("--lines", type=int, default=1_000_000, help="of the ledger, on SQLite")
    parser.add_argument("--lines-dynamodb", type=int, default=50_000, help="the stand-in takes 2 000 a second")
    chosen = parser.parse_args()
    rows: list[Row] = []
    with ExitStack() as stack:
        for place, lines in (
            (stack.enter_context(on_sqlite()), chosen.lines),
            (stack.enter_context(on_dynamodb()), chosen.lines_dynamodb),
        ):
            rows += _measured(place, chosen.seconds, chosen.accounts, lines)
    report = {"rows": rows, "flat": all(row["ratio"] <= FLAT_RATIO for row in rows if row["judged"])}
    print(json.dumps(report, indent=1) if chosen.json else _table(rows))
    sys.exit(0 if report["flat"] else 1)


def _measured(place: Place, duration_s: float, accounts: int, lines: int) -> list[Row]:
    hot = _new_account(place)
    others = [_new_account(place).id for _ in range(max(THREADS))]
    bare = _run(place, "bare write", 1, duration_s, lambda _: place.bare_write())
    rows = [bare]
    own = _charging(place, others)
    rows += [_run(place, f"charge, {threads} on own accounts", threads, duration_s, own) for threads in THREADS]
    rows.append(_run(place, "charge, 32 on one account", 32, duration_s, _charging(place, [hot.id] * 32)))
    rows.append(_contention(place, hot.id, duration_s))
    for row in rows:
        row["ratio"] = round(row["p50_ms"] / bare["p50_ms"], 2)
    place.fill([_line(hot.id, PAGE_MONTH, seq) for seq in range(1, 101)])
    before = {name: _run(place, name, 1, duration_s, work) for name, work in _growing(place, hot).items()}
    _grow(place, hot, accounts, lines)
    for name, work in _growing(place, hot).items():
        row = _run(place, f"after growth: {name}", 1, duration_s, work)
        # The stand-in searches a whole table for each item: of it, calls are compared.
        unit = "p50_ms" if place.is_real else "calls"
        rows.append(row | {"ratio": round(row[unit] / before[name][unit], 2), "judged": True})
    return rows


def _growing(place: Place, hot: Account) -> dict[str, Callable[[int], None]]:
    """Return what must cost the same however much is stored."""
    month = month_of(_now_ms())

    def usage(_: int) -> None:
        place.accounts.read(hot.id)
        place.ledger.sums(hot.id, month)

    def page(_: int) -> None:
        place.ledger.lines(hot.id, PAGE_MONTH, 0, 100)

    return {
        "charge": _charging(place, [hot.id]),
        "usage": usage,
        "ledger page": page,
    }


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _new_account(place: Place) -> Account:
    keys = {KEY: Key(Environment.LIVE, "bench", 0)}
    account = Account(f"acct-{next(_numbers):06}", "bench", 0, "free", 10**9, keys=keys)
    place.accounts.create(account)
    return account


def _charging(place: Place, account_ids: list[str]) -> Callable[[int], None]:
    def charge(worker: int) -> None:
        now_ms = _now_ms()
        lease = Lease(account_ids[worker], KEY, f"l{next(_numbers)}", now_ms + LEASE_MS)
        for verdict in (
            place.accounts.admit(lease, now_ms, PLANS),
            place.accounts.settle(lease, now_ms, Charge("shrink", lease.id, 1000, 500), PLANS),
        ):
            if verdict.error is not None:
                raise verdict.error

    return charge


def _run(place: Place, what: str, threads: int, duration_s: float, work: Callable[[int], None]) -> Row:
    """Let threads do the work over and over, each as fast as it can."""
    end_s = time.perf_counter() + duration_s
    barrier = threading.Barrier(threads)

    def repeat(worker: int) -> list[float]:
        times_ms = []
        barrier.wait()
        while time.perf_counter() < end_s:
            started_s = time.perf_counter()
            work(worker)
            times_ms.append((time.perf_counter() - started_s) * 1000)
        return times_ms

    calls = place.calls[0]
    with ThreadPoolExecutor(threads) as pool:
        times_ms = [one for each in pool.map(repeat, range(threads)) for one in each]
    return _row(place, what, times_ms, duration_s, place.calls[0] - calls)


def _contention(place: Place, account_id: str, duration_s: float) -> Row:
    """Charge one account 50 times a second, each at its time, however long the others take."""
    charge, total = _charging(place, [account_id] * CONTENTION_PER_S), int(duration_s * CONTENTION_PER_S)
    started_s = time.perf_counter()

    def at_its_time(number: int) -> float:
        due_s = started_s + number / CONTENTION_PER_S
        time.sleep(max(0.0, due_s - time.perf_counter()))
        charge(number % CONTENTION_PER_S)
        return (time.perf_counter() - due_s) * 1000

    calls = place.calls[0]
    with ThreadPoolExecutor(32) as pool:
        times_ms = list(pool.map(at_its_time, range(total)))
    what = f"charge, {CONTENTION_PER_S}/s on one account"
    return _row(place, what, times_ms, time.perf_counter() - started_s, place.calls[0] - calls)


def _row(place: Place, what: str, times_ms: list[float], duration_s: float, calls: int) -> Row:
    centiles = statistics.quantiles(times_ms, n=100)
    return {
        "store": place.name,
        "what": what,
        "per_second": round(len(times_ms) / duration_s),
        "p50_ms": round(centiles[49], 3),
        "p99_ms": round(centiles[98], 3),
        "calls": round(calls / len(times_ms), 2),
        "judged": False,
    }


def _grow(place: Place, hot: Account, accounts: int, lines: int) -> None:
    """Add accounts, and ledger lines: half of them to the one that is measured."""
    ids = [_new_account(place).id for _ in range(accounts)]
    started_s = time.monotonic()
    chunk: list[LedgerRow] = []
    for number in range(lines):
        chunk.append(_line(hot.id if number % 2 else ids[number // 2 % accounts], GROWN_MONTH, number + 1))
        if len(chunk) == 50_000 or number + 1 == lines:
            place.fill(chunk)
            chunk = []
            print(f"{place.name}: {number + 1} lines, {time.monotonic() - started_s:.0f} s", file=sys.stderr)


def _line(account_id: str, month: int, seq: int) -> LedgerRow:
    return account_id, Line(seq, 0, month, "shrink", KEY, "bench", "r" * 32, 1000, 500, 1, "plan", 1, 0)


def _table(rows: list[Row]) -> str:
    head = f"{'store':<9} {'what':<34} {'per second':>10} {'p50 ms':>8} {'p99 ms':>8} {'calls':>6} {'ratio':>6}"
    body = [
        f"{row['store']:<9} {row['what']:<34} {row['per_second']:>10} {row['p50_ms']:>8} {row['p99_ms']:>8} "
        f"{row['calls']:>6} {row['ratio']:>6}"
        for row in rows
    ]
    note = "ratio: to the bare write of the same store; after growth: to the same work before it (DynamoDB: its calls)"
    return "\n".join([head, *body, note])


if __name__ == "__main__":
    main()
