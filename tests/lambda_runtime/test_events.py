"""The events of events/, which stand for what Lambda calls each function with."""

import base64
import json
from pathlib import Path

import pytest
from benchmarks.lambda_runtime.events import addressed, read_events
from benchmarks.lambda_runtime.places import function_names

EVENTS = read_events(function_names().values())


@pytest.mark.parametrize("function", sorted(EVENTS))
def test_every_function_has_an_event_of_its_own_name(function: str) -> None:
    """What is deployed can be tried: ``sam local invoke`` and the measurements take these files."""
    assert function in EVENTS[function]


def test_an_event_of_no_function_is_found(tmp_path: Path) -> None:
    """A file that is left over from a function that is gone stands out."""
    (tmp_path / "gone.json").write_text("{}")
    with pytest.raises(KeyError, match="gone"):
        read_events(["shrink"], tmp_path)


def test_the_longest_name_owns_an_event(tmp_path: Path) -> None:
    """Of ``optimize`` and ``optimize_worker`` the latter owns ``optimize_worker_again``."""
    for name in ("optimize", "optimize_worker", "optimize_worker_again"):
        (tmp_path / f"{name}.json").write_text("{}")
    owned = read_events(["optimize", "optimize_worker"], tmp_path)
    assert {name: set(events) for name, events in owned.items()} == {
        "optimize": {"optimize"},
        "optimize_worker": {"optimize_worker", "optimize_worker_again"},
    }


def test_events_hold_no_key_and_no_real_account() -> None:
    """The committed events are signed by nobody, and the account is the one of AWS's examples."""
    for events in EVENTS.values():
        for event in events.values():
            text = json.dumps(event)
            assert "mp_live_" not in text
            assert "mp_test_" not in text
            credential = event.get("headers", {}).get("Authorization", "Basic YXBpOktFWQ==").partition(" ")[2]
            assert base64.b64decode(credential) == b"api:KEY"
            account = event.get("requestContext", {}).get("accountId", "111122223333")
            assert account == "111122223333"


def test_an_addressed_event_has_key_and_result() -> None:
    """Key and result of a running service go wherever the event names them, and the committed one stays as it is."""
    event = EVENTS["usage"]["usage_key"]
    filled = addressed(event, "mp_test_x", "result")
    assert filled["path"] == "/keys/mp_test_x"
    assert base64.b64decode(filled["headers"]["Authorization"][6:]) == b"api:mp_test_x"
    assert addressed(EVENTS["output"]["output"], "mp_test_x", "result")["pathParameters"] == {"id": "result"}
    assert event["path"] == "/keys/KEY"
    daily = EVENTS["caretaker"]["caretaker_daily"]
    assert addressed(daily, "mp_test_x") == daily
