import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar
from uuid import uuid4

from minipic.domain.account import MAX_KEYS, Key
from minipic.domain.keys import Environment
from minipic.errors import AccountLimitReached
from minipic.stores import Accounts, TooManyKeys
from tests.contract.account_values import (
    CHARGE,
    LIVE_KEY,
    NOVEMBER,
    NOW_MS,
    PLAN,
    PLANS,
    make_account,
    make_lease,
    plans_with,
)

T = TypeVar("T")


def at_once(workers: int, work: Callable[[int], T]) -> list[T]:
    """Return what ``work`` returned for each number, all of them started together."""
    barrier = threading.Barrier(workers)

    def wait_and_work(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(wait_and_work, range(workers)))


def test_sixteen_threads_charge_exactly_what_is_there(accounts: Accounts) -> None:
    """With 6 free images and 4 credits left, 16 requests at once draw exactly 10, and every line is counted."""
    account = make_account(free_limit=6)
    accounts.create(account)
    accounts.set_plan(account.id, replace(PLAN, name="paid", free_images=6))
    accounts.grant(account.id, "p1", 4, NOW_MS, PLANS)

    def request(number: int) -> str:
        now_ms = NOW_MS + number
        lease = make_lease(account, now_ms=now_ms)
        error = accounts.admit(lease, now_ms, PLANS).error
        if error is None:
            error = accounts.settle(lease, now_ms, CHARGE, PLANS).error
            if error is not None:
                accounts.release(lease)
        return "charged" if error is None else error.code

    assert Counter(at_once(16, request)) == {"charged": 10, AccountLimitReached.code: 6}
    after = accounts.read(account.id)
    assert after.images == {NOVEMBER: 10}
    assert after.free_used == {NOVEMBER: 6}
    assert after.credits_drawn == 4
    assert after.seq == 11
    assert after.keys[LIVE_KEY].leases == {}


def test_a_burst_at_once_is_the_burst(accounts: Accounts) -> None:
    """Of 30 requests in the same millisecond, exactly the burst of 20 is admitted."""
    account = make_account(free_limit=100)
    accounts.create(account)
    plan = replace(PLAN, concurrency=100)
    plans = plans_with(free=plan)
    admitted = at_once(30, lambda _: accounts.admit(make_lease(account), NOW_MS, plans).error is None)
    assert sum(admitted) == plan.burst
    key = accounts.read(account.id).keys[LIVE_KEY]
    assert key.tat_ms == NOW_MS + sum(admitted) * plan.interval_ms
    assert len(key.leases) == sum(admitted)


def test_one_lease_settled_by_many_is_one_charge(accounts: Accounts) -> None:
    """Eight threads that settle the same lease all succeed, and one image is charged."""
    account = make_account()
    accounts.create(account)
    lease = make_lease(account)
    accounts.admit(lease, NOW_MS, PLANS)
    errors = at_once(8, lambda _: accounts.settle(lease, NOW_MS, CHARGE, PLANS).error)
    assert errors == [None] * 8
    assert accounts.read(account.id).images == {NOVEMBER: 1}
    assert accounts.read(account.id).seq == 1


def test_ten_threads_add_keys_up_to_five(accounts: Accounts) -> None:
    """Ten keys added at once to an account that holds two: three succeed, and the others' hashes lead nowhere."""
    account = make_account()
    accounts.create(account)
    hashes = [uuid4().hex for _ in range(10)]

    def add(number: int) -> bool:
        try:
            accounts.add_key(account.id, f"new-{number}", Key(Environment.LIVE, "", NOW_MS), hashes[number])
        except TooManyKeys:
            return False
        return True

    added = at_once(10, add)
    assert sum(added) == MAX_KEYS - len(account.keys)
    assert len(accounts.read(account.id).keys) == MAX_KEYS
    assert [accounts.find_key(key_hash) is not None for key_hash in hashes] == added


def test_grants_at_once_all_count_once(accounts: Accounts) -> None:
    """Four packs, each granted by two threads at once, are four packs and four lines without a gap in their ends."""
    account = make_account()
    accounts.create(account)
    at_once(8, lambda number: accounts.grant(account.id, f"p{number % 4}", 10, NOW_MS, PLANS))
    after = accounts.read(account.id)
    assert [pack.end for pack in after.packs] == [10, 20, 30, 40]
    assert {pack.id for pack in after.packs} == {"p0", "p1", "p2", "p3"}
    assert (after.credits_bought, after.seq) == (40, 4)
