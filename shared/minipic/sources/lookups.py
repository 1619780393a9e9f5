"""Names to addresses, within a deadline."""

import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from ipaddress import ip_address

from minipic.sources.addresses import Address
from minipic.sources.deadlines import Deadline

Resolve = Callable[[str], Iterable[str]]

MAX_LOOKUPS = 32


def system_resolve(host: str) -> list[str]:
    """Return the addresses that this machine's resolver knows a host by."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


class Lookups:
    """Asks the resolver in threads of its own, because nothing can interrupt it while it waits.

    A thread that outlives its deadline is left behind until the resolver gives up. There are never more than
    ``max_lookups``; who comes when all are taken waits for one to end, no longer than its own deadline.
    """

    def __init__(self, resolve: Resolve = system_resolve, max_lookups: int = MAX_LOOKUPS) -> None:
        self._resolve = resolve
        self._slots = threading.BoundedSemaphore(max_lookups)

    def find(self, host: str, deadline: Deadline) -> list[Address]:
        """Return each address of a host once, in the resolver's order; OSError or ValueError, TimeoutError if late."""
        if not self._slots.acquire(timeout=deadline.left_s()):
            raise TimeoutError
        answer: Future[list[Address]] = Future()
        # A daemon: the interpreter does not wait at its end for a resolver that never answers.
        worker = threading.Thread(target=self._answer, args=(host, answer), name="source-lookup", daemon=True)
        try:
            worker.start()
        except RuntimeError as error:
            self._slots.release()
            raise OSError("no thread for a look-up") from error
        return answer.result(deadline.left_s())

    def _answer(self, host: str, answer: Future[list[Address]]) -> None:
        try:
            answer.set_result([ip_address(text) for text in dict.fromkeys(self._resolve(host))])
        except Exception as error:  # whatever it is, it belongs to the thread that waits
            answer.set_exception(error)
        finally:
            self._slots.release()
