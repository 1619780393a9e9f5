"""One of several processes that hammer an account: threads that admit and settle until nothing is left.

Run as a program with the store, its address and the account as JSON. It prints how often each answer came.
"""

import json
import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from minipic.domain.metering import LEASE_MS, Charge, Lease
from minipic.domain.plans import Plans
from minipic.errors import ServiceUnavailable
from minipic.stores import Accounts
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import Database
from tests.contract.account_values import LIVE_KEY, NOW_MS, PAID, PLAN
from tests.contract.faults import Fault, FaultyLine, without_waiting

WIDE = replace(PLAN, rate_per_second=1000, burst=10**6, concurrency=1000)
PLANS = Plans({"free": WIDE, "paid": replace(WIDE, name="paid", free_images=PAID.free_images)})
THREADS = 8
REQUESTS_PER_THREAD = 6
# Every second request at most meets a fault, so that most get through within their three tries.
FAULTS = (None, None, None, Fault.LOST_ANSWER, Fault.LOST_REQUEST, Fault.BROKEN_AFTER, Fault.THROTTLED)


class RandomPlan(list[Fault | None]):
    """Faults without end, by chance, but never two in a row."""

    def __init__(self, seed: int) -> None:
        super().__init__([None])
        self._random = random.Random(seed)
        self._was_fault = False

    def pop(self, index: Any = -1, /) -> Fault | None:
        """Return what happens to the next request."""
        del index
        fault = None if self._was_fault else self._random.choice(FAULTS)
        self._was_fault = fault is not None
        return fault


def open_store(address: dict[str, str], seed: int) -> Accounts:
    """Return the store, its line to DynamoDB faulty."""
    if "path" in address:
        return SqliteAccounts(Database(Path(address["path"])))
    client, _ = make_clients(address["region"], address["endpoint_url"])
    FaultyLine(client).plan = RandomPlan(seed)
    return DynamoAccounts(client, address["table"])


def hammer(accounts: Accounts, account_id: str, worker: str) -> Counter[str]:
    """Return how many requests were charged, and how many refused, by error."""
    answers: Counter[str] = Counter()
    for number in range(REQUESTS_PER_THREAD):
        lease = Lease(account_id, LIVE_KEY, f"{worker}-{number}", NOW_MS + LEASE_MS)
        try:
            error = accounts.admit(lease, NOW_MS, PLANS).error
            if error is None:
                error = accounts.settle(lease, NOW_MS, Charge("shrink", lease.id, 10, 5, "png"), PLANS).error
                if error is not None:
                    accounts.release(lease)
        except ServiceUnavailable as unavailable:
            error = unavailable
        answers["charged" if error is None else error.code] += 1
    return answers


def main() -> None:
    """Hammer from several threads at once."""
    address, account_id, worker = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    accounts = open_store(address, worker)
    with without_waiting(), ThreadPoolExecutor(THREADS) as pool:
        counts = pool.map(lambda thread: hammer(accounts, account_id, f"w{worker}-{thread}"), range(THREADS))
        print(json.dumps(sum(counts, Counter())))


if __name__ == "__main__":
    main()
