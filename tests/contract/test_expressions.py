"""Rules of DynamoDB that a stand-in may not enforce, held by every expression that the store can send."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from minipic.domain import metering
from minipic.domain.account import Entry, Source
from minipic.stores.aws import expressions
from tests.contract.account_values import NOVEMBER, NOW_MS, PLAN, make_account, make_lease

MAX_EXPRESSION_BYTES = 4096
ACCOUNT = make_account()
LEASE = make_lease(ACCOUNT)


def every_update() -> Iterator[expressions.Arguments]:
    expired = [f"lease-{number}" for number in range(PLAN.concurrency)]
    for busy, pruned, limit in itertools.product((True, False), ([], expired), (0, 5)):
        yield expressions.admit(LEASE, NOW_MS, NOVEMBER, PLAN, limit, busy=busy, expired=pruned)
    for source in (Source.FREE, Source.CREDIT, Source.SANDBOX):
        yield expressions.settle(LEASE, Entry(NOW_MS, NOVEMBER, "shrink", source))
    yield expressions.release(LEASE)
    for before in (ACCOUNT, replace(ACCOUNT, plan="paid")):
        granted = metering.grant(before, "p1", 5, NOW_MS, 5)
        assert granted.entry is not None
        yield expressions.grant(before, granted, granted.packs[-1], granted.entry)
    yield expressions.add_key(ACCOUNT.id, "k3", {}, 5)
    yield expressions.set_key_enabled(ACCOUNT.id, "k3", True)


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
