"""Redirects: three at most, each judged like the first address."""

import itertools
import socket
from collections.abc import Iterator

import pytest

from minipic.errors import SourceNotFound
from minipic.sources import HttpSources
from tests.sources.conftest import SocketGuard
from tests.sources.servers import Server, Speak, answer, says


def in_turn(*answers: bytes) -> Speak:
    """Answer each connection with the next of these, the last one again and again."""
    left: Iterator[bytes] = itertools.chain(answers, itertools.repeat(answers[-1]))

    def speak(connection: socket.socket) -> None:
        connection.sendall(next(left))

    return speak


def to(location: str, status: str = "302 Found") -> bytes:
    """Return an answer that redirects."""
    return answer(b"moved", status, Location=location)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_three_are_followed(status: str) -> None:
    """A picture behind three redirects arrives; relative ones, ones with a foreign letter and absolute ones work."""
    with Server(says(answer(b"end"))) as last:
        speak = in_turn(to("b.png", status), to("/ü.png?x", status), to(f"http://{last.at()}/c", status))
        with Server(speak) as first:
            sources = HttpSources(frozenset({first.at(), last.at()}))
            assert sources.fetch(f"http://{first.at()}/folder/a.png", 1000) == b"end"
    paths = [head.split()[1] for head in first.requests + last.requests]
    assert paths == [b"/folder/a.png", b"/folder/b.png", b"/%C3%BC.png?x", b"/c"]


@pytest.mark.parametrize("location", ["/next", "", "/a.png"])
def test_the_fourth_is_refused(location: str) -> None:
    """Four redirects are one too many, and a loop is nothing but that."""
    with Server(says(to(location))) as server, pytest.raises(SourceNotFound, match="more than 3 times"):
        HttpSources(frozenset({server.at()})).fetch(f"http://{server.at()}/a.png", 1000)
    assert server.served == 4


def test_none_may_be_allowed() -> None:
    """The number of redirects is the operator's: with none, the first one is refused."""
    with Server(says(to("/b.png"))) as server, pytest.raises(SourceNotFound, match="more than 0 times"):
        HttpSources(frozenset({server.at()}), max_redirects=0).fetch(f"http://{server.at()}/a.png", 1000)
    assert server.served == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1/",
        "http://127.0.0.1:1/",
        "//127.0.0.1/",
        "http://localhost/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://private.example.com/",
        "http://pictures.example.com:22/",
        "http://user:secret@pictures.example.com/",
        "file:///etc/passwd",
        "gopher://pictures.example.com/",
        "data:image/png;base64,AAAA",
    ],
)
def test_each_is_judged_from_scratch(location: str, guard: SocketGuard) -> None:
    """A redirect leads nowhere that a client's own address could not: the second connection is never opened."""
    with Server(says(to(location))) as server:
        sources = HttpSources(frozenset({server.at()}), resolve=lambda host: ["10.0.0.1"])
        with pytest.raises(SourceNotFound):
            sources.fetch(f"http://{server.at()}/", 1000)
    assert guard.connects == [("127.0.0.1", server.port)]


def test_the_checked_address_is_the_one_connected_to(guard: SocketGuard) -> None:
    """A name that is public when checked and private when asked again: it is not asked again."""
    answers = itertools.chain([["93.184.216.34"]], itertools.repeat(["127.0.0.1"]))
    asked: list[str] = []

    def rebind(host: str) -> list[str]:
        asked.append(host)
        return next(answers)

    with pytest.raises(SourceNotFound, match="could not be reached"):
        HttpSources(resolve=rebind).fetch("http://rebind.example.com/", 1000)
    assert guard.connects == [("93.184.216.34", 80)]
    assert asked == ["rebind.example.com"]
    assert guard.lookups == []


def test_rebinding_between_redirects(guard: SocketGuard) -> None:
    """A redirect to a name that was public a moment ago looks the name up again and believes the new answer."""
    answers = itertools.chain([["127.0.0.1"]], itertools.repeat(["192.168.0.1"]))
    with Server(says(to("http://rebind.example.com/"))) as server:
        sources = HttpSources(frozenset({server.at("rebind.example.com")}), resolve=lambda host: next(answers))
        with pytest.raises(SourceNotFound, match="is not public"):
            sources.fetch(f"http://{server.at('rebind.example.com')}/", 1000)
    assert guard.connects == [("127.0.0.1", server.port)]


def test_nothing_is_taken_along() -> None:
    """The request after a redirect to another host bears no cookie, no referrer, and the new host's name."""
    with Server(says(answer(b"end"))) as second:
        found = answer(b"moved", "302 Found", Location=f"http://{second.at()}/b", Set_Cookie="secret=1; Path=/")
        with Server(says(found)) as first:
            allow = frozenset({first.at(), second.at()})
            assert HttpSources(allow).fetch(f"http://{first.at()}/a?secret=2", 1000) == b"end"
    assert b"secret" not in second.requests[0]
    assert f"\r\nHost: {second.at()}\r\n".encode() in second.requests[0]


def test_the_next_address_is_tried(guard: SocketGuard) -> None:
    """Where a host's first address takes no connection, the next one is used; after the fourth nothing is tried."""
    with Server(says(answer(b"picture"))) as server:
        allow = frozenset({server.at("many.example.com")})
        deaf, url = [f"127.0.0.{last}" for last in range(2, 12)], f"http://{server.at('many.example.com')}/"
        assert HttpSources(allow, resolve=lambda host: [*deaf[:3], "127.0.0.1"]).fetch(url, 1000) == b"picture"
        guard.connects.clear()
        with pytest.raises(SourceNotFound, match="could not be reached"):
            HttpSources(allow, resolve=lambda host: deaf).fetch(url, 1000)
    assert [address for address, _ in guard.connects] == deaf[:4]
