"""The operator's commands on the ledger, called in this process on a store in a temporary folder."""

import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, replace
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from minipic.admin import main
from minipic.admin.ledger import teller
from minipic.domain.keys import Environment
from minipic.domain.ledger import MonthSums
from minipic.domain.metering import LEASE_MS, Charge, Lease
from minipic.domain.statement import COLUMNS
from minipic.service import Services
from minipic.service.administration import create_account, create_key, grant_pack
from minipic.service.auditing import Progress
from minipic.settings import read_settings
from minipic.wiring import build_services

START_MS = 1_763_460_000_000  # 2025-11-18
MONTH_MS = 31 * 86_400_000
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return build_services(read_settings({"MINIPIC_DATA": str(tmp_path)}))


@pytest.fixture
def acme(services: Services) -> str:
    """An account with two images of November, a pack, and three images and a sandbox call of December."""
    account = create_account(services, "acme", services.plans.free)
    live = create_key(services, account.id, "=shop", Environment.LIVE).id
    test = create_key(services, account.id, "try", Environment.TEST).id
    for number, (key_id, at_ms) in enumerate(
        [*[(live, START_MS + 7)] * 2, *[(live, START_MS + MONTH_MS)] * 3, (test, START_MS + MONTH_MS)]
    ):
        lease = Lease(account.id, key_id, f"lease-{number}", at_ms + LEASE_MS)
        assert services.accounts.admit(lease, at_ms, services.plans).error is None
        charge = Charge("shrink", f"result-{number}", 1000, 500)
        assert services.accounts.settle(lease, at_ms, charge, services.plans).error is None
    grant_pack(services, account.id, 10, "invoice-17")
    return account.id


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command and gives its exit code, output and errors."""

    def command(*words: str) -> tuple[int, str, str]:
        code = main(["ledger", *words], {"MINIPIC_DATA": str(tmp_path)})
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def damage(folder: Path, statement: str) -> None:
    """Change the file behind the service's back."""
    with closing(sqlite3.connect(folder / "minipic.sqlite3")) as connection, connection:
        connection.execute(statement)


def write_more(services: Services, account_id: str, month: int, count: int) -> None:
    """Write lines of a month that the account knows nothing of."""
    line = next(services.ledger.all_lines(account_id))
    services.ledger.restore(account_id, [replace(line, seq=8 + number, month=month) for number in range(count)])


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_everything_adds_up(
    run: Run, services: Services, acme: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One account, by id or name, or all, deleted ones too: how much was checked, and exit code 0."""
    create_account(services, "other", services.plans.free)
    assert main(["accounts", "delete", "other", "--yes"], {"MINIPIC_DATA": str(tmp_path)}) == 0
    capsys.readouterr()
    assert run("verify", "acme")[0] == 0
    assert json.loads(run("verify", acme, "--json")[1]) == {"accounts": 1, "lines": 7}
    code, output, errors = run("verify", "--all", "--json")
    assert (code, json.loads(output), errors) == (0, {"accounts": 2, "lines": 7}, "")


def test_the_first_discrepancy_is_told(run: Run, services: Services, acme: str, tmp_path: Path) -> None:
    """What does not add up is printed with its account and line, and the exit code is 1."""
    create_account(services, "other", services.plans.free)
    damage(tmp_path, "DELETE FROM ledger WHERE seq = 2")
    for whose in ("acme", "--all"):
        code, output, _ = run("verify", whose, "--json")
        told = json.loads(output)
        assert code == 1
        assert (told["account"], told["line"], told["expected"], told["found"]) == (acme, 3, "line 2", "line 3")
        assert told["checked_before"]["accounts"] <= 1
    code, output, _ = run("verify", "acme")
    assert code == 1
    assert "expected" in output
    assert "line 2" in output


def test_a_wrong_count_is_no_single_lines(run: Run, acme: str, tmp_path: Path) -> None:
    """Sums and counts belong to no line."""
    damage(tmp_path, "UPDATE month_sums SET sums = replace(sums, '1500', '1501') WHERE month = 202511")
    damage(tmp_path, "UPDATE month_sums SET sums = replace(sums, '2000', '2001') WHERE month = 202511")
    code, output, _ = run("verify", "acme", "--json")
    assert (code, json.loads(output)["line"]) == (1, None)
    assert "202511" in json.loads(output)["expected"]


@pytest.mark.parametrize("words", [["verify"], ["verify", "acme", "--all"], ["export", "acme", "--month", "11"]])
def test_what_is_not_understood(run: Run, words: list[str]) -> None:
    """One account or all of them, and a month as such."""
    with pytest.raises(SystemExit) as caught:
        run(*words)
    assert caught.value.code == 2


def test_people_see_that_it_goes_on(run: Run, acme: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A long check tells on stderr how far it is, every few seconds; a short one says nothing."""
    tell = teller(every_s=0)
    tell(Progress(accounts=2, lines=3000))
    assert capsys.readouterr().err == "2 accounts, 3000 lines …\n"
    tell = teller(every_s=60)
    tell(Progress(accounts=2, lines=3000))
    assert capsys.readouterr().err == ""
    assert run("verify", "--all")[2] == ""


def test_every_line_is_exported(run: Run, acme: str) -> None:
    """CSV has the columns of the API, the time to the millisecond, the key's id, and no formula."""
    code, output, _ = run("export", "acme")
    rows = rows_of(output)
    assert code == 0
    assert list(rows[0]) == [*COLUMNS, "key_id"]
    assert [row["seq"] for row in rows] == ["1", "2", "3", "4", "5", "6", "7"]
    assert rows[0]["time"] == "2025-11-18T10:00:00.007Z"
    assert rows[0]["key"] == "'=shop"
    assert rows[0]["key_id"].startswith("key_")
    assert (rows[6]["operation"], rows[6]["credits"], rows[6]["drawn_from"]) == ("purchase", "10", "invoice-17")


def test_a_month_is_exported(run: Run, services: Services, acme: str) -> None:
    """One month's lines only, however many; a month without lines is a header alone."""
    assert [row["seq"] for row in rows_of(run("export", "acme", "--month", "2025-11")[1])] == ["1", "2"]
    assert run("export", "acme", "--month", "2024-01")[1].splitlines() == [",".join((*COLUMNS, "key_id"))]
    write_more(services, acme, 203001, 2500)
    rows = rows_of(run("export", "acme", "--month", "2030-01")[1])
    assert [int(row["seq"]) for row in rows] == list(range(8, 2508))


def test_json_lines(run: Run, acme: str, tmp_path: Path) -> None:
    """JSON has the same fields, an object a line, unquoted; a file says where it is."""
    target = tmp_path / "acme.jsonl"
    code, output, _ = run("export", acme, "--format", "jsonl", "--output", str(target), "--json")
    lines: list[dict[str, Any]] = [json.loads(line) for line in target.read_text().splitlines()]
    assert (code, json.loads(output)) == (0, {"account": acme, "file": str(target)})
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert (lines[0]["key"], lines[0]["bytes_in"]) == ("=shop", 1000)


def test_a_file_that_cannot_be_written(run: Run, acme: str, tmp_path: Path) -> None:
    """A folder that is not there is said plainly."""
    code, output, errors = run("export", "acme", "--output", str(tmp_path / "none" / "a.csv"))
    assert (code, output) == (1, "")
    assert "No such file or directory" in errors
    assert len(errors.splitlines()) == 1


def test_a_reader_may_have_enough(services: Services, acme: str, tmp_path: Path) -> None:
    """A pipe that is closed early ends the export without a word."""
    write_more(services, acme, 203001, 3000)
    program = "import sys; from minipic.admin import main; sys.exit(main())"
    with subprocess.Popen(
        [sys.executable, "-c", program, "ledger", "export", acme],
        env={"MINIPIC_DATA": str(tmp_path)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"seq,")
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_nothing_is_missing(run: Run, acme: str) -> None:
    """On one machine a line is written by the transaction that charges: a repair finds none to write."""
    assert json.loads(run("repair", "acme", "--reason", "why", "--json")[1]) == {"account": acme, "repaired": 0}
    assert run("verify", "acme")[0] == 0


def test_lost_lines_are_repaired(run: Run, services: Services, acme: str, tmp_path: Path) -> None:
    """Lines that a damaged file has lost are written again, with their reason, and everything adds up."""
    damage(tmp_path, "DELETE FROM ledger WHERE seq IN (2, 4)")
    for month in (202511, 202512):
        left = reduce(MonthSums.plus, services.ledger.lines(acme, month, 0, 100), MonthSums())
        damage(tmp_path, f"UPDATE month_sums SET sums = '{json.dumps(asdict(left))}' WHERE month = {month}")
    repaired = json.loads(run("repair", "acme", "--reason", "a disk went bad", "--json")[1])
    assert repaired == {"account": acme, "repaired": 2, "first": 2, "last": 4}
    assert run("verify", "acme")[0] == 0
    rows = rows_of(run("export", "acme")[1])
    assert [(row["operation"], row["reason"]) for row in rows[1:4:2]] == [("repair", "a disk went bad")] * 2


def test_what_cannot_be_repaired(run: Run, acme: str, tmp_path: Path) -> None:
    """What the account contradicts is told, and nothing is written."""
    damage(tmp_path, "UPDATE ledger SET line = replace(line, '\"seq\": 3', '\"seq\": 1') WHERE seq = 3")
    code, output, errors = run("repair", "acme", "--reason", "why")
    assert (code, output) == (1, "")
    assert "comes after" in errors


def test_no_pack_is_named_like_the_plan(tmp_path: Path) -> None:
    """The ledger says plan of free images, so no payment is referred to so."""
    for words in (["packs", "grant", "a", "1"], ["ledger", "correct", "a", "1", "--reason", "r"]):
        with pytest.raises(SystemExit):
            main([*words, "--reference", "plan"], {"MINIPIC_DATA": str(tmp_path)})
