import pytest

from minipic.domain.account import Account
from minipic.domain.ledger import Line, MonthSums, latest_line
from tests.contract.account_values import (
    DECEMBER,
    LIVE_KEY,
    NEXT_MONTH_MS,
    NOVEMBER,
    NOW_MS,
    PAID,
    TEST_KEY,
    make_account,
    plans_with,
)
from tests.contract.books import ALL, Books, total

FEBRUARY, FEBRUARY_MS = 202702, NEXT_MONTH_MS + 70 * 86_400_000


@pytest.fixture
def owner(books: Books) -> Account:
    made = make_account()
    books.accounts.create(made)
    return made


def grant(books: Books, account: Account, pack_id: str, now_ms: int = NOW_MS) -> Line:
    line = latest_line(books.accounts.grant(account.id, pack_id, 10, now_ms, plans_with(paid_images=5)))
    assert line is not None
    return line


def test_every_step_has_its_line(books: Books, owner: Account) -> None:
    """Charges, sandbox calls and purchases are lines in order, each as the account stood right after it."""
    expected = [
        books.charge(owner),
        books.charge(owner, key_id=TEST_KEY),
        grant(books, owner, "p1"),
        *(books.charge(owner, "derive") for _ in range(5)),
    ]
    books.settle_up()
    lines = books.ledger.lines(owner.id, NOVEMBER, 0, ALL)
    assert lines == expected
    assert [line.seq for line in lines] == list(range(1, 9))
    assert [line.drawn_from for line in lines] == ["plan", "", "p1", *["plan"] * 4, "p1"]
    assert lines[-1].credits_remaining == 9


def test_lines_come_in_pages(books: Books, owner: Account) -> None:
    """A page holds at most what was asked for and begins after the line that was named; the last one may be empty."""
    expected = [books.charge(owner) for _ in range(5)]
    books.settle_up()
    assert books.ledger.lines(owner.id, NOVEMBER, 0, 2) == expected[:2]
    assert books.ledger.lines(owner.id, NOVEMBER, 2, 2) == expected[2:4]
    assert books.ledger.lines(owner.id, NOVEMBER, 4, 2) == expected[4:]
    assert books.ledger.lines(owner.id, NOVEMBER, 5, 2) == []


def test_sums_are_those_of_the_lines(books: Books, owner: Account) -> None:
    """A month's sums count billed images by operation and by format, with their bytes, and nothing else."""
    for operation, image_format in (("shrink", "png"), ("shrink", "jpeg"), ("derive", "png"), ("compress", "")):
        books.charge(owner, operation, format=image_format)
    books.charge(owner, key_id=TEST_KEY, format="gif")
    grant(books, owner, "p1")
    books.settle_up()
    sums = books.ledger.sums(owner.id, NOVEMBER)
    assert sums.images == {"shrink": 2, "derive": 1, "compress": 1}
    assert sums.formats == {"png": 2, "jpeg": 1}
    assert (sums.bytes_in, sums.bytes_out) == (8000, 3600)
    assert sums == total(books.ledger.lines(owner.id, NOVEMBER, 0, ALL))


def test_each_month_has_its_own(books: Books, owner: Account) -> None:
    """Lines and sums belong to the month that was charged; ``seq`` goes on."""
    before = [books.charge(owner, now_ms=NEXT_MONTH_MS - 1) for _ in range(2)]
    after = [books.charge(owner, now_ms=NEXT_MONTH_MS), grant(books, owner, "p1", NEXT_MONTH_MS)]
    books.settle_up()
    assert books.ledger.lines(owner.id, NOVEMBER, 0, ALL) == before
    assert books.ledger.lines(owner.id, DECEMBER, 0, ALL) == after
    assert books.ledger.sums(owner.id, NOVEMBER) == total(before)
    assert books.ledger.sums(owner.id, DECEMBER) == total(after)
    assert [line.seq for line in (*before, *after)] == [1, 2, 3, 4]


def test_a_line_tells_the_inputs_format(books: Books, owner: Account) -> None:
    """A billed line and a sandbox call's name the format of what came in; one that is not known is empty."""
    for key_id, image_format in ((LIVE_KEY, "heic"), (TEST_KEY, "gif"), (LIVE_KEY, "")):
        books.charge(owner, key_id=key_id, format=image_format)
    books.settle_up()
    assert [line.format for line in books.ledger.lines(owner.id, NOVEMBER, 0, ALL)] == ["heic", "gif", ""]


def test_sums_of_some_months(books: Books, owner: Account) -> None:
    """Of the months from one to another come the sums of those in which an image was billed, and no others."""
    for now_ms in (NOW_MS, NEXT_MONTH_MS, FEBRUARY_MS):
        books.charge(owner, now_ms=now_ms)
    grant(books, owner, "p1", FEBRUARY_MS)
    books.settle_up()
    of = books.ledger.sums_between
    every = books.ledger.all_sums(owner.id)
    assert of(owner.id, NOVEMBER, FEBRUARY) == every
    assert list(of(owner.id, NOVEMBER + 1, FEBRUARY - 1)) == [DECEMBER]
    assert of(owner.id, DECEMBER, DECEMBER) == {DECEMBER: every[DECEMBER]}
    assert of(owner.id, FEBRUARY + 1, FEBRUARY + 9) == {}
    assert of("nobody", NOVEMBER, FEBRUARY) == {}


def test_accounts_do_not_mix(books: Books, owner: Account) -> None:
    """An account's ledger holds its own lines only."""
    other = make_account()
    books.accounts.create(other)
    mine, theirs = books.charge(owner), books.charge(other, "derive")
    books.settle_up()
    assert books.ledger.lines(owner.id, NOVEMBER, 0, ALL) == [mine]
    assert books.ledger.lines(other.id, NOVEMBER, 0, ALL) == [theirs]
    assert books.ledger.sums(other.id, NOVEMBER).images == {"derive": 1}


def test_nothing_charged_is_nothing_written(books: Books, owner: Account) -> None:
    """An account without a charge has no line and empty sums, and so has one that nobody knows."""
    books.accounts.set_plan(owner.id, PAID)
    books.settle_up()
    for account_id in (owner.id, make_account().id):
        assert books.ledger.lines(account_id, NOVEMBER, 0, ALL) == []
        assert books.ledger.sums(account_id, NOVEMBER) == MonthSums()
