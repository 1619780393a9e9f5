"""kill -9 of the service in a request with an Idempotency-Key, and its repeat to the service started again."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from minipic.domain.keys import hash_key
from minipic.domain.metering import Lease
from minipic.service import Services
from minipic.settings import read_settings
from minipic.wiring import build_services
from tests.e2e.server import Server, running
from tests.e2e.wire import Reply, call
from tests.pictures import photo_jpeg

IMAGE = photo_jpeg(seed=4)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, MINIPIC_ENGINE_CHILDREN="1") as one:
        yield one


def _ask(server: Server, repeat_key: str) -> Reply:
    return call(server, "POST", "/shrink", server.demo_key, [("Idempotency-Key", repeat_key)], IMAGE)


def _kill_during_a_request(server: Server, repeat_key: str, after_s: float) -> None:
    """Send a request and kill the service so much later; the request may or may not be answered before."""
    killer = threading.Timer(after_s, lambda: server.signal(signal.SIGKILL))
    killer.start()
    with suppress(AssertionError, ConnectionError):  # the connection ends without an answer
        _ask(server, repeat_key)
    killer.join()
    server.start()


def _end_leases(services: Services, account_id: str) -> None:
    """Take away what the killed request left, as its time does two minutes later."""
    for key_id, key in services.accounts.read(account_id).keys.items():
        for lease_id, expires_ms in key.leases.items():
            services.accounts.release(Lease(account_id, key_id, lease_id, expires_ms))


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_a_kill_during_a_request_is_one_charge(server: Server, share: float) -> None:
    """Wherever in a request the service is killed, its repeat is answered: one charge in all, for one result."""
    services = build_services(read_settings(server.environment()))
    owner = services.accounts.find_key(hash_key(server.demo_key))
    assert owner is not None
    started_s = time.monotonic()
    assert _ask(server, "warm-up").status == 201
    usual_s = time.monotonic() - started_s
    before, repeat_key = services.accounts.read(owner.account_id), uuid4().hex
    _kill_during_a_request(server, repeat_key, share * usual_s)
    _end_leases(services, owner.account_id)
    answer = _ask(server, repeat_key)
    assert answer.status == 201
    assert _ask(server, repeat_key).body == answer.body
    after = services.accounts.read(owner.account_id)
    lines = services.ledger.lines(owner.account_id, after.month, before.seq, 100)
    assert [line.result_id for line in lines] == [answer["Location"].rpartition("/")[2]]
    assert sum(after.images.values()) == sum(before.images.values()) + 1
    downloaded = call(server, "GET", answer["Location"], server.demo_key)
    assert len(downloaded.body) == answer.json["output"]["size"]
