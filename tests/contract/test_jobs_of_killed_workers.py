"""Two hundred jobs through SQS, and workers that are killed at random: every job ends, each charge is one result."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest import mock

import pytest

from minipic.domain.account import Account, Plan
from minipic.domain.image import Options
from minipic.domain.jobs import Job, State
from minipic.domain.keys import Environment, hash_key
from minipic.domain.ledger import Line
from minipic.domain.plans import Plans
from minipic.service import CachedOwner, Caller, Services
from minipic.service.administration import create_account, create_key
from minipic.service.optimize import Order, Sent, submit
from minipic.settings import read_settings
from minipic.wiring import build_services
from minipic_engine import EnginePool
from tests.aws_stack import PROJECT_FOLDER, AwsStack
from tests.aws_stack.stream import StreamReader
from tests.contract.books import project
from tests.contract.sqs_worker import fast_clock
from tests.pictures import photo_jpeg, truncated_jpeg

JOBS, BATCH, WORKERS, KILLS = 200, 20, 2, 6
PATIENCE_S = 100
ORDER = Order(Options(quality=80), None, "https://api.example.com")


@contextmanager
def working(stack: AwsStack, started_ms: int) -> Iterator[subprocess.Popen[str]]:
    """Yield a worker that is ready; it is killed afterwards."""
    failures = stack.queue_urls["JobFailures"]
    environment = {**os.environ, **stack.environment, "PYTHONPATH": str(PROJECT_FOLDER)}
    environment |= {"MINIPIC_GIVEN_UP_QUEUE_ARN": f"arn:aws:sqs:{stack.region}:000000000000:{failures.split('/')[-1]}"}
    command = [sys.executable, "-m", "tests.contract.sqs_worker", str(started_ms)]
    process = subprocess.Popen(
        [*command, stack.queue_urls["JobsQueue"], failures],
        env=environment,
        cwd=PROJECT_FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@contextmanager
def projecting(stack: AwsStack) -> Iterator[None]:
    """Keep the ledger up with the charges, as the projector does."""
    stop, stream = threading.Event(), StreamReader(stack)

    def run() -> None:
        while not stop.wait(0.2):
            project(stream.read())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        project(stream.read())


def queue_all(services: Services) -> tuple[Account, list[Job]]:
    """Send all images, one of twenty broken."""
    account = create_account(services, "jobs", services.plans.free)
    key = create_key(services, account.id, "k", Environment.LIVE)
    owner = services.accounts.find_key(hash_key(key.text))
    assert owner is not None
    images = [photo_jpeg(96, 64, seed=number % 7) for number in range(BATCH - 1)] + [truncated_jpeg()]
    jobs: list[Job] = []
    for _ in range(JOBS // BATCH):
        caller = Caller(CachedOwner(owner, 0, services.plans.free))
        jobs += submit(services, EnginePool(0), caller, [Sent("a.jpg", image) for image in images], ORDER)
    return account, jobs


def ended(services: Services, jobs: list[Job]) -> list[Job]:
    """Return the jobs as they are, those that have ended."""
    found = [services.jobs.read(job.id) for job in jobs]
    return [job for job in found if job is not None and job.state is not State.PROCESSING]


def lines_of(services: Services, account: Account) -> list[Line]:
    """Return every line of the account's ledger."""
    return list(services.ledger.all_lines(account.id))


@pytest.mark.timeout(240)
def test_every_job_ends_and_is_charged_once(aws_stack: AwsStack, projection: None) -> None:
    """However workers die, no job is lost, none is charged twice, and a failed one is not charged."""
    started_ms = time.time_ns() // 1_000_000
    with mock.patch.dict(os.environ, aws_stack.environment):
        services = build_services(read_settings(os.environ))
    plans = Plans({name: Plan(name, 500, 10**6, rate_per_second=1000, burst=1000) for name in ("free", "paid")})
    services = replace(services, plans=plans, now_ms=lambda: fast_clock(started_ms))
    chance = random.Random(20261122)
    with projecting(aws_stack):
        account, jobs = queue_all(services)
        for _ in range(KILLS):
            with working(aws_stack, started_ms), working(aws_stack, started_ms):
                time.sleep(chance.uniform(0.3, 1.5))
        with working(aws_stack, started_ms), working(aws_stack, started_ms):
            deadline_s = time.monotonic() + PATIENCE_S
            while len(ended(services, jobs)) < JOBS:
                assert time.monotonic() < deadline_s, "jobs that never ended"
                time.sleep(0.5)
    last = ended(services, jobs)
    completed = [job.result_id for job in last if job.state is State.COMPLETED]
    assert sorted(line.result_id for line in lines_of(services, account)) == sorted(completed)
    assert len(set(completed)) == len(completed) == sum(services.accounts.read(account.id).images.values())
    assert {job.error for job in last if job.state is State.FAILED} <= {"DecodeError", "InternalServerError"}
    assert len(completed) >= (JOBS - JOBS // BATCH) * 0.9
    assert services.results.get(completed[0]) is not None
