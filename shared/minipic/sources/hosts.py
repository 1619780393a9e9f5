"""Conversations with public hosts: the one place where it is decided whom this service talks to."""

import functools
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from minipic.errors import SourceNotFound
from minipic.sources.addresses import Address, is_public, read_address
from minipic.sources.connections import connected
from minipic.sources.conversations import Conversation
from minipic.sources.deadlines import Deadline
from minipic.sources.lookups import Lookups, Resolve
from minipic.sources.targets import NO_PUBLIC_HOST, Target, read_target


class PublicHosts:
    """Public hosts on ports 80 and 443, and what the operator lists; safe to use from several threads.

    ``allow`` opens single hosts on single ports whatever their address, as ``"host:port"`` in lower case, an IPv6
    address in brackets: for an intranet's servers, and for tests. Certificates are checked there too.
    """

    def __init__(self, allow: frozenset[str], resolve: Resolve) -> None:
        self._allow = allow
        self._lookups = Lookups(resolve)

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        # Made when it is first needed: reading the machine's certificates takes longer than a handshake.
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context

    def target(self, url: str) -> Target:
        """Take a URL apart; SourceNotFound unless it may be asked for, as far as its text can tell."""
        return read_target(url, self._allow)

    @contextmanager
    def conversation(self, target: Target, deadline: Deadline) -> Iterator[Conversation]:
        """Yield a conversation with the target's host; SourceNotFound unless all its addresses are public, OSError."""
        addresses = self._checked_addresses(target, deadline)
        tls = self._tls if target.scheme == "https" else None
        with connected(target, addresses, deadline, tls) as connection:
            yield Conversation(connection, deadline)

    def _checked_addresses(self, target: Target, deadline: Deadline) -> Sequence[Address]:
        literal = read_address(target.name)
        try:
            addresses = [literal] if literal else self._lookups.find(target.name, deadline)
        except TimeoutError:
            raise
        except (OSError, ValueError) as error:
            raise SourceNotFound(NO_PUBLIC_HOST) from error
        if not addresses or not (target.is_listed or all(map(is_public, addresses))):
            raise SourceNotFound(NO_PUBLIC_HOST)
        return addresses
