"""Messages go to public hosts over https, or where the operator opened a way; what is no plain success is a failure."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from minipic.domain.notices import NotDelivered
from minipic.errors import BadRequest
from minipic.sources import HttpSender
from tests.sources.conftest import SocketGuard
from tests.sources.receivers import receiving
from tests.sources.servers import Authority, Server, Speak, answer, drips, forever, resets, says, stays_silent
from tests.sources.test_hostile_urls import LOOPBACK_IN_DISGUISE, OTHER_PLACES, OTHER_SHAPES, PRIVATE_ANSWERS

TIMEOUT_S = 0.6
SLACK_S = 3.0
HEADERS = {"Content-Type": "application/json", "webhook-id": "msg_1"}
BODY = b'{"type":"balance.low"}'


def hears(speak: Speak) -> Speak:
    """Read the whole message first, then go on."""

    def heard(connection: socket.socket) -> None:
        message = b""
        while not message.endswith(BODY):
            message += connection.recv(4096)
        speak(connection)

    return heard


def breaks_off(connection: socket.socket) -> None:
    """Have the connection reset when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def posted(speak: Speak, timeout_s: float = TIMEOUT_S) -> str:
    """Return why a message to a host that speaks like this was not delivered."""
    with Server(speak, listens=False) as server, pytest.raises(NotDelivered) as failure:
        HttpSender(frozenset({server.at()}), timeout_s).post(f"http://{server.at()}/hook", HEADERS, BODY)
    return str(failure.value)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_success_is_delivered(status: int) -> None:
    """A status from 200 to 299 is a delivery; the message arrives once, with path, headers and body as given."""
    with receiving(status) as receiver:
        HttpSender(frozenset({receiver.at()})).post(f"http://{receiver.at()}/hook?a=b", HEADERS, BODY)
    (post,) = receiver.posts
    assert (post.path, post.body) == ("/hook?a=b", BODY)
    assert post.headers.items() >= {name.lower(): value for name, value in HEADERS.items()}.items()
    assert post.headers["host"] == receiver.at()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304, 400, 401, 404, 410, 429, 500, 503])
def test_anything_else_is_not(status: int, guard: SocketGuard) -> None:
    """Any other status is a failure that names it; a redirect is not followed."""
    with receiving(status) as receiver, pytest.raises(NotDelivered, match=f"^status {status}$"):
        HttpSender(frozenset({receiver.at()})).post(f"http://{receiver.at()}/hook", HEADERS, BODY)
    assert len(receiver.posts) == 1
    assert len(guard.connects) == 1


@pytest.mark.parametrize("url", LOOPBACK_IN_DISGUISE + OTHER_PLACES + OTHER_SHAPES, ids=lambda url: ascii(url)[:60])
def test_nothing_is_connected_to(url: str, guard: SocketGuard) -> None:
    """What a source may not be fetched from gets no message either, over https or http."""
    for each in (url, url.replace("http:", "https:", 1)):
        with pytest.raises(NotDelivered, match="not public"):
            HttpSender(resolve=lambda host: ["10.0.0.1"]).post(each, HEADERS, BODY)
    assert guard.connects == []
    assert guard.lookups == []


@pytest.mark.parametrize("addresses", PRIVATE_ANSWERS)
def test_every_resolved_address_counts(addresses: list[str], guard: SocketGuard) -> None:
    """A name with one private address gets no message."""
    with pytest.raises(NotDelivered, match="not public"):
        HttpSender(resolve=lambda host: addresses).post("https://hooks.example.com/", HEADERS, BODY)
    assert guard.connects == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "http://93.184.216.34/",
        "https://hooks.example.com:8443/",
        "https://user:word@hooks.example.com/",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "",
    ],
)
def test_what_cannot_be_a_webhook_is_said_at_once(url: str, guard: SocketGuard) -> None:
    """Without TLS, with another port, with a user name: the URL is refused before anything is looked up."""
    with pytest.raises(BadRequest, match="MINIPIC_SOURCE_ALLOW") as refusal:
        HttpSender().check(url)
    assert "word" not in refusal.value.message
    assert guard.connects == []
    assert guard.lookups == []


@pytest.mark.parametrize("url", ["https://hooks.example.com/a?b", "https://93.184.216.34:443/", "http://inside:8080/"])
def test_what_can_be_a_webhook(url: str) -> None:
    """Public hosts over https, and what the operator lists, http too."""
    HttpSender(frozenset({"inside:8080"})).check(url)


def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver's certificate has to be valid for its name; then the message is delivered over TLS."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    for name, is_delivered in (("hooks.example.com", True), ("other.example.com", False)):
        with receiving(tls=authority.issue(name)) as receiver:
            place = receiver.at("hooks.example.com")
            sender = HttpSender(frozenset({place}), resolve=lambda host: ["127.0.0.1"])
            if is_delivered:
                sender.post(f"https://{place}/hook", HEADERS, BODY)
            else:
                with pytest.raises(NotDelivered, match="trusted"):
                    sender.post(f"https://{place}/hook", HEADERS, BODY)
        assert len(receiver.posts) == is_delivered


@pytest.mark.parametrize(
    "speak",
    [
        pytest.param(hears(stays_silent), id="no answer"),
        pytest.param(hears(drips(b"HTTP/1.1 200 OK\r\nX-Slow: ", forever(b"a"))), id="a header, a byte at a time"),
        pytest.param(hears(drips(b"", [b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 6, 0.2)), id="interim answers"),
    ],
)
def test_slowness_ends_at_the_deadline(speak: Callable[[socket.socket], None]) -> None:
    """However slowly the other side answers, the time for all of it is one."""
    started_s = time.monotonic()
    assert posted(speak) == "no answer within 0.6 seconds"
    assert TIMEOUT_S * 0.9 < time.monotonic() - started_s < TIMEOUT_S + SLACK_S


def test_a_slow_body_after_a_success_is_nobodys_time() -> None:
    """The status decides: what a receiver drips after it is not waited for."""
    started_s = time.monotonic()
    with Server(hears(drips(answer(Content_Length=1000), forever(b"a"))), listens=False) as server:
        HttpSender(frozenset({server.at()}), 60.0).post(f"http://{server.at()}/", HEADERS, BODY)
        assert time.monotonic() - started_s < SLACK_S


@pytest.mark.parametrize(
    ("speak", "why"),
    [
        (hears(says(b"SMTP ready\r\n\r\n")), "an answer that is not valid HTTP"),
        (hears(says()), "an answer that is not valid HTTP"),
        (hears(breaks_off), "no connection"),
    ],
)
def test_what_is_no_answer(speak: Speak, why: str) -> None:
    """A host that does not speak HTTP, or breaks off, has taken nothing."""
    assert posted(speak, timeout_s=5.0) == why


def test_nobody_there() -> None:
    """A port that nobody listens on is a failure like any other."""
    with Server(resets) as server:
        place = server.at()
    with pytest.raises(NotDelivered, match=r"^no connection$"):
        HttpSender(frozenset({place})).post(f"http://{place}/", HEADERS, BODY)
