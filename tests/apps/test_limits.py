"""How many bodies are in memory at once, and how slowly one may come."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from contextlib import closing
from dataclasses import replace
from typing import TypeVar

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Scope

from minipic.errors import ServiceUnavailable
from minipic.http.limits import Gate
from minipic.local import build_app
from minipic.service import Engine
from tests.apps.conftest import House
from tests.pictures import tiny_png

T = TypeVar("T")


def run(scene: Coroutine[object, object, T]) -> T:
    """Run a scene in a loop of its own; ``asyncio.run`` would drop, unclosed, the loop that the handlers hold."""
    with closing(asyncio.new_event_loop()) as loop:
        return loop.run_until_complete(scene)


def test_a_place_that_is_given_back_is_taken_by_whoever_waits_longest() -> None:
    """Those who find no place wait in line, and come in in the order in which they came."""

    async def scene() -> list[str]:
        gate, entered = Gate(1, wait_s=60), []

        async def visitor(name: str) -> None:
            await gate.enter(1)
            entered.append(name)
            await asyncio.sleep(0)
            gate.leave(1)

        await asyncio.gather(*(visitor(name) for name in "abc"))
        assert gate.taken == 0
        return entered

    assert run(scene()) == ["a", "b", "c"]


def test_who_waits_in_vain_is_refused() -> None:
    """When no place becomes free in time, the answer is ServiceUnavailable with a time to come back."""

    async def scene() -> ServiceUnavailable:
        gate = Gate(1, wait_s=0.01)
        await gate.enter(1)
        with pytest.raises(ServiceUnavailable) as refused:
            await gate.enter(1)
        assert gate.taken == 1
        gate.leave(1)
        await gate.enter(1)
        return refused.value

    error = run(scene())
    assert error.retry_after_s is not None
    assert error.retry_after_s >= 1


def test_who_gives_up_waiting_holds_up_nobody() -> None:
    """A large body that gives up at the head of the line lets a small one behind it in at once."""

    async def scene() -> None:
        gate = Gate(2, wait_s=60)
        await gate.enter(1)
        large = asyncio.create_task(gate.enter(2))
        await asyncio.sleep(0)
        small = asyncio.create_task(gate.enter(1))
        await asyncio.sleep(0)
        assert not small.done()
        large.cancel()
        await small
        assert gate.taken == 2

    run(scene())


def test_who_is_called_and_gives_up_in_the_same_moment_keeps_no_place() -> None:
    """A place that was given to somebody who is being cancelled is free again."""

    async def scene() -> None:
        gate = Gate(1, wait_s=60)
        await gate.enter(1)
        waiting = asyncio.create_task(gate.enter(1))
        await asyncio.sleep(0)
        gate.leave(1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert gate.taken == 0

    run(scene())


@pytest.mark.parametrize(("size_bytes", "places"), [(0, 1), (99, 1), (100, 2), (250, 3), (10**9, 4)])
def test_a_large_body_takes_several_places(size_bytes: int, places: int) -> None:
    """A body takes a place for each started portion of bytes, but never more than there are."""
    assert Gate(4, place_bytes=100).places_for(size_bytes) == places


@pytest.fixture
def full_house(house: House, engine: Engine) -> Iterator[House]:
    """The service behind a gate whose only place is taken."""
    gate = Gate(1, wait_s=0.01)
    run(gate.enter(1))
    app, _ = build_app(house.settings, house.services, engine, gate)
    with closing(TestClient(app)) as client:
        yield replace(house, client=client)


@pytest.mark.parametrize("route", ["/shrink", "/v1/compress"])
def test_a_full_house_says_so(full_house: House, route: str) -> None:
    """Without a free place a body is refused with 503, Retry-After and where the account stands; nothing is counted."""
    key = full_house.new_key()
    answer = full_house.client.post(route, content=tiny_png(), auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (503, "ServiceUnavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert answer.headers["Compression-Count"] == "0"
    assert full_house.services.accounts.read(full_house.account_of(key)).seq == 0


def test_a_full_house_still_answers_what_needs_no_place(full_house: House) -> None:
    """Bad keys, empty bodies and everything without a body are answered as ever."""
    client, auth = full_house.client, ("api", full_house.new_key())
    assert client.post("/shrink", content=tiny_png(), auth=("api", "nonsense")).status_code == 401
    assert client.post("/shrink", auth=auth).status_code == 400
    assert client.get("/healthz").status_code == 200


def test_a_place_is_free_again_after_each_request(house: House, engine: Engine) -> None:
    """Successes, refusals and operations that one function hands to another all give back the place they took."""
    gate = Gate(1, wait_s=0.01)
    app, _ = build_app(house.settings, house.services, engine, gate)
    with closing(TestClient(app)) as client:
        auth = ("api", house.new_key())
        location = client.post("/shrink", content=tiny_png(), auth=auth).headers["Location"]
        assert client.post("/shrink", content=b"no image", auth=auth).status_code == 415
        resize = {"resize": {"method": "scale", "width": 1}}
        assert client.request("GET", location, json=resize, auth=auth).status_code == 200
    assert gate.taken == 0


def test_a_body_that_stops_coming_is_refused(house: House, engine: Engine) -> None:
    """A client that sends half a body and then nothing more gets a 400 that says so, and its place is free again."""
    gate = Gate(1, grace_s=0.01)
    app, _ = build_app(house.settings, house.services, engine, gate)
    status, body = run(_send_half(app, house.new_key()))
    assert (status, body["error"]) == (400, "BadRequest")
    assert "slowly" in body["message"]
    assert gate.taken == 0


async def _send_half(app: ASGIApp, key: str) -> tuple[int, dict[str, str]]:
    """Send the first half of a body; return the answer, and then go away."""
    answer: list[Message] = []
    is_answered = asyncio.Event()
    halves = [tiny_png()[:20]]

    async def receive() -> Message:
        if halves:
            return {"type": "http.request", "body": halves.pop(), "more_body": True}
        await is_answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.append(message)
        if message["type"] == "http.response.body":
            is_answered.set()

    headers = [(b"x-api-key", key.encode()), (b"content-length", b"1000"), (b"host", b"testserver")]
    scope: Scope = {
        "type": "http", "method": "POST", "path": "/shrink", "query_string": b"", "headers": headers,
        "scheme": "http", "http_version": "1.1", "root_path": "", "server": ("testserver", 80), "client": None,
    }  # fmt: skip
    await app(scope, receive, send)
    return answer[0]["status"], json.loads(answer[1]["body"])
