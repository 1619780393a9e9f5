"""The child's own side, in this process: its pipes and its limits."""

import io
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic_engine import wire, worker
from tests.engine.engine_images import graphic, saved

PICTURE = saved(graphic(20, 16), "PNG")


@pytest.fixture
def as_before() -> Iterator[None]:
    """Give this process its own stdin, stdout, signals and limits back."""
    files = os.dup(0), os.dup(1)
    memory = resource.getrlimit(resource.RLIMIT_AS)
    interrupt = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, interrupt)
    resource.setrlimit(resource.RLIMIT_AS, memory)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)


def noisy(data: bytes, _options: Options) -> Compressed:
    """Print as a library might, and return what came in."""
    os.write(1, b"a warning of a library")
    assert os.read(0, 9) == b""
    return Compressed(data, ImageFormat.PNG, 20, 16)


@pytest.mark.usefixtures("as_before")
def test_pipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child answers where its stdout was, which nothing that a library prints can reach, until its stdin ends."""
    asked, told = tmp_path / "asked", tmp_path / "told"
    out = io.BytesIO()
    wire.write_frame(out, wire.from_options(Options()), PICTURE)
    asked.write_bytes(out.getvalue())
    with asked.open("rb") as requests, told.open("wb") as replies:
        os.dup2(requests.fileno(), 0)
        os.dup2(replies.fileno(), 1)
    monkeypatch.setattr(worker, "limit_resources", lambda: None)
    worker.run(lambda: noisy)
    with told.open("rb") as replies:
        assert wire.read_frame(replies) == ({"status": "ready"}, b"")
        answer = wire.read_frame(replies)
        assert answer is not None
        assert wire.to_result(*answer).data == PICTURE
        assert wire.read_frame(replies) is None


@pytest.mark.usefixtures("as_before")
def test_parent_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child whose parent stops in the middle of a frame ends at once, without a word."""
    asked = tmp_path / "asked"
    asked.write_bytes(b"half a frame")
    with asked.open("rb") as requests, (tmp_path / "told").open("wb") as replies:
        os.dup2(requests.fileno(), 0)
        os.dup2(replies.fileno(), 1)

    def ended(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr(os, "_exit", ended)
    monkeypatch.setattr(worker, "limit_resources", lambda: None)
    with pytest.raises(SystemExit, match="1"):
        worker.run(lambda: noisy)


@pytest.mark.usefixtures("as_before")
def test_limits() -> None:
    """A child has so much memory and no more, and leaves no file behind when it crashes."""
    most = 2**50
    worker.limit_resources(most)
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == most
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
