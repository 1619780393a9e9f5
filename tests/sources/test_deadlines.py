"""A fetch is over when its time is, whatever the other side does. Upper bounds are wide: they tell late from never."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from minipic.errors import SourceNotFound
from minipic.sources import HttpSources
from minipic.sources.conversations import Conversation
from minipic.sources.deadlines import Deadline
from minipic.sources.lookups import Lookups
from minipic.sources.targets import read_target
from tests.sources.servers import Server, Speak, answer, drips, forever, says, stays_silent

TIMEOUT_S = 0.6
SLACK_S = 3.0
LATE = "did not arrive completely within 0.6 seconds"


@contextmanager
def too_late() -> Iterator[None]:
    """The block is refused because its time is over: not before, and not long after."""
    started_s = time.monotonic()
    with pytest.raises(SourceNotFound, match=LATE):
        yield
    assert TIMEOUT_S * 0.9 < time.monotonic() - started_s < TIMEOUT_S + SLACK_S


def redirects_slowly(connection: socket.socket) -> None:
    """Redirect, each time after a while that is well within the limit."""
    time.sleep(TIMEOUT_S / 2)
    connection.sendall(answer(status="302 Found", Location="/again"))


@pytest.mark.parametrize(
    "speak",
    [
        pytest.param(stays_silent, id="no answer"),
        pytest.param(drips(b"", forever(b"H")), id="no answer but bytes"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\nX-Slow: ", forever(b"a")), id="one header, a byte at a time"),
        pytest.param(drips(b"HTTP/1.1 200 OK\r\n", forever(b"X: a\r\n")), id="headers one by one"),
        pytest.param(drips(b"", [b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 6, 0.2), id="interim answers"),
        pytest.param(drips(answer(Content_Length=1000), forever(b"a")), id="body"),
        pytest.param(drips(answer(Content_Length=None), forever(b"a")), id="body without length"),
        pytest.param(
            drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", forever(b"a")), id="line of a chunk"
        ),
        pytest.param(redirects_slowly, id="redirects"),
    ],
)
def test_slowness(speak: Speak) -> None:
    """However the time is spread over bytes, headers or redirects, there is only one sum of it."""
    with Server(speak) as server, too_late():
        HttpSources(frozenset({server.at()}), TIMEOUT_S).fetch(f"http://{server.at()}/", 1000)


def test_silence_in_the_handshake() -> None:
    """A server that takes the connection and never speaks TLS is given up on."""
    with Server(stays_silent) as server, too_late():
        HttpSources(frozenset({server.at()}), TIMEOUT_S).fetch(f"https://{server.at()}/", 1000)


def test_drip_in_the_handshake() -> None:
    """Bytes of a TLS record that never ends gain no time."""
    server = Server(drips(b"\x16\x03\x03\x40\x00", forever(b"\x02")), listens=False)
    with server, too_late():
        HttpSources(frozenset({server.at()}), TIMEOUT_S).fetch(f"https://{server.at()}/", 1000)


def test_nobody_waits_for_more_than_the_picture() -> None:
    """A whole picture is returned at once, although its server keeps the connection and talks on."""
    with Server(drips(answer(b"picture"), forever(b"a"))) as server:
        started_s = time.monotonic()
        fetched = HttpSources(frozenset({server.at()}), timeout_s=60).fetch(f"http://{server.at()}/", 1000)
        assert time.monotonic() - started_s < SLACK_S
    assert fetched == b"picture"


@contextmanager
def deaf(address: str, port: int = 0) -> Iterator[int]:
    """A port whose connections wait unanswered: nobody accepts them, and the queue is full."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind((address, port))
        listener.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            with pytest.raises(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


def test_a_deaf_host() -> None:
    """A host that never takes the connection is given up on, and so is each of its addresses."""
    with deaf("127.0.0.1") as port, too_late():
        place = f"deaf.example.com:{port}"
        sources = HttpSources(frozenset({place}), TIMEOUT_S, resolve=lambda host: ["127.0.0.1", "127.0.0.1"])
        sources.fetch(f"http://{place}/", 1000)


def test_a_deaf_address_leaves_time_for_the_next() -> None:
    """One address of several that never answers takes no more than its share of the time."""
    with Server(says(answer(b"picture"))) as server, deaf("127.0.0.2", server.port):
        place = server.at("half-deaf.example.com")
        sources = HttpSources(frozenset({place}), 2.0, resolve=lambda host: ["127.0.0.2", "127.0.0.1"])
        assert sources.fetch(f"http://{place}/", 1000) == b"picture"


def test_each_read_gets_what_is_left() -> None:
    """The time for a read shrinks with every read: a pause after many small pieces has only the rest."""
    timeouts_s: list[float | None] = []

    class Watched(socket.socket):
        def settimeout(self, value: float | None) -> None:
            timeouts_s.append(value)
            super().settimeout(value)

    near, far = socket.socketpair()
    with far, Watched(fileno=near.detach()) as watched:
        far.sendall(answer(Content_Length=100_000) + bytes(100_000))
        conversation = Conversation(watched, Deadline(5.0))
        conversation.ask(read_target("http://example.com/", frozenset()))
        assert len(conversation.read_body(100_000)) == 100_000
    assert len(timeouts_s) > 5
    assert timeouts_s == sorted(set(timeouts_s), key=lambda timeout_s: -(timeout_s or 0))


@pytest.fixture
def silent_resolver() -> Iterator[threading.Event]:
    """An event that resolvers wait for; set at the end, so that no thread stays."""
    answered = threading.Event()
    yield answered
    answered.set()


def test_a_resolver_that_never_answers(silent_resolver: threading.Event) -> None:
    """The caller is let go in time although the look-up's thread cannot be; the process may end without it."""
    holds_the_process = []

    def resolve(host: str) -> list[str]:
        holds_the_process.append(not threading.current_thread().daemon)
        silent_resolver.wait()
        return []

    with too_late():
        HttpSources(timeout_s=TIMEOUT_S, resolve=resolve).fetch("http://slow.example.com/", 1000)
    assert holds_the_process == [False]


def test_threads_are_bounded(silent_resolver: threading.Event) -> None:
    """Look-ups beyond the bound wait for a free thread no longer than their time, and find one when there is one."""
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        silent_resolver.wait()
        return ["93.184.216.34"]

    lookups = Lookups(resolve, max_lookups=2)
    with ThreadPoolExecutor(5) as callers:
        waiting = [callers.submit(lookups.find, f"{n}.example.com", Deadline(1.0)) for n in range(5)]
        assert all(isinstance(each.exception(), TimeoutError) for each in waiting)
    assert len(asked) == 2
    silent_resolver.set()
    assert [str(found) for found in lookups.find("late.example.com", Deadline(2.0))] == ["93.184.216.34"]


def test_no_thread_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has no thread left the source is refused, and the next look-up is not the poorer."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    sources = HttpSources(resolve=lambda host: ["10.0.0.1"])
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(40):
            with pytest.raises(SourceNotFound, match="not found"):
                sources.fetch("http://pictures.example.com/", 1000)
    with pytest.raises(SourceNotFound, match="not found"):
        sources.fetch("http://pictures.example.com/", 1000)


def test_no_time_at_all() -> None:
    """Without any time there is no connection, and never one that blocks for good."""
    with Server(says(answer(b"picture"))) as server, pytest.raises(SourceNotFound, match="within 0 seconds"):
        HttpSources(frozenset({server.at()}), timeout_s=0).fetch(f"http://{server.at()}/", 1000)
    assert server.served == 0
