"""Several processes with eight threads each on one account that has 20 images left."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from minipic.domain.ledger import latest_line
from minipic.errors import AccountLimitReached, ServiceUnavailable
from minipic.stores import Accounts
from tests.aws_stack import AwsStack
from tests.aws_stack.template import PROJECT_FOLDER
from tests.contract.account_values import LIVE_KEY, NOVEMBER, NOW_MS, make_account
from tests.contract.books import ALL, Books
from tests.contract.hammer import PLANS, REQUESTS_PER_THREAD, THREADS

PROCESSES = 4
REQUESTS = PROCESSES * THREADS * REQUESTS_PER_THREAD


@pytest.fixture
def address(request: pytest.FixtureRequest, books: Books) -> dict[str, str]:
    """Say where the books are, for another process."""
    if request.node.callspec.params["books"] == "local":
        return {"path": str(request.getfixturevalue("sqlite_path"))}
    stack: AwsStack = request.getfixturevalue("aws_stack")
    return {"region": stack.region, "endpoint_url": stack.endpoint_url, "table": stack.table_name}


def _from_all_processes(address: dict[str, str], account_id: str) -> Counter[str]:
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.contract.hammer", json.dumps(address), account_id, str(worker)],
            cwd=PROJECT_FOLDER,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in range(PROCESSES)
    ]
    answers: Counter[str] = Counter()
    for process in running:
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0
        answers.update(json.loads(output))
    return answers


@pytest.mark.timeout(300)
def test_what_is_left_is_charged_and_nothing_else(books: Books, address: dict[str, str]) -> None:
    """Of 192 requests exactly 20 are charged, from both sources, whatever the line to the store does meanwhile."""
    account = make_account(free_limit=8)
    accounts: Accounts = books.accounts
    accounts.create(account)
    accounts.set_plan(account.id, PLANS.paid)
    accounts.grant(account.id, "p1", 15, NOW_MS, PLANS)
    accounts.correct(account.id, "c1", -2, "to make it 13", NOW_MS)
    answers = _from_all_processes(address, account.id)
    after = accounts.read(account.id)
    assert set(answers) <= {"charged", AccountLimitReached.code, ServiceUnavailable.code}
    assert sum(answers.values()) == REQUESTS
    assert answers["charged"] == after.images[NOVEMBER] == 20
    assert after.free_used == {NOVEMBER: PLANS.paid.free_images} == {NOVEMBER: 7}
    assert (after.credits_drawn, after.credits_bought) == (15, 15)
    # A place whose admission was never answered is free again by itself.
    assert len(after.keys[LIVE_KEY].leases) <= answers[ServiceUnavailable.code]
    books.settle_up()
    lines = books.ledger.lines(account.id, NOVEMBER, 0, ALL)
    assert [line.seq for line in lines] == list(range(1, 23))
    assert len({line.result_id for line in lines if line.images}) == 20
    assert lines[-1] == latest_line(after)
