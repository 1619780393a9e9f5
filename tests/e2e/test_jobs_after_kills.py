"""Two hundred jobs and kill -9 in the midst of them, again and again: every job ends, each charge is one result."""

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from minipic.domain.keys import hash_key
from minipic.domain.metering import month_of
from minipic.service import Services
from minipic.settings import read_settings
from minipic.wiring import build_services
from tests.e2e.server import Server, running, wait_until
from tests.e2e.wire import call
from tests.pictures import photo_jpeg, truncated_jpeg

JOBS, BATCH, KILLS = 200, 20, 6
BOUNDARY = "a-boundary"
FAST = '{"free": {"free_images": 500, "max_bytes": 5242880, "rate_per_second": 1000, "burst": 1000}}'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path, MINIPIC_PLANS=FAST, MINIPIC_LOG_LEVEL="WARNING") as one:
        yield one


def _form(images: list[bytes]) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'.encode()
    return b"".join(head + image + b"\r\n" for image in images) + f"--{BOUNDARY}--\r\n".encode()


def _send(server: Server, images: list[bytes]) -> list[dict[str, Any]]:
    fields = [("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")]
    answer = call(server, "POST", "/api/optimize", server.demo_key, fields, _form(images))
    assert answer.status == 200, answer.body
    queued: list[dict[str, Any]] = answer.json["data"]
    return queued


def _all_ended(services: Services, queued: list[dict[str, Any]]) -> bool:
    jobs = [services.jobs.read(image["image_id"]) for image in queued]
    return all(job is not None and job.ended_ms for job in jobs)


def test_every_job_ends_and_is_charged_once(server: Server) -> None:
    """Whenever the service is killed and started again, what it had begun goes on; broken images fail uncharged."""
    chance = random.Random(20261122)
    images = [photo_jpeg(96, 64, seed=number % 7) for number in range(BATCH - 1)] + [truncated_jpeg()]
    queued = [image for _ in range(JOBS // BATCH) for image in _send(server, images)]
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.05, 0.5))
        server.signal(signal.SIGKILL)
        server.start()
    services = build_services(read_settings(server.environment()))
    wait_until(lambda: _all_ended(services, queued), "the end of every job")
    jobs = [job for image in queued if (job := services.jobs.read(image["image_id"])) is not None]
    completed = [job.result_id for job in jobs if job.state == "completed"]
    owner = services.accounts.find_key(hash_key(server.demo_key))
    assert owner is not None
    month = month_of(services.now_ms())
    lines = services.ledger.lines(owner.account_id, month, 0, 1000)
    assert sorted(line.result_id for line in lines) == sorted(completed)
    assert len(set(completed)) == len(completed) == services.accounts.read(owner.account_id).images[month]
    assert {job.error for job in jobs if job.state == "failed"} <= {"DecodeError", "InternalServerError"}
    assert len(completed) >= (JOBS - JOBS // BATCH) * 0.9
    for image in queued:
        status = call(server, "GET", f"/api/status/{image['image_id']}", server.demo_key).json["data"]
        if status["status"] == "completed":
            path = urlsplit(status["optimized_url"]).path
            assert len(call(server, "GET", path).body) == status["optimized_size"]
            break
