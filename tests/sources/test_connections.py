"""TLS to the right host only, many fetches at once, and nothing left open."""

import gc
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minipic.errors import SourceNotFound
from minipic.sources import HttpSources
from minipic.sources.addresses import is_public
from tests.sources.conftest import SocketGuard
from tests.sources.servers import Authority, Server, answer, drips, forever, resets, says, stays_silent

NAME = "pictures.example.com"
NO_TRUST = "offers no connection that can be trusted"
OPEN_FILES = Path("/proc/self/fd")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The one authority that this machine trusts for the time of a test."""
    made = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.path))
    return made


def fetch(server: Server, name: str = NAME) -> bytes:
    """Fetch over TLS from a server that a name leads to."""
    sources = HttpSources(frozenset({server.at(name)}), timeout_s=2.0, resolve=lambda host: ["127.0.0.1"])
    return sources.fetch(f"https://{server.at(name)}/a.png", 1000)


def test_name_goes_to_certificate_and_host(authority: Authority, guard: SocketGuard) -> None:
    """The connection goes to the address, while the certificate and the Host header are the name's."""
    tls, asked = authority.issue(NAME), list[str | None]()
    tls.sni_callback = lambda connection, name, context: asked.append(name)
    with Server(says(answer(b"picture")), tls) as server:
        assert fetch(server) == b"picture"
    assert asked == [NAME]
    assert guard.connects == [("127.0.0.1", server.port)]
    assert f"\r\nHost: {NAME}:{server.port}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize(
    "issue",
    [
        pytest.param(lambda authority: authority.issue(NAME, is_trusted=False), id="self-signed"),
        pytest.param(lambda authority: authority.issue("other.example.com"), id="another name"),
        pytest.param(lambda authority: authority.issue(NAME, ends_in_days=-1), id="expired"),
    ],
)
def test_untrusted_certificates(issue: Callable[[Authority], ssl.SSLContext], authority: Authority) -> None:
    """A certificate that is self-signed, another name's or out of date ends the fetch before anything is asked."""
    with Server(says(answer(b"picture")), issue(authority)) as server, pytest.raises(SourceNotFound, match=NO_TRUST):
        fetch(server)
    assert server.requests == []


def test_a_certificate_for_the_address_is_not_enough(authority: Authority) -> None:
    """Where the URL names an address, a certificate for a name does not do."""
    with (
        Server(says(answer(b"picture")), authority.issue(NAME)) as server,
        pytest.raises(SourceNotFound, match=NO_TRUST),
    ):
        fetch(server, "127.0.0.1")


def test_plain_text_where_tls_was_asked_for() -> None:
    """A server that does not speak TLS is refused."""
    server = Server(says(answer(b"picture")), listens=False)
    with server, pytest.raises(SourceNotFound, match=NO_TRUST):
        fetch(server)


def test_the_system_resolves(guard: SocketGuard) -> None:
    """Without a resolver of one's own, names go to the machine's, once."""
    with Server(says(answer(b"picture"))) as server:
        assert (
            HttpSources(frozenset({server.at("localhost")})).fetch(f"http://{server.at('localhost')}/", 9) == b"picture"
        )
    assert guard.lookups == ["localhost"]


def test_many_at_once() -> None:
    """One HttpSources serves many threads: each gets its own picture."""

    def speak(connection: socket.socket) -> None:
        connection.sendall(answer(server.requests[-1].split()[1]))

    with Server(speak) as server:
        sources = HttpSources(frozenset({server.at("a.example.com")}), resolve=lambda host: ["127.0.0.1"])
        with ThreadPoolExecutor(8) as threads:
            urls = [f"http://{server.at('a.example.com')}/{n}" for n in range(64)]
            fetched = list(threads.map(lambda url: sources.fetch(url, 1000), urls))
    assert fetched == [f"/{n}".encode() for n in range(64)]


@pytest.mark.skipif(not OPEN_FILES.exists(), reason="only Linux lists a process's open files")
def test_nothing_stays_open(authority: Authority) -> None:
    """However a fetch ends, its connection is closed."""
    endings = [
        (says(answer(b"picture")), None),
        (says(answer(b"picture")), authority.issue(NAME)),
        (says(answer(b"picture")), authority.issue("other.example.com")),
        (says(answer(status="302 Found", Location="/")), None),
        (says(answer(bytes(5000))), None),
        (drips(b"", forever(b"H")), None),
        (stays_silent, None),
        (resets, None),
    ]
    gc.collect()
    before = len(os.listdir(OPEN_FILES))
    for speak, tls in endings:
        with Server(speak, tls) as server:
            scheme = "https" if tls else "http"
            sources = HttpSources(frozenset({server.at(NAME)}), 0.2, resolve=lambda host: ["127.0.0.1"])
            for _ in range(3):
                try:
                    assert sources.fetch(f"{scheme}://{server.at(NAME)}/", 1000) == b"picture"
                except SourceNotFound:
                    continue
    assert len(os.listdir(OPEN_FILES)) <= before


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("8.8.8.8", True),
        ("1.1.1.1", True),
        ("172.15.255.255", True),
        ("172.32.0.0", True),
        ("100.63.255.255", True),
        ("100.128.0.0", True),
        ("223.255.255.255", True),
        ("2606:4700::1111", True),
        ("2a00:1450:4001:80b::200e", True),
        ("9.255.255.255", True),
        ("192.31.196.1", False),
        ("2620:4f:8000::1", False),
        ("168.63.129.16", False),
        ("1fff:ffff::", False),
        ("4000::", False),
        ("::808:808", False),
        ("::ffff:8.8.8.8", False),
        ("64:ff9b::808:808", False),
    ],
)
def test_edges_of_ranges(address: str, public: bool) -> None:
    """Neighbours of special ranges are public; forms that carry an IPv4 address are not, even a public one."""
    assert is_public(ipaddress.ip_address(address)) is public
