"""Webhooks of jobs: called once a job has ended, signed, tried again, and never in the job's way."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier

from minipic.domain.jobs import HOOK_WAITS_S
from minipic.domain.metering import month_of
from minipic.http.logs import mask
from minipic.service.job_hooks import call_hook
from minipic.stores.local.jobs import SqliteJobs
from minipic_engine import EnginePool
from tests.apps.conftest import House, MakeHouse
from tests.apps.test_optimize import ask, drain, send, status_of
from tests.pictures import photo_jpeg, truncated_jpeg
from tests.sources.receivers import Receiver, receiving

JPEG = photo_jpeg()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def house(make_house: MakeHouse, receiver: Receiver) -> House:
    built: House = make_house(source_allow=frozenset({receiver.at()}))
    built.clock.now_ms = time.time_ns() // 1_000_000  # receivers refuse what is more than five minutes off
    return built


def call_due(house: House, now_ms: int | None = None) -> int:
    """Call every webhook that is due; return how many that were."""
    jobs = house.services.jobs
    assert isinstance(jobs, SqliteJobs)
    calls = 0
    while (job_id := jobs.take_due_hook(now_ms or house.clock())) is not None:
        call_hook(house.services, job_id)
        jobs.hook_done(job_id)
        calls += 1
    return calls


def verified(post: Any, secret: str) -> Any:
    """Return a message whose signature the receivers' own library accepts."""
    return Verifier(secret).verify(post.body, post.headers)


def test_the_end_of_a_job_is_told(house: House, engine: EnginePool, receiver: Receiver) -> None:
    """One call, signed with the secret that the answer showed once; it says what the status says."""
    key = house.new_key()
    queued = send(house, key, JPEG, webhook_url=f"http://{receiver.at()}/hook?id=7").json()["data"]
    assert call_due(house) == 0
    drain(house, engine)
    assert call_due(house) == 1
    (post,) = receiver.posts
    message = verified(post, queued["webhook_secret"])
    assert (post.path, message["type"]) == ("/hook?id=7", "image.completed")
    assert message["data"] == status_of(house, key, queued)
    assert "webhook_secret" not in ask(house, key, f"/api/status/{queued['image_id']}").text
    assert call_due(house) == 0


def test_a_failure_is_told_too(house: House, engine: EnginePool, receiver: Receiver) -> None:
    """A job that failed says so, and why."""
    send(house, house.new_key(), truncated_jpeg(), webhook_url=f"http://{receiver.at()}/hook", webhook_secret=SECRET)
    drain(house, engine)
    call_due(house)
    message = verified(receiver.posts[0], SECRET)
    assert (message["type"], message["data"]["error"]["code"]) == ("image.failed", "DecodeError")


def test_a_secret_of_ones_own(house: House, engine: EnginePool, receiver: Receiver) -> None:
    """A secret that the request named signs the call, and is not repeated in the answer."""
    answer = send(house, house.new_key(), JPEG, webhook_url=f"http://{receiver.at()}/", webhook_secret=SECRET)
    assert answer.json()["data"]["webhook_secret"] is None
    assert SECRET not in answer.text
    drain(house, engine)
    call_due(house)
    assert verified(receiver.posts[0], SECRET)
    assert SECRET.removeprefix("whsec_") not in mask(f"secret {SECRET}")


def test_a_call_that_fails_is_made_again(house: House, engine: EnginePool, receiver: Receiver) -> None:
    """Each failure is followed by a longer pause; the id stays, so that a receiver knows the message again."""
    receiver.statuses[:] = [500, 503, 204]
    send(house, house.new_key(), JPEG, webhook_url=f"http://{receiver.at()}/", webhook_secret=SECRET)
    drain(house, engine)
    assert call_due(house) == 1
    assert call_due(house) == 0
    assert call_due(house, house.clock() + 20_000 + HOOK_WAITS_S[0] * 1000) == 1
    assert call_due(house, house.clock() + 30_000 + HOOK_WAITS_S[1] * 1000) == 1
    assert len({post.headers["webhook-id"] for post in receiver.posts}) == 1
    assert call_due(house, house.clock() + 10**9) == 0


def test_a_call_is_given_up(
    house: House, engine: EnginePool, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """After the last pause nobody is called any more; the job stays completed, and the log says what happened."""
    receiver.statuses[:] = [500]
    key = house.new_key()
    queued = send(house, key, JPEG, webhook_url=f"http://{receiver.at()}/secret-path").json()["data"]
    drain(house, engine)
    now_ms = house.clock()
    for _ in range(len(HOOK_WAITS_S) + 3):
        call_due(house, now_ms)
        now_ms += 10**7
    assert len(receiver.posts) == len(HOOK_WAITS_S) + 1
    assert status_of(house, key, queued)["status"] == "completed"
    assert "JOB_WEBHOOK_GIVEN_UP" in caplog.text
    assert "secret-path" not in caplog.text


def test_a_private_address_is_not_called(make_house: MakeHouse, engine: EnginePool, receiver: Receiver) -> None:
    """A URL that leads to this machine is refused, and one that passed is checked again when it is called."""
    house = make_house()
    key = house.new_key()
    answer = send(house, key, JPEG, webhook_url=f"https://{receiver.at()}/")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["webhook_url"])
    queued = send(house, key, JPEG, webhook_url="https://localhost.example.com/").json()["data"]
    jobs = house.services.jobs
    job = jobs.read(queued["image_id"])
    assert job is not None
    assert job.hook is not None
    drain(house, engine)
    ended = jobs.read(job.id)
    assert ended is not None
    jobs.hook_called(replace(ended, hook=replace(job.hook, url=f"https://{receiver.at()}/")), 0)
    call_due(house, 10**15)
    assert receiver.posts == []


def test_a_slow_receiver_holds_up_no_job(house: House, engine: EnginePool, receiver: Receiver) -> None:
    """Jobs end whether or not anybody was called."""
    receiver.statuses[:] = [500]
    key = house.new_key()
    send(house, key, JPEG, JPEG, webhook_url=f"http://{receiver.at()}/")
    assert drain(house, engine) == 2
    account = house.services.accounts.read(house.account_of(key))
    assert account.images[month_of(house.clock())] == 2
    assert receiver.posts == []


def test_json_may_name_a_webhook(house: House, engine: EnginePool, receiver: Receiver) -> None:
    """Beside a JSON source the same fields are taken, and a webhook alone is no image."""
    headers = {"X-API-Key": house.new_key(), "Content-Type": "application/json"}
    body = json.dumps({"webhook_url": f"http://{receiver.at()}/"})
    answer = house.client.post("/api/optimize", content=body, headers=headers)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["image"])


def test_a_slow_server_is_its_own_accounts_trouble(house: House, engine: EnginePool, receiver: Receiver) -> None:
    """While an account's webhook is called, the next one that is due is another account's."""
    jobs = house.services.jobs
    assert isinstance(jobs, SqliteJobs)
    for name in ("slow", "other"):
        send(house, house.new_key(name), JPEG, JPEG, webhook_url=f"http://{receiver.at()}/{name}")
    drain(house, engine)
    taken = [jobs.take_due_hook(house.clock()) for _ in range(3)]
    accounts = {job.account_id for job_id in taken if job_id is not None and (job := jobs.read(job_id)) is not None}
    assert (len(accounts), taken[2]) == (2, None)
    assert taken[0] is not None
    jobs.hook_done(taken[0])
    assert jobs.take_due_hook(house.clock()) is not None


def test_a_url_of_a_webhook_has_an_end(house: House, receiver: Receiver) -> None:
    """A URL that would make the job's record large is refused."""
    answer = send(house, house.new_key(), JPEG, webhook_url=f"http://{receiver.at()}/" + "a" * 2000)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["webhook_url"])
