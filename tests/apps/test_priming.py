"""What a function does around SnapStart's snapshot, with a stand-in for the runtime's package of hooks."""

import gc
import importlib.util
import json
import logging
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from minipic import wiring
from minipic.domain.keys import Environment, KeyOwner
from minipic.http import priming
from minipic.http.on_lambda import rehearsal_event
from minipic.service import CachedOwner
from minipic.settings import PROJECT_FOLDER, SettingError
from tests.apps.conftest import House
from tests.apps.test_lambda import event_loop

Hook = Callable[[], None]


class Hooks(ModuleType):
    """Stands in for ``snapshot_restore_py``, which is a part of Lambda's runtime: remembers what was registered."""

    def __init__(self) -> None:
        super().__init__("snapshot_restore_py")
        self.before: list[Hook] = []
        self.after: list[Hook] = []

    def register_before_snapshot(self, hook: Callable[..., None], *args: Any) -> None:
        self.before.append(lambda: hook(*args))

    def register_after_restore(self, hook: Callable[..., None], *args: Any) -> None:
        self.after.append(lambda: hook(*args))


class Child:
    """Stands in for an engine that was started without waiting."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.is_ready = False
        self._is_broken = is_broken

    def get_ready(self) -> None:
        if self._is_broken:
            raise RuntimeError("the child did not start")
        self.is_ready = True


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hooks]:
    """Have this process look like one that SnapStart starts."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    made = Hooks()
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", made)
    yield made
    gc.unfreeze()


@pytest.fixture
def log_handlers() -> Iterator[None]:
    """Have a log that was never set up, and give it back as it was."""
    root, ours = logging.getLogger(), logging.getLogger("minipic")
    kept = root.handlers, root.level, dict(vars(ours))
    ours.handlers = []
    vars(ours).pop("init", None)  # Powertools sets a logger up once
    yield
    root.handlers, root.level = kept[:2]
    vars(ours).clear()
    vars(ours).update(kept[2])


def test_no_hooks_without_a_snapshot(monkeypatch: pytest.MonkeyPatch, house: House) -> None:
    """Where no snapshot is taken the runtime's package is not even looked for."""
    monkeypatch.delenv("AWS_LAMBDA_INITIALIZATION_TYPE", raising=False)
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", None)
    priming.hook_snapshot(house.services)


def test_before_the_snapshot_everything_gets_ready(hooks: Hooks, house: House) -> None:
    """The engine is waited for, a request is rehearsed, and what that left behind is forgotten."""
    engine, rehearsed = Child(), list[str]()

    def rehearse() -> None:
        rehearsed.append("once")
        remember_someone(house)

    priming.hook_snapshot(house.services, engine, rehearse)
    assert not engine.is_ready
    (before,) = hooks.before
    before()
    assert engine.is_ready
    assert rehearsed == ["once"]
    assert house.services.owners == {}
    assert gc.get_freeze_count() > 0


def remember_someone(house: House) -> None:
    """Have the services keep whose a key is."""
    owner = KeyOwner("acct_1", "key_1", Environment.LIVE)
    house.services.owners["hash"] = CachedOwner(owner, house.clock() + 1, house.services.plans.free)


def test_an_engine_that_does_not_start_is_never_published(hooks: Hooks, house: House) -> None:
    """The hook fails, and with it the version."""
    priming.hook_snapshot(house.services, Child(is_broken=True))
    with pytest.raises(RuntimeError, match="did not start"):
        hooks.before[0]()


def test_a_failed_rehearsal_is_only_logged(
    hooks: Hooks, house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rehearsal is there to save time: without it the version works as well."""
    monkeypatch.setattr(logging.getLogger("minipic"), "propagate", True)

    def rehearse() -> None:
        raise LookupError("no credentials")

    priming.hook_snapshot(house.services, None, rehearse)
    hooks.before[0]()
    assert "the rehearsal failed" in caplog.text


def test_after_a_restore_everything_is_fresh(hooks: Hooks, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two environments from one snapshot draw different numbers, and neither has connections or memories of it."""
    closed: list[str] = []
    monkeypatch.setattr(wiring, "close_connections", lambda: closed.append("all"))
    priming.hook_snapshot(house.services)
    drawn = []
    for _environment in range(2):
        random.seed(1)  # the snapshot
        remember_someone(house)
        hooks.after[0]()
        drawn.append(random.random())
        assert house.services.owners == {}
    assert drawn[0] != drawn[1]
    assert closed == ["all", "all"]


def test_hooks_of_a_function_without_services(hooks: Hooks) -> None:
    """A function that keeps nothing of keys has hooks as well."""
    priming.hook_snapshot()
    hooks.before[0]()
    hooks.after[0]()


@pytest.fixture
def on_lambda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log_handlers: None) -> Iterator[None]:
    """Have this process look like a function's, on stores of its own."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "function")
    monkeypatch.setenv("MINIPIC_DATA", str(tmp_path))
    wiring.settings.cache_clear()
    wiring.services.cache_clear()
    with event_loop():
        yield
    accounts: Any = wiring.services().accounts
    accounts._database.close()
    wiring.settings.cache_clear()
    wiring.services.cache_clear()
    gc.unfreeze()


def load(name: str) -> Any:
    """Return the function's module, loaded as Lambda loads it."""
    spec = importlib.util.spec_from_file_location("app", PROJECT_FOLDER / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("on_lambda")
@pytest.mark.parametrize("name", ["usage", "output", "derive"])
def test_a_rehearsal_is_an_answer_of_which_nobody_is_told(
    name: str, hooks: Hooks, capsys: pytest.CaptureFixture[str]
) -> None:
    """The hook answers a made-up request: no line in the log, no metric. The next request has both."""
    function = load(name)
    hooks.before[0]()
    assert capsys.readouterr().out == ""
    assert function.handler(rehearsal_event(function.app), None)["statusCode"] == 401
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line.get("message") for line in lines} == {"request", None}  # the log's line, and the metrics'
    hooks.after[0]()
    if function.app.state.engine is not None:
        function.app.state.engine.close()


@pytest.mark.usefixtures("on_lambda")
def test_a_failed_start_is_a_line_of_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setting that cannot be meant ends the function, and says so in the log's own form."""
    with monkeypatch.context() as wrong:
        wrong.setenv("MINIPIC_LINK_MODE", "nonsense")
        with pytest.raises(SettingError, match="MINIPIC_LINK_MODE"):
            load("usage")
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["level"], line["message"]) == ("ERROR", "the function could not start")
    assert "MINIPIC_LINK_MODE='nonsense'" in line["exception"]
    assert gc.isenabled()


def test_other_processes_do_not_start_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """On one machine nothing happens when a function's module is imported."""
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    priming.start_on_lambda(lambda: pytest.fail("started"))
