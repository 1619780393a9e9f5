"""URLs that must never open a connection, by their text alone or by what their host resolves to."""

import pytest

from minipic.errors import SourceNotFound
from minipic.sources import HttpSources
from tests.sources.conftest import SocketGuard

LOOPBACK_IN_DISGUISE = [
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.01/",
    "http://127.0.0.1./",
    "http://00000127.0.0.1/",
    "http://127.0.0.1%00/",
    "http://0/",
    "http://0.0.0.0/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost./",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:53aa:64c:0:0:80ff:fffe]/",
    "http://[::1%25lo]/",
    "http://[127.0.0.1]/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://١٢٧.٠.٠.١/",
    "http://ⓛocalhost/",
    "http://lоcalhost.com/",  # with a Cyrillic o
    "http://%31%32%37.0.0.1/",
]
OTHER_PLACES = [
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://169.254.170.2/v2/credentials",
    "http://168.63.129.16/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://192.0.2.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://198.18.0.1/",
    "http://192.88.99.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456:789a::1]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[2001:10::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
    "http://intranet/",
    "http://1.2.3/",
    "http://256.256.256.256/",
    "http://example.0x7f/",
    "http://example.com./",
    "http://a..example.com/",
    "http://-.example.com/",
    f"http://{'a' * 64}.example.com/",
    f"http://{'a.' * 130}com/",
]
OTHER_SHAPES = [
    "",
    "http://",
    "http:///a.png",
    "example.com/a.png",
    "//example.com/a.png",
    "/etc/passwd",
    "file:///etc/passwd",
    "file://example.com/a.png",
    "ftp://example.com/a.png",
    "gopher://example.com:80/_GET",
    "dict://example.com:80/",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "httpſ://example.com/",  # the long s, which is an s when case is ignored
    "http:example.com",
    "http:/example.com",
    "http:\\\\example.com\\",
    "http://example.com\\@127.0.0.1/",
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1#@example.com/",
    "http://example.com:80@127.0.0.1/",
    "http://example.com:22/",
    "http://example.com:8080/",
    "https://example.com:6379/",
    "http://example.com:0/",
    "http://example.com:080/",
    "http://example.com:65616/",  # 80 in sixteen bits
    "http://example.com:99999999/",
    "http://example.com:/",
    "http://example.com:-80/",
    "http://example.com:８０/",
    "http://example.com: 80/",
    "http://[example.com]/",
    "http://[::1/",
    "http://::1/",
    "http://exa mple.com/",
    " http://example.com/",
    "http://example.com/\n",
    "http://example.com/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "http://example.com/a b.png",
    "http://example.com\t.evil.test/",
    "http://example.com\x00.evil.test/",
    "http://example.com%2f.evil.test/",
    "http://exam\u200bple.com/",  # with a blank of no width
    "http://example.com/\ud800.png",
    f"http://example.com/{'a' * 9000}",
]
PRIVATE_ANSWERS = [
    ["127.0.0.1"],
    ["169.254.169.254"],
    ["10.1.2.3"],
    ["::1"],
    ["::ffff:10.0.0.1"],
    ["64:ff9b::a00:1"],
    ["fe80::1%lo"],
    ["2606:4700::1%lo"],
    ["93.184.216.34", "10.0.0.1"],
    ["10.0.0.1", "93.184.216.34"],
    ["2606:4700::1111", "::1"],
    ["2002:7f00:1::", "93.184.216.34"],
    [],
    ["not an address"],
    ["0177.0.0.1"],
]


def test_the_table_is_long() -> None:
    """More than 60 hostile URLs, no two alike."""
    urls = LOOPBACK_IN_DISGUISE + OTHER_PLACES + OTHER_SHAPES
    assert len(set(urls)) == len(urls) > 60


@pytest.mark.parametrize("url", LOOPBACK_IN_DISGUISE + OTHER_PLACES + OTHER_SHAPES, ids=lambda url: ascii(url)[:60])
def test_nothing_is_connected_to(url: str, guard: SocketGuard) -> None:
    """A URL that leads anywhere but to a public host opens no connection and asks no resolver."""
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return ["93.184.216.34"]  # what is let through by mistake is not stopped by anything else

    for each in (url, url.replace("http:", "https:", 1)):
        with pytest.raises(SourceNotFound) as refusal:
            HttpSources(resolve=resolve).fetch(each, 1000)
        assert "127" not in refusal.value.message
        assert "169" not in refusal.value.message
    assert guard.connects == []
    assert asked == guard.lookups == []


@pytest.mark.parametrize("addresses", PRIVATE_ANSWERS)
def test_every_resolved_address_counts(addresses: list[str], guard: SocketGuard) -> None:
    """One address that is not public, anywhere among a name's addresses, and the name is refused."""
    with pytest.raises(SourceNotFound, match="was not found, or is not public"):
        HttpSources(resolve=lambda host: addresses).fetch("https://pictures.example.com/a.png", 1000)
    assert guard.connects == []


def test_unknown_and_private_names_look_alike(guard: SocketGuard) -> None:
    """Whether a private name exists is told to nobody: unknown names get the same words."""
    told = set()
    for sources in (HttpSources(), HttpSources(resolve=lambda host: ["127.0.0.1"])):
        with pytest.raises(SourceNotFound) as refusal:
            sources.fetch("https://database.example.com/a.png", 1000)
        told.add(refusal.value.message)
    assert len(told) == 1
    assert guard.lookups == ["database.example.com"]


@pytest.mark.parametrize(
    ("url", "connects"),
    [
        ("http://93.184.216.34/a.png", [("93.184.216.34", 80)]),
        ("https://93.184.216.34", [("93.184.216.34", 443)]),
        ("HTTP://Pictures.Example.COM:443/a.png?b=c#d", [("93.184.216.34", 443), ("2606:4700::1111", 443)]),
        ("https://xn--bcher-kva.example.com:80/ä.png", [("93.184.216.34", 80), ("2606:4700::1111", 80)]),
        ("http://[2606:4700::1111]?a", [("2606:4700::1111", 80)]),
    ],
)
def test_public_hosts_are_connected_to(url: str, connects: list[tuple[str, int]], guard: SocketGuard) -> None:
    """The table above is not refused because everything is: public hosts are tried, address after address."""
    addresses = ["93.184.216.34", "2606:4700::1111", "93.184.216.34"]
    with pytest.raises(SourceNotFound, match="could not be reached"):
        HttpSources(resolve=lambda host: addresses).fetch(url, 1000)
    assert guard.connects == connects


def test_only_the_listed_place_is_open(guard: SocketGuard) -> None:
    """What the operator lists is that host on that port: not its other ports, not its other spellings."""
    sources = HttpSources(frozenset({"127.0.0.1:1", "127.0.0.1:99999"}))
    for url in ("http://127.0.0.1/", "http://127.0.0.1:2/", "http://127.1:1/", "http://127.0.0.1:99999/"):
        with pytest.raises(SourceNotFound):
            sources.fetch(url, 1000)
    assert guard.connects == []
    with pytest.raises(SourceNotFound, match="could not be reached"):
        sources.fetch("http://127.0.0.1:1/", 1000)
    with pytest.raises(SourceNotFound, match="could not be reached"):
        HttpSources(frozenset({"[::1]:1"})).fetch("http://[::1]:1/", 1000)
    assert guard.connects == [("127.0.0.1", 1), ("::1", 1)]
