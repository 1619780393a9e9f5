"""When a step is a crossing, what its notice says, and how often it is tried."""

import json
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from minipic.domain.account import Account
from minipic.domain.credits import correct, grant, is_low
from minipic.domain.metering import Charge, admit, release, settle
from minipic.domain.notices import MAX_TRIES, WAITS_MS, Notice, Webhook, notice_of
from minipic.domain.pruning import pruned

from .accounts_at_hand import NOW_MS, PLANS, make_account, make_lease

CHARGE = Charge("shrink", "result", 100, 50)
DECEMBER_MS = 1_796_083_200_000  # 2026-12-01
DAY_MS = 24 * 3600 * 1000


def charged(account: Account, now_ms: int = NOW_MS, key_id: str = "k") -> Account:
    lease = make_lease(f"l{account.seq}", key_id, now_ms)
    admitted = admit(account, lease, now_ms, PLANS)
    settled = settle(admitted.account, lease, now_ms, CHARGE, PLANS)
    assert admitted.error is settled.error is None
    return settled.account


def notices(*states: Account) -> list[Notice | None]:
    """Return what each step of an account's history gives."""
    return [notice_of(before, after, NOW_MS) for before, after in pairwise(states)]


def drawn(account: Account, times: int, now_ms: int = NOW_MS) -> list[Account]:
    """Return the account and what it is after each of so many charges, a second apart."""
    states = [account]
    for number in range(times):
        states.append(charged(states[-1], now_ms + number * 1000))
    return states


def test_one_charge_of_several_crosses() -> None:
    """Of four charges that lead from 5 images to 1, the one that leaves 2, below 3, gives the notice, alone."""
    told = notices(*drawn(make_account(free_limit=5, low_balance=3), 4))
    assert [notice is not None for notice in told] == [False, False, True, False]
    (notice,) = filter(None, told)
    assert (notice.account_id, notice.account_name, notice.threshold) == ("a", "A", 3)
    assert (notice.free_remaining, notice.credits_remaining) == (2, 0)
    assert (notice.at_ms, notice.due_ms, notice.tries) == (NOW_MS + 2000, 0, 0)


def test_without_a_threshold_nothing_crosses() -> None:
    """An account that asked for nothing is told nothing, down to its last image."""
    assert not any(notices(*drawn(make_account(free_limit=3), 3)))


def test_the_last_image_crosses_a_threshold_of_one() -> None:
    """The lowest threshold tells that nothing is left."""
    told = notices(*drawn(make_account(free_limit=3, low_balance=1), 3))
    assert [notice is not None for notice in told] == [False, False, True]


def test_a_new_month_raises_the_balance() -> None:
    """A month's free images lift a low balance, and are a crossing again when they are used up in their turn."""
    november = drawn(make_account(free_limit=3, low_balance=2), 3)
    december = drawn(november[-1], 3, DECEMBER_MS)
    told = notices(*november, *december[1:])
    assert [notice is not None for notice in told] == [False, True, False, False, True, False]
    first, second = filter(None, told)
    assert first.id != second.id
    assert second.free_remaining == 1


def test_a_threshold_above_the_months_images_crosses_once() -> None:
    """Where even a fresh month is below the threshold, months pass without another notice."""
    november = drawn(make_account(free_limit=3), 1)
    set_high = replace(november[-1], low_balance=100)
    told = notices(*november, set_high, *drawn(set_high, 2, DECEMBER_MS)[1:])
    assert [notice is not None for notice in told] == [False, True, False, False]


def test_a_pack_lifts_and_can_be_crossed_again() -> None:
    """A pack raises the balance without a notice; drawing it down is another crossing, of credits."""
    low = drawn(make_account(free_limit=3, low_balance=2), 3)
    rich = grant(low[-1], "p", 3, NOW_MS, PLANS)
    told = notices(*low, rich, *drawn(rich, 3, NOW_MS + 9000)[1:])
    assert [notice is not None for notice in told] == [False, True, False, False, False, True, False]
    again = told[5]
    assert again is not None
    assert (again.free_remaining, again.credits_remaining) == (0, 1)


def test_a_small_pack_that_stays_below_tells_nothing() -> None:
    """A balance that is low before a purchase and after it is not news."""
    low = charged(make_account(free_limit=1, low_balance=10))
    assert notices(low, grant(low, "p", 2, NOW_MS, PLANS)) == [None]


def test_a_correction_crosses() -> None:
    """Credits that are taken away cross as drawn ones do."""
    rich = grant(make_account(free_limit=0, low_balance=50, plan="paid"), "p", 100, NOW_MS, PLANS)
    (notice,) = notices(rich, replace(correct(rich, "c", -60, "a mistake", NOW_MS + 5), free_limit=0))
    assert notice is not None
    assert (notice.credits_remaining, notice.at_ms) == (40, NOW_MS + 5)


def test_a_threshold_set_above_the_balance_crosses() -> None:
    """Setting the threshold is a step too: above the balance it tells at once, at the balance not."""
    account = make_account(free_limit=3)
    assert notices(account, replace(account, low_balance=3)) == [None]
    (notice,) = notices(account, replace(account, low_balance=4))
    assert notice is not None
    assert notice.at_ms == NOW_MS
    assert notices(replace(account, low_balance=4), replace(account, low_balance=9)) == [None]


def test_a_lowered_limit_crosses() -> None:
    """An operator who lowers the monthly quota below the threshold causes a notice, with the time of the change."""
    account = charged(make_account(free_limit=50, low_balance=10))
    (notice,) = notices(account, replace(account, free_limit=5))
    assert notice is not None
    assert (notice.free_remaining, notice.at_ms) == (4, NOW_MS)


def test_a_limit_below_what_was_used_is_no_debt() -> None:
    """A quota lowered below what the month has used leaves none, and credits count in full."""
    account = drawn(make_account(free_limit=5, low_balance=4, credits_bought=3), 3)[-1]
    (notice,) = notices(account, replace(account, free_limit=1))
    assert notice is not None
    assert (notice.free_remaining, notice.credits_remaining) == (0, 3)


def test_sandbox_calls_never_cross() -> None:
    """Sandbox calls leave the balance as it is, also the first of a month."""
    account = replace(drawn(make_account(free_limit=4, low_balance=2), 2)[-1], low_balance=2)
    states = [account, charged(account, key_id="t")]
    states.append(charged(states[-1], NOW_MS + 1000, "t"))
    states.append(charged(states[-1], DECEMBER_MS, "t"))
    assert notices(*states) == [None, None, None]


def test_admission_and_release_never_cross() -> None:
    """Only a charge moves the balance: a request on its way gives no notice."""
    account = make_account(free_limit=1, low_balance=1)
    admitted = admit(account, make_lease(), NOW_MS, PLANS).account
    assert notices(account, admitted, release(admitted, make_lease())) == [None, None]


def test_forgetting_old_months_never_crosses() -> None:
    """Pruning what is old may lift a sleeping account's balance, never lower it."""
    low = drawn(make_account(free_limit=3, low_balance=2), 3)[-1]
    assert notices(low, pruned(low, NOW_MS + 800 * DAY_MS)) == [None]


def test_a_step_has_one_id() -> None:
    """The same step gives the same notice whenever it is looked at; another account's alike step gives another."""
    before = drawn(make_account(free_limit=3, low_balance=3), 1)
    first = notice_of(before[0], before[1], 1)
    assert first is not None
    assert notice_of(before[0], before[1], 2) == first
    other = notice_of(replace(before[0], id="b"), replace(before[1], id="b"), 1)
    assert other is not None
    assert other.id != first.id
    assert "." not in first.id


def test_the_same_counters_at_another_time_are_another_crossing() -> None:
    """An operator who lowers a limit, raises it and lowers it again crosses twice."""
    high, low = make_account(free_limit=9, low_balance=5), make_account(free_limit=4, low_balance=5)
    ids = {notice.id for at_ms in (1, 2) if (notice := notice_of(high, low, at_ms))}
    assert len(ids) == 2


STEPS = st.sampled_from(["draw", "sandbox", "month", "pack", "take", "limit", "threshold"])


@given(st.lists(st.tuples(STEPS, st.integers(0, 6)), max_size=40))
def test_between_two_notices_the_balance_was_not_low(steps: list[tuple[str, int]]) -> None:
    """Whatever happens to an account, notices and rises take turns, and no two notices are alike."""
    now_ms, account, ids, may_tell = NOW_MS, make_account(free_limit=3), set(), True
    for number, (step, amount) in enumerate(steps):
        now_ms += 1000 if step != "month" else 32 * DAY_MS
        before = account
        lease = make_lease(f"s{number}", "t" if step == "sandbox" else "k", now_ms)
        if step in ("draw", "sandbox", "month"):
            admitted = admit(account, lease, now_ms, PLANS).account
            account = settle(admitted, lease, now_ms, CHARGE, PLANS).account
        elif step == "pack":
            account = grant(account, f"p{number}", amount + 1, now_ms, PLANS)
        elif step == "take" and account.credits_bought - account.credits_drawn >= amount > 0:
            account = correct(account, f"c{number}", -amount, "why", now_ms)
        elif step == "limit":
            account = replace(account, free_limit=amount)
        elif step == "threshold":
            account = replace(account, low_balance=amount)
        notice = notice_of(before, account, now_ms)
        assert (notice is not None) is (may_tell and is_low(account))
        may_tell = not is_low(account)
        if notice is not None:
            assert notice.id not in ids
            ids.add(notice.id)


def test_the_message() -> None:
    """The body says what happened, when, to whom, and what is left; it is the same at every try."""
    notice = Notice("msg_1", "acct_1", "Ada & Söhne", NOW_MS, 50, 12, 30)
    assert json.loads(notice.body()) == {
        "type": "balance.low",
        "timestamp": "2026-11-18T11:06:40Z",
        "data": {
            "account": "acct_1",
            "name": "Ada & Söhne",
            "threshold": 50,
            "remaining": 42,
            "free_remaining": 12,
            "credits_remaining": 30,
        },
    }
    assert notice.tried(NOW_MS).body() == notice.body()


def test_tries_end_within_a_day() -> None:
    """Pauses only grow, from a minute, and the last try begins within 24 hours of the first."""
    notice, now_ms = Notice("msg_1", "a", "A", 0, 1, 0, 0), NOW_MS
    began_ms = []
    for _ in range(MAX_TRIES):
        began_ms.append(now_ms)
        notice = notice.tried(now_ms)
        now_ms = notice.due_ms
    pauses_ms = [later - earlier for earlier, later in pairwise(began_ms)]
    assert pauses_ms == sorted(pauses_ms) == list(WAITS_MS)
    assert pauses_ms[0] == 60_000
    assert 12 * 3600 * 1000 < began_ms[-1] - began_ms[0] < DAY_MS
    assert notice.tries == MAX_TRIES
    assert notice.due_ms > began_ms[-1]


def test_a_webhook_does_not_show_itself() -> None:
    """Printed, a webhook gives nothing away; its host alone is for others to see."""
    webhook = Webhook("https://user:word@hooks.example.com/services/T0?key=1", "whsec_abc")
    assert repr(webhook) == "Webhook()"
    assert webhook.host == "hooks.example.com"
