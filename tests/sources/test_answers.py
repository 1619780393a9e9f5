"""Servers that answer badly: each is refused with its own words, in time, and leaves nothing open."""

import gzip
from collections.abc import Iterator

import pytest

from minipic.errors import SourceNotFound
from minipic.sources import HttpSources
from tests.sources.conftest import SocketGuard
from tests.sources.servers import Server, answer, drips, resets, says

MAX_BYTES = 1000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def fetch(server: Server, max_bytes: int = MAX_BYTES) -> bytes:
    """Fetch a picture from one server that the operator has listed."""
    return HttpSources(frozenset({server.at()}), timeout_s=2.0).fetch(f"http://{server.at()}/a.png", max_bytes)


@pytest.mark.parametrize(
    "answered",
    [
        answer(b"picture"),
        answer(b"picture", Content_Encoding="identity"),
        answer(b"picture", Content_Length="7, 7"),
        answer(b"picture", Content_Length=None),  # ends with the connection
        b"HTTP/1.0 200 OK\r\n\r\npicture",
        CHUNKED + b"3\r\npic\r\n4;note=1\r\nture\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + answer(b"picture"),
        answer(b"picture, and more than was declared", Content_Length=7),
    ],
)
def test_the_picture_arrives(answered: bytes) -> None:
    """Every way in which HTTP marks a body's end is understood; bytes past that end are not part of the image."""
    with Server(says(answered)) as server:
        assert fetch(server) == b"picture"


@pytest.mark.parametrize(
    ("answered", "told"),
    [
        (answer(b"?", "404 Not Found"), "answered with status 404"),
        (answer(b"?", "500 Internal Server Error"), "answered with status 500"),
        (answer(status="204 No Content", Content_Length=None), "answered with status 204"),
        (answer(b"?", "206 Partial Content"), "answered with status 206"),
        (answer(status="304 Not Modified"), "answered with status 304"),
        (answer(b"?", "300 Multiple Choices", Location="/b.png"), "answered with status 300"),
        (answer(b""), "is empty"),
        (answer(b"", Content_Length=None), "is empty"),
        (CHUNKED + b"0\r\n\r\n", "is empty"),
        (answer(b"short", Content_Length=6), "incomplete answer"),
        (CHUNKED + b"9\r\nshort", "incomplete answer"),
        (CHUNKED + b"5\r\nshort\r\n", "incomplete answer"),
        (CHUNKED + b"-1\r\n", "not valid HTTP"),
        (answer(b"two", Content_Length="2, 3"), "not valid HTTP"),
        (answer(b"two", Content_Length=-3), "not valid HTTP"),
        (answer(b"two", Content_Length="9" * 5000), "not valid HTTP"),
        (answer(b"two", Transfer_Encoding="gzip, chunked"), "not valid HTTP"),
        (answer(status="101 Switching Protocols", Content_Length=None), "not valid HTTP"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" * 9 + answer(b"picture"), "not valid HTTP"),
        (b"", "incomplete answer"),
        (b"HTTP/1.1 200", "incomplete answer"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "not valid HTTP"),
        (b"\x89PNG\r\n\x1a\n" * 9, "not valid HTTP"),
        (answer(b"picture", X_Long="a" * 200_000), "headers of a usual size"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Many: header\r\n" * 20_000 + b"\r\npicture", "headers of a usual size"),
        (answer(status="302 Found"), "does not say where to"),
        (b"HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n", "does not say where to"),
        (answer(status="302 Found", Location="http://[::1/"), "not acceptable"),
    ],
)
def test_bad_answers(answered: bytes, told: str) -> None:
    """An answer that is not one whole picture with status 200 is refused with the reason."""
    with Server(says(answered)) as server, pytest.raises(SourceNotFound, match=told) as refusal:
        fetch(server)
    assert str(server.port) not in refusal.value.message


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip", "deflate", "x"])
def test_bombs_stay_packed(encoding: str) -> None:
    """An answer in a Content-Encoding is refused before its body is read: a small one may unpack to a huge one."""
    bomb = gzip.compress(bytes(10_000_000))
    with Server(says(answer(bomb, Content_Encoding=encoding))) as server:
        with pytest.raises(SourceNotFound, match="Content-Encoding"):
            fetch(server, max_bytes=100_000)
        assert b"\r\nAccept-Encoding: identity\r\n" in server.requests[0]


@pytest.mark.parametrize("answered", [answer(bytes(MAX_BYTES)), answer(bytes(MAX_BYTES), Content_Length=None)])
def test_the_limit_itself_fits(answered: bytes) -> None:
    """A picture of exactly the limit's size is taken."""
    with Server(says(answered)) as server:
        assert fetch(server) == bytes(MAX_BYTES)


@pytest.mark.parametrize(
    "parts",
    [
        [answer(bytes(MAX_BYTES + 1))],
        [answer(b"only announced", Content_Length=MAX_BYTES + 1)],
        [answer(b"only announced", Content_Length=99_999_999_999_999_999_999)],
        [answer(bytes(MAX_BYTES + 1), Content_Length=None)],
        [CHUNKED, *[b"1\r\na\r\n"] * (MAX_BYTES + 1)],
    ],
)
def test_one_byte_too_many(parts: list[bytes]) -> None:
    """Above the limit, declared or not, the picture is refused and the words name the limit."""
    with Server(says(*parts)) as server, pytest.raises(SourceNotFound, match="larger than 1000 bytes"):
        fetch(server)


@pytest.mark.parametrize("head", [CHUNKED, b"HTTP/1.1 200 OK\r\n\r\n"])
def test_endless_body(head: bytes) -> None:
    """A body without end is cut off at the limit: the server is left talking to nobody."""
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        while True:
            yield b"1000\r\n" + bytes(4096) + b"\r\n"
            sent += 1

    with Server(drips(head, pieces(), pause_s=0)) as server, pytest.raises(SourceNotFound, match="larger than 1000"):
        fetch(server)
    assert sent < 10_000  # what the system's buffers take


def test_reset() -> None:
    """A connection that breaks in the middle of the picture is a refusal, never half a picture."""
    with Server(resets) as server, pytest.raises(SourceNotFound, match="closed the connection"):
        fetch(server)


def test_environment_and_strangers_add_nothing(monkeypatch: pytest.MonkeyPatch, guard: SocketGuard) -> None:
    """Proxies and credentials of the environment are not used, and a request says nothing but what it must."""
    with Server(says(answer(b"picture", Set_Cookie="a=b"))) as server, Server(says(answer(b"proxy"))) as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://user:secret@{proxy.at()}")
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("NETRC", "/nonexistent")
        sources = HttpSources(frozenset({server.at()}))
        url = f"http://{server.at()}/ä%20b.png?size=1&to=é#part"
        assert sources.fetch(url, MAX_BYTES) == sources.fetch(url, MAX_BYTES) == b"picture"
    assert proxy.served == 0
    assert guard.connects == [("127.0.0.1", server.port)] * 2
    assert server.requests[0] == server.requests[1]
    assert server.requests[0].decode().splitlines() == [
        "GET /%C3%A4%20b.png?size=1&to=%C3%A9 HTTP/1.1",
        f"Host: {server.at()}",
        "User-Agent: MiniPic/0.1",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
    ]
