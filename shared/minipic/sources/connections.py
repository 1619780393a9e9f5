"""Connections to addresses that were checked before: no name is resolved here."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from minipic.sources.addresses import Address
from minipic.sources.deadlines import Deadline
from minipic.sources.targets import Target

MAX_TRIES = 4  # a host may have hundreds of addresses


@contextmanager
def connected(
    target: Target, addresses: Sequence[Address], deadline: Deadline, tls: ssl.SSLContext | None
) -> Iterator[socket.socket]:
    """Yield a connection to the first address that takes one, under ``tls`` for the target's name; OSError."""
    with ExitStack() as opened:
        connection = opened.enter_context(_dial_any(addresses[:MAX_TRIES], target.port, deadline))
        if tls is not None:
            connection.settimeout(deadline.left_s())  # for the handshake as a whole
            connection = opened.enter_context(tls.wrap_socket(connection, server_hostname=target.name))
        yield connection


def _dial_any(addresses: Sequence[Address], port: int, deadline: Deadline) -> socket.socket:
    failure = OSError("no address")
    for tries_left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        share_s = deadline.left_s() / tries_left  # one address that never answers leaves time for the others
        try:
            return _dial(address, port, share_s)
        except OSError as error:
            failure = error
    raise failure


def _dial(address: Address, port: int, timeout_s: float) -> socket.socket:
    connection = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect((str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection
