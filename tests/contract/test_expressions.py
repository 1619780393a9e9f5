"""Rules of DynamoDB that a stand-in may not enforce, held by every expression that the store can send."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from minipic.domain import credits as balance
from minipic.domain.account import Entry, Key, Overrides, Source
from minipic.domain.keys import Environment
from minipic.domain.metering import MAX_LEASES
from minipic.stores.aws import changes, expressions
from tests.contract.account_values import NOVEMBER, NOW_MS, PLAN, PLANS, make_account, make_lease

MAX_EXPRESSION_BYTES = 4096
ACCOUNT = make_account()
LEASE = make_lease(ACCOUNT)


def every_update() -> Iterator[expressions.Arguments]:
    expired = [f"{number:016}" for number in range(MAX_LEASES)]
    different = Overrides(free_images=5, concurrency=PLAN.concurrency)
    ways = itertools.product((True, False), ([], expired), (Overrides(), different), (True, False))
    for busy, pruned, overrides, from_queue in ways:
        guess = expressions.Guess("free", overrides, NOVEMBER, busy, from_queue)
        yield expressions.admit(LEASE, NOW_MS, PLANS, guess, pruned)
    for source in (Source.FREE, Source.CREDIT, Source.SANDBOX):
        yield expressions.settle(LEASE, Entry(NOW_MS, NOVEMBER, "shrink", source), PLANS)
    yield expressions.void(LEASE)
    yield expressions.release(LEASE)
    yield from every_change()


def every_change() -> Iterator[expressions.Arguments]:
    key, key_hash = Key(Environment.LIVE, "", NOW_MS), "0" * 64
    for before in (ACCOUNT, replace(ACCOUNT, plan="paid")):
        granted = balance.grant(before, "p1", 5, NOW_MS, PLANS)
        yield changes.add_credits(before, granted)
        yield changes.add_credits(granted, balance.correct(granted, "c1", -2, "mistake", NOW_MS))
    yield changes.set_plan(ACCOUNT.id, "paid", 5)
    yield changes.set_overrides(ACCOUNT, {"rate": 5}, 5)
    yield changes.set_low_balance(ACCOUNT.id, 5)
    yield changes.set_status(ACCOUNT.id, "suspended")
    for deleted in ([], ["k1", "k2"]):
        yield changes.add_key(ACCOUNT.id, "k3", key, key_hash, deleted)
    for leases in ([], [f"{number:016}" for number in range(MAX_LEASES)]):
        yield changes.drop_key(ACCOUNT.id, "k3", leases)
    yield changes.replace_key(ACCOUNT.id, "k3", "k4", key, key_hash)
    yield changes.set_key_enabled(ACCOUNT.id, "k3", True)
    yield changes.delete_key(ACCOUNT.id, "k3")
    months = {202001 + month: 1 for month in range(9)}
    old = replace(granted, free_used=months, images=months, sandbox_used=months)
    for kept in (old.packs, ()):
        update = changes.forget(old, NOW_MS, kept)
        assert update is not None
        yield update


def has_redundant_parentheses(expression: str) -> bool:
    """Tell whether a pair of parentheses holds nothing but another pair: DynamoDB refuses that."""
    opened: list[int] = []
    pairs = set()
    for position, character in enumerate(expression):
        if character == "(":
            opened.append(position)
        elif character == ")":
            pairs.add((opened.pop(), position))
    return any((start + 1, end - 1) in pairs for start, end in pairs)


@pytest.mark.parametrize("update", list(every_update()))
def test_an_expression_is_one_that_dynamodb_takes(update: expressions.Arguments) -> None:
    """Every name and value is used and defined, no word is bare, and no expression is too long or doubly wrapped."""
    for field in ("ConditionExpression", "UpdateExpression"):
        assert len(update[field]) <= MAX_EXPRESSION_BYTES
        assert not has_redundant_parentheses(update[field])
    both = update["ConditionExpression"] + " " + update["UpdateExpression"]
    assert set(re.findall(r"#\w+", both)) == set(update["ExpressionAttributeNames"])
    assert set(re.findall(r":\w+", both)) == set(update.get("ExpressionAttributeValues", {}))
    functions = {"size", "attribute_exists", "attribute_not_exists", "if_not_exists", "list_append"}
    assert set(re.findall(r"(?<![#:\w])[a-z_]+", both)) <= functions


def test_double_wrapping_is_seen() -> None:
    """The check above tells a doubled pair of parentheses from a nested one."""
    assert has_redundant_parentheses("a AND ((b OR c))")
    assert not has_redundant_parentheses("((a AND b) OR (c AND size(d)))")
