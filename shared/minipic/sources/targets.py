"""What a URL asks for. One strict grammar takes it apart once, so no two parsers can disagree about its host."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin

from minipic.errors import SourceNotFound
from minipic.sources.addresses import read_address

MAX_URL_CHARS = 8192  # links that a storage service signs run to some two thousand
MAX_PORT = 65535
_PORTS = {"http": 80, "https": 443}

_NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f\\]")
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_][a-z0-9._-]*|\[[0-9a-f.]*:[0-9a-f:.]*\])(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?(?:#.*)?",
    re.ASCII | re.IGNORECASE,
)
# The last label begins with a letter: what ends in a number is an IPv4 address to some resolver, in octal or hex.
_PUBLIC_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII
)
_KEPT_AS_IT_IS = "!\"#$%&'()*+,/:;<=>?@[]^`{|}~"

_MALFORMED = (
    "The source's address is not acceptable: it must begin with http:// or https://, name its host in ASCII, and hold "
    "no user name, blank or backslash."
)
_WRONG_PORT = "The source's address names a port that is not open to this service: only 80 and 443 are."
# One text for both: who may not look into a network shall not learn which names exist there.
NO_PUBLIC_HOST = "The source's host was not found, or is not public. Check the address and send it again."


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to ask one host for. ``is_listed`` is set where the operator opened exactly this host and port."""

    scheme: str
    host: str
    port: int
    path: str
    is_listed: bool

    @property
    def name(self) -> str:
        """The host as resolvers and certificates know it: an IPv6 address without its brackets."""
        return self.host.strip("[]")

    @property
    def authority(self) -> str:
        """The host as the Host header names it."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"


def read_target(url: str, allow: frozenset[str]) -> Target:
    """Take a URL apart; SourceNotFound unless it may be asked for, as far as its text can tell."""
    parts = None
    if len(url) <= MAX_URL_CHARS and not _NEVER_IN_A_URL.search(url):
        parts = _URL.fullmatch(url)
    if parts is None:
        raise SourceNotFound(_MALFORMED)
    scheme, host = parts["scheme"].lower(), parts["host"].lower()
    port = int(parts["port"] or _PORTS[scheme])
    is_listed = f"{host}:{port}" in allow
    if port > MAX_PORT or not (is_listed or port in _PORTS.values()):
        raise SourceNotFound(_WRONG_PORT)
    if not (is_listed or _is_proper(host)):
        raise SourceNotFound(NO_PUBLIC_HOST)
    return Target(scheme, host, port, _on_the_wire((parts["path"] or "/") + (parts["query"] or "")), is_listed)


def redirected(url: str, locations: list[bytes]) -> str:
    """Return the URL that an answer leads to, not judged yet; SourceNotFound unless it names exactly one."""
    if len(locations) != 1:
        raise SourceNotFound("The source's host redirects, but does not say where to.")
    try:
        return urljoin(url, locations[0].decode(errors="replace"))
    except ValueError as error:
        raise SourceNotFound(_MALFORMED) from error


def _is_proper(host: str) -> bool:
    return read_address(host.strip("[]")) is not None or _PUBLIC_NAME.fullmatch(host) is not None


def _on_the_wire(path: str) -> str:
    try:
        return quote(path, safe=_KEPT_AS_IT_IS)
    except UnicodeEncodeError as error:  # half of a surrogate pair, which JSON can spell
        raise SourceNotFound(_MALFORMED) from error
