"""The copy of a process that runs what might end it, seen from inside."""

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from minipic_engine import aside


class EndedError(Exception):
    """Stands for the end of the process, with its status."""


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let what would end or strip the process only be noted."""
    codes: list[int] = []

    def ended(code: int) -> None:
        codes.append(code)
        raise EndedError

    monkeypatch.setattr(os, "_exit", ended)
    monkeypatch.setattr(os, "closerange", lambda *_: None)
    before = signal.getsignal(signal.SIGALRM)
    yield codes
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(("work", "answer", "status"), [(lambda: b"made", b"made", 0), (lambda: bytes(-1), b"", 1)])
def test_copy(
    work: Callable[[], bytes], answer: bytes, status: int, in_this_process: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy hands its answer on and ends well, or ends badly when it raises; it never returns, nor runs for ever."""
    reading, writing = os.pipe()
    monkeypatch.setattr(os, "pipe", lambda: (reading, writing))
    monkeypatch.setattr(os, "fork", lambda: 0)
    with pytest.raises(EndedError):
        aside.aside(work)
    assert in_this_process[0] == status
    assert signal.alarm(0) > 0
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == answer
