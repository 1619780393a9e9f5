"""Ports of the loopback for servers of tests, which listen on them some seconds after they are chosen."""

import itertools
import os
import socket

# The system gives no port below 32768 to a connection or to whoever asks for any, so none is taken before its use.
_FIRST, _NUMBER = 20_000, 12_000
_FOR_ONE_PROCESS = 101  # processes that began one after the other begin this far apart
_ports = (_FIRST + offset % _NUMBER for offset in itertools.count(os.getpid() * _FOR_ONE_PROCESS))


def free_port() -> int:
    """Return a port that nobody listens on, another one each time."""
    for port in itertools.islice(_ports, _NUMBER):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("every port is in use")
