"""Notices on both stores: a crossing's notice is there once, and is worked on by one at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from minipic.domain.account import Account
from minipic.domain.notices import MAX_TRIES, Notice, Webhook, notice_of
from minipic.stores import Accounts, Notices
from minipic.stores.aws.notices import DynamoNotices
from minipic.stores.local.notices import SqliteNotices
from tests.contract.account_values import (
    CHARGE,
    NEXT_MONTH_MS,
    NOW_MS,
    PLAN,
    PLANS,
    TEST_KEY,
    charge,
    make_account,
    make_lease,
)
from tests.contract.conftest import STORES
from tests.contract.test_concurrency import at_once

ALL = 10_000
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Bell:
    """Accounts and their notices on one store; ``settle_up`` returns when every step so far has its notice."""

    accounts: Accounts
    notices: Notices
    settle_up: Callable[[], None]

    def account(self, free_limit: int = 5, low_balance: int = 3) -> Account:
        """Return a new account that wants to be told."""
        account = make_account(free_limit)
        self.accounts.create(account)
        return self.accounts.set_low_balance(account.id, low_balance)

    def of(self, account: Account, now_ms: int = NOW_MS) -> list[Notice]:
        """Return the account's notices that are due now, of steps up to now."""
        self.settle_up()
        return [notice for notice in self.notices.due(now_ms, ALL) if notice.account_id == account.id]

    def crossed(self) -> Notice:
        """Return the notice of a new account."""
        account = self.account(free_limit=3)
        charge(self.accounts, account)
        (notice,) = self.of(account)
        return notice


@pytest.fixture(params=STORES)
def bell(request: pytest.FixtureRequest) -> Bell:
    if request.param == "local":
        database = request.getfixturevalue("sqlite_database")
        return Bell(request.getfixturevalue("sqlite_accounts"), SqliteNotices(database), lambda: None)
    books, stack = request.getfixturevalue("dynamo_books"), request.getfixturevalue("aws_stack")
    notices = DynamoNotices(request.getfixturevalue("client"), stack.ledger_table_name)
    return Bell(books.accounts, notices, books.settle_up)


def test_a_crossing_gives_the_models_notice_once(bell: Bell) -> None:
    """Five charges through the threshold leave one notice, that of the model for the step that crossed."""
    account = bell.account(free_limit=5, low_balance=3)
    states = [bell.accounts.read(account.id)]
    states += [charge(bell.accounts, account, NOW_MS + number * 1000).account for number in range(5)]
    assert bell.of(account) == [notice_of(states[2], states[3], 0)]


def test_each_month_is_a_crossing(bell: Bell) -> None:
    """A month's free images lift the balance, and their end is told again."""
    account = bell.account(free_limit=2, low_balance=1)
    for now_ms in (NOW_MS, NOW_MS + 1, NEXT_MONTH_MS, NEXT_MONTH_MS + 1):
        charge(bell.accounts, account, now_ms)
    assert [notice.at_ms for notice in bell.of(account)] == [NOW_MS + 1, NEXT_MONTH_MS + 1]


def test_a_pack_is_crossed_in_its_turn(bell: Bell) -> None:
    """A pack raises the balance; its last images are another crossing, and credits that are taken away one more."""
    account = bell.account(free_limit=0, low_balance=2)
    bell.accounts.set_plan(account.id, replace(PLAN, name="paid", free_images=0))
    bell.accounts.grant(account.id, "p1", 2, NOW_MS, PLANS)
    charge(bell.accounts, account, NOW_MS + 1)
    bell.accounts.grant(account.id, "p2", 9, NOW_MS + 2, PLANS)
    bell.accounts.correct(account.id, "c1", -9, "by mistake", NOW_MS + 3)
    crossed = [notice for notice in bell.of(account) if notice.at_ms in (NOW_MS + 1, NOW_MS + 3)]
    assert [notice.credits_remaining for notice in crossed] == [1, 1]


def test_an_operators_change_is_a_crossing(bell: Bell) -> None:
    """A threshold above the balance tells, and so does a lowered quota, although neither makes a line."""
    account = bell.account(free_limit=5, low_balance=0)
    bell.accounts.set_low_balance(account.id, 6)
    (first,) = bell.of(account)
    assert (first.threshold, first.free_remaining) == (6, 5)
    bell.accounts.set_plan(account.id, replace(PLAN, free_images=50))
    bell.accounts.set_plan(account.id, replace(PLAN, free_images=2))
    (second,) = (notice for notice in bell.of(account) if notice.id != first.id)
    assert (second.threshold, second.free_remaining) == (6, 2)


def test_what_is_no_crossing_tells_nothing(bell: Bell) -> None:
    """Sandbox calls, released requests and accounts without a threshold leave no notice."""
    silent, account = bell.account(free_limit=1, low_balance=0), bell.account(free_limit=4, low_balance=4)
    charge(bell.accounts, silent)
    charge(bell.accounts, account, key_id=TEST_KEY)
    lease = make_lease(account)
    bell.accounts.admit(lease, NOW_MS, PLANS)
    bell.accounts.release(lease)
    assert bell.of(silent) == bell.of(account) == []


def test_sixteen_threads_cross_once(bell: Bell) -> None:
    """Sixteen requests at once draw 20 images down to 4: one notice, and it says what the crossing left."""
    account = bell.account(free_limit=20, low_balance=12)

    def request(number: int) -> bool:
        now_ms = NOW_MS + number
        lease = make_lease(account, now_ms=now_ms)
        admitted = bell.accounts.admit(lease, now_ms, PLANS).error is None
        return admitted and bell.accounts.settle(lease, now_ms, CHARGE, PLANS).error is None

    assert at_once(16, request) == [True] * 16
    (notice,) = bell.of(account)
    assert (notice.free_remaining, notice.threshold) == (11, 12)


def test_a_claimed_notice_is_due_after_the_pause(bell: Bell) -> None:
    """A try that began moves the notice forward and counts, and the next one begins from there."""
    notice = bell.crossed()
    account = bell.accounts.read(notice.account_id)
    claimed = bell.notices.claim(notice, NOW_MS)
    assert claimed == replace(notice, tries=1, due_ms=NOW_MS + MINUTE_MS)
    assert bell.of(account, NOW_MS + MINUTE_MS - 1) == []
    assert bell.of(account, NOW_MS + MINUTE_MS) == [claimed]
    again = bell.notices.claim(claimed, NOW_MS + MINUTE_MS)
    assert again == replace(notice, tries=2, due_ms=NOW_MS + 6 * MINUTE_MS)


def test_one_of_many_claims_a_notice(bell: Bell) -> None:
    """Eight that read the same notice and begin at once: one of them does."""
    notice = bell.crossed()
    claims = at_once(8, lambda _: bell.notices.claim(notice, NOW_MS))
    assert len([claim for claim in claims if claim is not None]) == 1


def test_a_closed_notice_is_gone(bell: Bell) -> None:
    """What was delivered is not due again, not even for whoever had read it; closing it twice is no error."""
    notice = bell.crossed()
    claimed = bell.notices.claim(notice, NOW_MS)
    assert claimed is not None
    bell.notices.close(claimed)
    bell.notices.close(claimed)
    assert bell.notices.claim(claimed, NOW_MS + MINUTE_MS) is None
    assert bell.of(bell.accounts.read(notice.account_id), claimed.due_ms) == []


def test_who_waits_longest_comes_first(bell: Bell) -> None:
    """Due notices come in the order of their times, no more than are asked for."""
    late, early = bell.crossed(), bell.crossed()
    for notice in bell.notices.due(NOW_MS + MAX_TRIES * 1000 * MINUTE_MS, ALL):
        if notice.id not in (late.id, early.id):
            bell.notices.close(notice)
    bell.notices.claim(late, NOW_MS + 2)
    bell.notices.claim(early, NOW_MS + 1)
    assert [notice.id for notice in bell.notices.due(NOW_MS + 2 * MINUTE_MS, ALL)] == [early.id, late.id]
    assert [notice.id for notice in bell.notices.due(NOW_MS + 2 * MINUTE_MS, 1)] == [early.id]


def test_a_webhook_is_kept_replaced_and_forgotten(bell: Bell) -> None:
    """An account has one webhook at most, the one that was set last; none before, and none after it was taken away."""
    account = bell.account()
    assert bell.notices.webhook(account.id) is None
    for webhook in (Webhook("https://a.example.com/x", "whsec_1"), Webhook("https://b.example.com/y", "whsec_2"), None):
        bell.notices.set_webhook(account.id, webhook)
        assert bell.notices.webhook(account.id) == webhook
    bell.notices.set_webhook(account.id, None)
    assert bell.notices.webhook(account.id) is None
