"""No test here reaches anything but this machine's loopback, and every attempt to connect is on record."""

import ipaddress
import socket
from typing import Any

import pytest


class SocketGuard:
    """Every address that a connection was tried to, and every name that the system's resolver was asked for."""

    def __init__(self) -> None:
        self.connects: list[tuple[str, int]] = []
        self.lookups: list[str] = []


@pytest.fixture(autouse=True)
def guard(monkeypatch: pytest.MonkeyPatch) -> SocketGuard:
    """Record connections and look-ups; refuse what would leave the loopback."""
    seen = SocketGuard()
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def watched_connect(self: socket.socket, address: Any) -> None:
        seen.connects.append(address[:2])
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise ConnectionRefusedError("outside of the loopback")
        connect(self, address)

    def watched_connect_ex(self: socket.socket, address: Any) -> int:
        raise AssertionError("a second way to connect, which nothing here watches")

    def watched_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        seen.lookups.append(host)
        if host not in {"localhost", "127.0.0.1"}:
            raise socket.gaierror(socket.EAI_NONAME, "outside of the loopback")
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", watched_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", watched_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", watched_getaddrinfo)
    return seen
