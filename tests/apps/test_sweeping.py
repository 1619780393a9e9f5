"""What expired is deleted from the data folder, and nothing else."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from minipic.background import SWEEP_EVERY_S, sweep
from minipic.domain.account import Account
from minipic.domain.identifiers import make_result_id
from minipic.domain.image import ImageFormat
from minipic.domain.metering import month_of
from minipic.settings import Settings
from minipic.stores import ResultFacts
from minipic.stores.local.results import FileResults
from minipic.stores.local.uploads import FileUploads
from minipic.wiring import build_services

NOW_MS = 1_795_000_000_000
DAY_S = 86_400
FACTS = ResultFacts("account", ImageFormat.PNG, 1, 1)


def test_results(tmp_path: Path) -> None:
    """A day's results and originals go when the last of them has expired; strangers' files stay."""
    results = FileResults(tmp_path)
    result_id = make_result_id(NOW_MS, bytes(14))
    results.put(result_id, FACTS, b"result")
    results.put_original(result_id, b"original")
    (tmp_path / "results" / "notes").mkdir()
    assert results.sweep(NOW_MS + DAY_S * 1000, DAY_S) == 0
    assert results.get(result_id) is not None
    assert results.sweep(NOW_MS + 3 * DAY_S * 1000, DAY_S) == 2
    assert results.get(result_id) is None
    assert results.get_original(result_id) is None
    assert (tmp_path / "results" / "notes").exists()


def test_uploads(tmp_path: Path) -> None:
    """An offer and its file go when both are past their lifetime."""
    uploads = FileUploads(tmp_path)
    upload_id = make_result_id(NOW_MS, bytes(14))
    uploads.offer(upload_id, "account", 10, 600, "http://localhost")
    uploads.receive(upload_id, b"image")
    made_ms = int((tmp_path / upload_id).stat().st_mtime * 1000)
    assert uploads.sweep(made_ms + 1000, 3600) == 0
    assert uploads.take(upload_id, "account", 10) == b"image"
    assert uploads.sweep(made_ms + 3_601_000, 3600) == 2
    assert uploads.take(upload_id, "account", 10) is None


class Rounds(threading.Event):
    """The event that ends the sweeping: time passes while it is waited for, and after some rounds it is set."""

    def __init__(self, rounds: int, between: Callable[[], None]) -> None:
        super().__init__()
        self.now_ms = NOW_MS
        self._left = rounds
        self._between = between

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._between()
        self.now_ms += int(timeout * 1000)
        self._left -= 1
        return self._left == 0


def test_accounts_forget_once_a_day(tmp_path: Path) -> None:
    """Old months of accounts go when sweeping starts, and again when a day has passed, not before."""
    kept: list[bool] = []

    def add_or_look() -> None:
        if not kept:
            services.accounts.create(replace(account, id="added later"))
        kept.append(old in services.accounts.read("added later").images)

    rounds = Rounds(DAY_S // SWEEP_EVERY_S + 1, add_or_look)
    services = replace(build_services(Settings(data_folder=tmp_path)), now_ms=lambda: rounds.now_ms)
    old, new = month_of(NOW_MS - 500 * DAY_S * 1000), month_of(NOW_MS)
    account = Account("first", "a", 0, "free", 500, month=new, images={old: 2, new: 1})
    services.accounts.create(account)
    sweep(services, rounds)
    assert services.accounts.read("first").images == {new: 1}
    assert kept == [True] * (len(kept) - 1) + [False]
    assert services.accounts.read("added later").images == {new: 1}
