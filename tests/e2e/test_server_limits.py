import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minipic.http.limits import BODIES
from minipic.http.protocol import MAX_CONNECTIONS
from tests.e2e.server import Server, running, wait_until
from tests.e2e.wire import METERED, Connection, basic, call, count, head
from tests.pictures import photo_jpeg, photo_png, tiny_png

LIMITLESS = json.dumps(
    {"free": {"free_images": 10**6, "max_bytes": 5 * 1024**2, "rate_per_second": 1000, "burst": 10**6,
              "concurrency": 90}}
)  # fmt: skip


def test_a_head_that_is_too_large_is_refused(service: Server) -> None:
    """A request's head above 16 KiB is a 400 in the shape of every error, and the connection is closed."""
    with Connection(service) as connection:
        connection.send(head("GET", "/healthz", [("X-Padding", "x" * 100_000)]))
        reply = connection.reply()
        assert (reply.status, reply.error, reply["Connection"]) == (400, "BadRequest", "close")
        assert connection.rest() == b""
    assert call(service, "GET", "/healthz", fields=[("X-Padding", "x" * 10_000)]).status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /shrink HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
        head("POST", "/shrink", [basic("nonsense"), ("Content-Length", "-1")]),
    ],
    ids=["nonsense", "no host", "tls", "two lengths", "negative length"],
)
def test_what_is_no_request_is_refused(service: Server, sent: bytes) -> None:
    """What is not HTTP/1.1 is a 400 in the shape of every error, and the connection is closed."""
    with Connection(service) as connection:
        connection.send(sent)
        reply = connection.reply()
        assert (reply.status, reply.error) == (400, "BadRequest")
        assert connection.rest() == b""


def test_a_body_that_turns_into_nonsense_is_refused(service: Server, key: str) -> None:
    """A chunked body that is none is a 400; it counts nothing."""
    with Connection(service) as connection:
        connection.send(head("POST", "/shrink", [basic(key), ("Transfer-Encoding", "chunked")]), b"5\r\nhello\r\n")
        connection.send(b"not a number\r\n")
        assert connection.reply().error == "BadRequest"
    assert count(service, key) == 0


def test_clients_that_keep_the_server_waiting_are_let_go(service: Server) -> None:
    """A connection without a request, half a head, and a refused body that stops coming end by themselves."""
    with Connection(service) as silent, Connection(service) as half, Connection(service) as stalled:
        half.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        stalled.send(head("POST", "/shrink", [basic("nonsense"), ("Content-Length", "3000000")]), bytes(1000))
        assert stalled.reply().error == "Unauthorized"
        assert half.reply().error == "BadRequest"
        assert [connection.rest() for connection in (silent, half, stalled)] == [b"", b"", b""]
    assert call(service, "GET", "/healthz").status == 200


def test_connections_are_bounded(tmp_path: Path) -> None:
    """Of too many connections the last ones are told 503 at once; when the others are gone, all is well again."""
    with running(tmp_path, MINIPIC_ENGINE_CHILDREN="1") as server:
        connections = [Connection(server) for _ in range(MAX_CONNECTIONS + 8)]
        try:
            reply = connections[-1].reply()
            assert (reply.status, reply.error) == (503, "ServiceUnavailable")
            assert int(reply["Retry-After"]) >= 1
            assert connections[0].exchange("GET", "/healthz").status == 200
        finally:
            for connection in connections:
                connection.close()
        wait_until(lambda: _is_served(server), "a server that takes connections again")


def _is_served(server: Server) -> bool:
    return call(server, "GET", "/healthz").status == 200


def test_bodies_in_memory_are_bounded(service: Server, key: str) -> None:
    """When too many bodies are on their way, one more is 503 with Retry-After; those before it get their results."""
    image = tiny_png()
    fields = [basic(key), ("Content-Length", str(len(image))), ("Expect", "100-continue")]
    connections = [Connection(service) for _ in range(BODIES)]
    try:
        for connection in connections:
            connection.send(head("POST", "/v1/compress", fields))
            assert connection.reply().status == 100  # it has its place: the service has begun to wait for the body
        late = call(service, "POST", "/v1/compress", key, body=image)
        assert (late.status, late.error) == (503, "ServiceUnavailable")
        assert int(late["Retry-After"]) >= 1
        connections[0].send(image)
        assert connections[0].reply().status == 200
    finally:
        for connection in connections:
            connection.close()
    wait_until(lambda: call(service, "POST", "/v1/compress", key, body=image).status == 200, "a free place")


def test_overload_is_said_and_never_a_fault(tmp_path: Path) -> None:
    """Of many slow images at once each is 201, 429 or 503 with a time to come back; exactly the 201 are counted."""
    image = photo_png(400, 400, seed=5)
    with running(tmp_path, MINIPIC_PLANS=LIMITLESS, MINIPIC_ENGINE_CHILDREN="1") as server:
        key = server.demo_key
        with ThreadPoolExecutor(60) as threads:
            calls = [threads.submit(call, server, "POST", "/shrink", key, (), image) for _ in range(60)]
            replies = [one.result() for one in calls]
        statuses = [reply.status for reply in replies]
        assert set(statuses) <= {201, 429, 503}
        assert 201 in statuses
        for reply in replies:
            assert reply.names >= METERED
            if reply.status != 201:
                assert int(reply["Retry-After"]) >= 1
        assert count(server, key) == statuses.count(201)
        assert "Traceback" not in server.output


def test_a_stop_waits_for_a_body_on_its_way(tmp_path: Path) -> None:
    """After SIGTERM nobody new is let in, an upload in progress still gets its answer, and the exit code is 0."""
    image = photo_jpeg()
    with running(tmp_path, MINIPIC_ENGINE_CHILDREN="1") as server, Connection(server) as connection:
        connection.send(
            head("POST", "/v1/compress", [basic(server.demo_key), ("Content-Length", str(len(image)))]), image[:100]
        )
        wait_until(lambda: "minipic_body_places_taken 1.0" in call(server, "GET", "/metrics").body.decode(), "a body")
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: not _accepts(server), "a closed door")
        connection.send(image[100:])
        assert connection.reply().status == 200
        assert connection.rest() == b""
        assert server.wait() == 0


def _accepts(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    except OSError:
        return False
    return True
