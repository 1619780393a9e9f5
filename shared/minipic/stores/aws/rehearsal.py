"""Calls without a network: what a client loads and builds for its first call is there before a request needs it.

Also the list of this process's clients, whose connections a snapshot cannot keep.
"""

import io
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse, HTTPHeaders
from botocore.client import BaseClient

_is_rehearsal = ContextVar("is_rehearsal", default=False)
_clients: weakref.WeakSet[BaseClient] = weakref.WeakSet()


@contextmanager
def rehearsing() -> Iterator[None]:
    """Answer whatever known clients ask in this block, and the threads that it asks, with success and no more."""
    token = _is_rehearsal.set(True)
    try:
        yield
    finally:
        _is_rehearsal.reset(token)


def known(client: BaseClient) -> BaseClient:
    """Return the client, which from now on takes part in rehearsals and in ``close_connections``."""
    events: Any = client.meta.events  # its stubs know of no handler that answers
    events.register("before-send.*.*", _answer)
    _clients.add(client)
    return client


def close_connections() -> None:
    """Close every known client's connections; each opens new ones when it needs them."""
    for client in tuple(_clients):
        client.close()


class _EmptyBody(io.BytesIO):
    """A body as urllib3 gives it to botocore."""

    def stream(self) -> Iterator[bytes]:
        """Yield nothing."""
        yield from ()


def _answer(request: AWSPreparedRequest, **_event: Any) -> AWSResponse | None:  # noqa: ANN401 - what botocore says beside it
    if not _is_rehearsal.get():
        return None
    return AWSResponse(request.url, 200, HTTPHeaders(), _EmptyBody())
