"""The operator's command line, called in this process on a store in a temporary folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minipic.admin import main
from minipic.demo import announce
from minipic.settings import read_settings
from minipic.wiring import build_services

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command and gives its exit code, output and errors."""

    def command(*words: str) -> tuple[int, str, str]:
        code = main(words, {"MINIPIC_DATA": str(tmp_path)})
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def answer(run: Run, *words: str) -> dict[str, Any]:
    """Return a command's JSON."""
    code, output, errors = run(*words, "--json")
    assert code == 0, errors
    found: dict[str, Any] = json.loads(output)
    return found


def test_account_from_creation_to_plan(run: Run) -> None:
    """An account is made, shown, listed, suspended, resumed and put on another plan, by id or by name."""
    account = answer(run, "accounts", "create", "--name", "acme")["account"]
    assert answer(run, "accounts", "show", "acme")["account"] == account
    assert answer(run, "accounts", "suspend", account)["status"] == "suspended"
    assert answer(run, "accounts", "resume", "acme")["status"] == "active"
    assert answer(run, "accounts", "set-plan", account, "paid")["plan"] == "paid"
    (listed,) = answer(run, "accounts", "list")["accounts"]
    assert (listed["account"], listed["name"], listed["free_remaining"]) == (account, "acme", 500)


def test_json_may_come_first(run: Run) -> None:
    """--json counts wherever it stands."""
    assert json.loads(run("--json", "accounts", "list")[1]) == {"accounts": []}


def test_keys(run: Run) -> None:
    """A key is shown once with its id; it is disabled and enabled by its id, with or without its account."""
    account = answer(run, "accounts", "create", "--name", "acme", "--plan", "paid")["account"]
    live = answer(run, "keys", "create", account, "--name", "ci")
    test = answer(run, "keys", "create", "acme", "--test")
    assert live["key"].startswith("mp_live_")
    assert test["key"].startswith("mp_test_")
    assert answer(run, "keys", "disable", live["id"]) == {"id": live["id"], "enabled": False}
    assert answer(run, "keys", "disable", account, test["id"])["enabled"] is False
    assert answer(run, "keys", "enable", live["id"])["enabled"] is True
    listed = {key["id"]: key for key in answer(run, "keys", "list", account)["keys"]}
    assert (listed[live["id"]]["name"], listed[live["id"]]["enabled"]) == ("ci", True)
    assert (listed[test["id"]]["key"], listed[test["id"]]["enabled"]) == (f"mp_test_…{test['key'][-4:]}", False)
    assert listed[live["id"]]["last_used"] == "never"
    assert live["key"] not in json.dumps(listed)


def test_key_by_its_text(run: Run) -> None:
    """Who has only the key itself can disable it by that."""
    answer(run, "accounts", "create", "--name", "acme")
    key = answer(run, "keys", "create", "acme")
    assert run("keys", "disable", key["key"])[0] == 0
    assert answer(run, "keys", "list", "acme")["keys"][0]["enabled"] is False


def test_packs(run: Run) -> None:
    """A pack is granted once a reference, and shown with what is left of it."""
    answer(run, "accounts", "create", "--name", "acme")
    for _ in range(2):
        pack = answer(run, "packs", "grant", "acme", "1000", "--reference", "invoice-17")
    assert (pack["pack"], pack["remaining"], pack["plan"]) == ("invoice-17", 1000, "paid")
    shown = answer(run, "accounts", "show", "acme")
    assert [(pack["pack"], pack["images"], pack["remaining"]) for pack in shown["packs"]] == [
        ("invoice-17", 1000, 1000)
    ]
    assert answer(run, "packs", "list", "acme")["packs"] == shown["packs"]
    assert shown["credits_remaining"] == 1000


def test_a_key_is_rotated_and_deleted(run: Run) -> None:
    """A rotated key has a new text and the old name; a deleted one is listed no longer, and its text is nobody's."""
    answer(run, "accounts", "create", "--name", "acme")
    first = answer(run, "keys", "create", "acme", "--name", "ci")
    answer(run, "keys", "disable", first["id"])
    second = answer(run, "keys", "rotate", "acme", first["id"])
    (listed,) = answer(run, "keys", "list", "acme")["keys"]
    assert (listed["id"], listed["name"], listed["enabled"]) == (second["id"], "ci", False)
    assert second["key"] != first["key"]
    assert run("keys", "enable", first["key"])[0] == 1
    assert answer(run, "keys", "delete", second["key"])["deleted"] is True
    assert answer(run, "keys", "list", "acme")["keys"] == []


def test_a_deleted_account_is_found_by_its_id_alone(run: Run) -> None:
    """A deleted account frees its name, is listed only when asked for, and takes no key, plan or status any more."""
    account = answer(run, "accounts", "create", "--name", "acme")["account"]
    answer(run, "keys", "create", "acme")
    assert answer(run, "accounts", "delete", "acme", "--yes")["status"] == "deleted"
    assert answer(run, "accounts", "delete", account, "--yes")["status"] == "deleted"
    assert answer(run, "accounts", "list")["accounts"] == []
    (listed,) = answer(run, "accounts", "list", "--deleted")["accounts"]
    assert listed["account"] == account
    assert answer(run, "keys", "list", account)["keys"] == []
    for words in (
        ["accounts", "show", "acme"],
        ["accounts", "resume", account],
        ["keys", "create", account],
        ["packs", "grant", account, "5", "--reference", "r"],
    ):
        assert run(*words)[0] == 1


def test_overrides_are_set_and_taken_back(run: Run) -> None:
    """An account may do other than its plan says, value by value, and goes back to the plan."""
    answer(run, "accounts", "create", "--name", "acme")
    changed = answer(run, "accounts", "override", "acme", "--free-images", "7", "--burst", "2")
    assert (changed["free_remaining"], changed["free_images"], changed["burst"]) == (7, 7, 2)
    changed = answer(run, "accounts", "override", "acme", "--free-images", "plan")
    assert (changed["free_remaining"], changed["burst"]) == (500, 2)
    assert "free_images" not in answer(run, "accounts", "show", "acme")


def test_a_correction_is_made_once_and_never_below_zero(run: Run) -> None:
    """Credits are corrected once a reference, in either direction, and never to less than nothing."""
    answer(run, "accounts", "create", "--name", "acme")
    give = ("ledger", "correct", "acme", "5", "--reference", "ticket-1", "--reason", "a broken picture")
    assert [answer(run, *give)["credits_remaining"] for _ in range(2)] == [5, 5]
    take = ("ledger", "correct", "acme", "-6", "--reference", "ticket-2", "--reason", "paid back")
    code, _, errors = run(*take)
    assert (code, "5 credits left" in errors) == (1, True)
    code, _, errors = run("ledger", "correct", "acme", "-1", "--reference", "ticket-1", "--reason", "paid back")
    assert (code, "ticket-1" in errors) == (1, True)


def test_tables_for_people(run: Run) -> None:
    """Without --json people get fields and tables."""
    run("accounts", "create", "--name", "acme")
    assert "no keys" in run("keys", "list", "acme")[1]
    run("keys", "create", "acme", "--name", "ci")
    assert "acme" in run("accounts", "list")[1]
    shown = run("accounts", "show", "acme")[1]
    assert "free_remaining     500" in shown
    assert "ci" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["accounts", "show", "nobody"], "nobody"),
        (["accounts", "create", "--name", "x", "--plan", "gold"], "gold"),
        (["keys", "disable", "key_none"], "key_none"),
        (["accounts", "show", "twin"], "several"),
        (["keys", "create", "full"], "5 keys"),
        (["--store", "local", "keys", "disable", "mp_live_wrong"], ""),
    ],
)
def test_what_cannot_be_done(run: Run, words: list[str], said: str) -> None:
    """What cannot be done is said on one line of stderr, with exit code 1; with --json as an object."""
    for name in ("twin", "twin", "full"):
        run("accounts", "create", "--name", name)
    for _ in range(5):
        run("keys", "create", "full")
    code, output, errors = run(*words)
    assert (code, output) == (1, "")
    assert said in errors
    assert len(errors.splitlines()) == 1
    assert said in json.loads(run(*words, "--json")[2])["error"]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["accounts"],
        ["fly"],
        ["packs", "grant", "a", "0", "--reference", "r"],
        ["packs", "grant", "a", "1", "--reference", ""],
        ["accounts", "delete", "a"],
        ["accounts", "override", "a", "--burst", "0"],
        ["ledger", "correct", "a", "0", "--reference", "r", "--reason", "x"],
        ["ledger", "correct", "a", "1", "--reference", "r", "--reason", "line\nbreak"],
    ],
)
def test_what_is_not_understood(run: Run, words: list[str]) -> None:
    """A command that is none is exit code 2."""
    with pytest.raises(SystemExit) as caught:
        run(*words)
    assert caught.value.code == 2


def test_bad_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """A setting that cannot be meant is said plainly."""
    assert main(["accounts", "list"], {"MINIPIC_LINK_MODE": "banana"}) == 1
    assert "MINIPIC_LINK_MODE" in capsys.readouterr().err


def test_first_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first start makes a demo account and prints its key; the next one tells how to make another."""
    settings = read_settings({"MINIPIC_DATA": str(tmp_path)})
    services = build_services(settings)
    announce(settings, services)
    first = capsys.readouterr().out
    assert "mp_live_" in first
    assert "curl --user api:mp_live_" in first
    announce(settings, services)
    second = capsys.readouterr().out
    assert "mp_live_" not in second
    assert "keys create" in second
