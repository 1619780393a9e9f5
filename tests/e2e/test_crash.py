import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import children, cpu_ticks, is_alive
from tests.e2e.server import Server, running, wait_until
from tests.e2e.wire import Reply, call, count, shrink
from tests.pictures import opened, photo_jpeg, photo_png, tiny_png

BUSY_TICKS = 5


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A service with one engine child, for tests that hurt it."""
    with running(tmp_path, MINIPIC_ENGINE_CHILDREN="1") as one:
        yield one


def test_an_answered_result_survives_a_kill(server: Server) -> None:
    """A kill -9 right after /shrink was answered loses neither the result nor its count."""
    key = server.demo_key
    reply = shrink(server, key, photo_jpeg(seed=1))
    server.signal(signal.SIGKILL)
    server.start()
    result = call(server, "GET", reply["Location"], key)
    assert result.status == 200
    assert len(result.body) == reply.json["output"]["size"]
    assert opened(result.body).size == (320, 240)
    assert result["Compression-Count"] == "1"


def test_a_killed_service_leaves_no_engine_behind(server: Server) -> None:
    """After kill -9 of the service the engine's children end by themselves."""
    engine = children(server.pid)
    assert engine
    assert all(map(is_alive, engine))
    server.signal(signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, engine)), "the end of the engine's children")


def test_a_service_killed_at_work_leaves_no_engine_behind(server: Server) -> None:
    """After kill -9 of the service a child that is at work ends as well, and nothing is counted."""
    key = server.demo_key
    (engine,) = children(server.pid)
    with pytest.raises((AssertionError, ConnectionError)):  # the connection ends without an answer
        _while_at_work(server, key, engine, server.pid)
    server.wait()
    wait_until(lambda: not is_alive(engine), "the end of the engine's child")
    server.start()
    assert count(server, key) == 0


def test_a_killed_engine_costs_one_request(server: Server) -> None:
    """An engine child that dies at work gives one 422, which is not counted; the next request works."""
    key = server.demo_key
    (engine,) = children(server.pid)
    reply = _while_at_work(server, key, engine, engine)
    assert (reply.status, reply.error) == (422, "DecodeError")
    assert reply["Compression-Count"] == "0"
    assert shrink(server, key, tiny_png())["Compression-Count"] == "1"


def test_an_engine_killed_at_rest_costs_nothing(server: Server) -> None:
    """An engine child that dies while idle is replaced before anybody notices."""
    (engine,) = children(server.pid)
    os.kill(engine, signal.SIGKILL)
    wait_until(lambda: not is_alive(engine), "the child's end")
    assert shrink(server, server.demo_key, tiny_png())["Compression-Count"] == "1"


def test_a_stop_waits_for_the_work_in_progress(server: Server) -> None:
    """SIGTERM in the middle of a request lets it finish: the client gets its result, and it is counted."""
    key = server.demo_key
    (engine,) = children(server.pid)
    reply = _while_at_work(server, key, engine, server.pid, signal.SIGTERM)
    assert (reply.status, reply["Compression-Count"]) == (201, "1")
    server.wait()
    server.start()
    assert call(server, "GET", reply["Location"], key).status == 200


def _while_at_work(
    server: Server, key: str, engine: int, victim: int, number: signal.Signals = signal.SIGKILL
) -> Reply:
    """Send ``victim`` a signal as soon as the engine's child works on a request; return the answer, if one comes."""
    slow_image = photo_png(700, 700, seed=3)
    before = cpu_ticks(engine)

    def kill_when_busy() -> None:
        wait_until(lambda: cpu_ticks(engine) >= before + BUSY_TICKS, "a child at work")
        os.kill(victim, number)

    killer = threading.Thread(target=kill_when_busy)
    killer.start()
    try:
        return call(server, "POST", "/shrink", key, body=slow_image)
    finally:
        killer.join()
