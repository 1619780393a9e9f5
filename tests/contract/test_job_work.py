"""A job whose worker dies anywhere, twice, or is brought twice at once: it ends, and is charged once or not at all."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import cast
from uuid import uuid4

import pytest

from minipic.domain.image import ImageFormat, Options
from minipic.domain.jobs import MAX_TRIES, Hook, Job, State
from minipic.domain.keys import Environment, KeyOwner
from minipic.domain.metering import LEASE_MS, MAX_LEASES, PRUNE_AFTER_MS, Lease
from minipic.errors import DecodeError, ServiceUnavailable
from minipic.service import CachedOwner, Caller, Engine
from minipic.service.job_work import let_go, work_on
from minipic.service.optimize import Order, Sent, submit
from minipic.stores.aws.accounts import DynamoAccounts
from minipic.stores.aws.clients import make_clients, make_sqs_client
from minipic.stores.aws.jobs import DynamoJobs
from minipic.stores.aws.ledger import DynamoLedger
from minipic.stores.aws.repeats import DynamoRepeats
from minipic.stores.local.accounts import SqliteAccounts
from minipic.stores.local.database import Database
from minipic.stores.local.jobs import SqliteJobs
from minipic.stores.local.ledger import SqliteLedger
from minipic.stores.local.repeats import SqliteRepeats
from minipic.stores.local.results import FileResults
from tests.aws_stack import AwsStack
from tests.aws_stack.stream import StreamReader
from tests.contract.account_values import LIVE_KEY
from tests.contract.books import Books, project
from tests.contract.conftest import STORES
from tests.contract.repeated_work import PLANS, Died, Fate, Workshop, open_workshop

UNTIL_LEASE_ENDS_MS = LEASE_MS + PRUNE_AFTER_MS
CALLS = 8  # of a try: begin, admit, claim, read the upload, store, settle, finish, end


@pytest.fixture(params=STORES)
def workshop(request: pytest.FixtureRequest, tmp_path: Path) -> Workshop:
    if request.param == "local":
        database: Database = request.getfixturevalue("sqlite_database")
        books = Books(SqliteAccounts(database), SqliteLedger(database), lambda: None)
        made = open_workshop(tmp_path, books, SqliteRepeats(database), FileResults(tmp_path / "results"))
        made.services = replace(made.services, jobs=SqliteJobs(database))
        return made
    stack: AwsStack = request.getfixturevalue("aws_stack")
    request.getfixturevalue("projection")
    dynamodb, _ = make_clients(stack.region, stack.endpoint_url)
    stream = StreamReader(stack)
    ledger = DynamoLedger(dynamodb, stack.ledger_table_name)
    books = Books(DynamoAccounts(dynamodb, stack.table_name), ledger, lambda: project(stream.read()))
    repeats = DynamoRepeats(dynamodb, stack.table_name)
    made = open_workshop(tmp_path, books, repeats, request.getfixturevalue("s3_results"))
    sqs = make_sqs_client(stack.region, stack.endpoint_url)
    queue_url = sqs.create_queue(QueueName=f"unread-{uuid4().hex}")["QueueUrl"]  # these tests bring jobs themselves
    jobs = DynamoJobs(dynamodb, stack.jobs_table_name, sqs, queue_url, queue_url)
    made.services = replace(made.services, jobs=jobs)
    return made


def queued(workshop: Workshop, hook: Hook | None = None) -> Job:
    """Send an image."""
    owner = KeyOwner(workshop.account.id, LIVE_KEY, Environment.LIVE)
    caller = Caller(CachedOwner(owner, workshop.now_ms, PLANS.free))
    order = Order(Options(quality=80), hook, "https://api.example.com")
    (job,) = submit(workshop.services, cast("Engine", workshop.engine), caller, [Sent("a.png", b"picture")], order)
    return job


def work(workshop: Workshop, job: Job, fate: Fate | None = None, *, is_last: bool = False) -> bool:
    """Bring the job to a worker, in a process with this fate."""
    services = workshop.services if fate is None else workshop.mortal(fate)
    return work_on(services, cast("Engine", workshop.engine), job.id, is_last=is_last)


def read(workshop: Workshop, job: Job) -> Job:
    """Return the job as it is now."""
    found = workshop.services.jobs.read(job.id)
    assert found is not None
    return found


def lines_of(workshop: Workshop) -> list[str]:
    """Return the results that the ledger has lines for."""
    workshop.books.settle_up()
    lines = workshop.books.ledger.lines(workshop.account.id, workshop.read().month, 0, 100)
    return [line.result_id for line in lines]


def test_a_job_is_done_in_so_many_calls(workshop: Workshop) -> None:
    """A job that nothing happens to takes a fixed number of calls to the stores, and is charged once."""
    job, fate = queued(workshop), Fate()
    assert work(workshop, job, fate)
    done = read(workshop, job)
    assert (done.state, done.result_format, done.result_bytes) == (State.COMPLETED, ImageFormat.WEBP, len(b"small"))
    assert lines_of(workshop) == [done.result_id]
    assert fate.calls_made == CALLS


@pytest.mark.parametrize("call", range(CALLS + 1))
def test_a_worker_that_dies_anywhere(workshop: Workshop, call: int) -> None:
    """Wherever a worker dies, the job's next try ends it: completed, charged once, and its result is there."""
    job = queued(workshop)
    with suppress(Died):
        work(workshop, job, Fate(call))
    workshop.books.settle_up()
    workshop.now_ms += UNTIL_LEASE_ENDS_MS
    assert work(workshop, job)
    done = read(workshop, job)
    assert done.state is State.COMPLETED
    assert lines_of(workshop) == [done.result_id]
    assert workshop.services.results.get(done.result_id) is not None


@pytest.mark.parametrize("call", range(CALLS + 1))
def test_a_job_whose_every_worker_dies(workshop: Workshop, call: int) -> None:
    """Three workers die at the same place: whoever ends the job then finds out whether it was charged."""
    job = queued(workshop)
    for _ in range(MAX_TRIES):
        with suppress(Died):
            work(workshop, job, Fate(call))
        workshop.books.settle_up()
        workshop.now_ms += UNTIL_LEASE_ENDS_MS
    assert work(workshop, job, is_last=True)
    ended, lines = read(workshop, job), lines_of(workshop)
    assert ended.state is (State.COMPLETED if lines else State.FAILED)
    assert lines == ([ended.result_id] if ended.state is State.COMPLETED else [])


def test_a_job_that_is_brought_twice_at_once(workshop: Workshop) -> None:
    """While one worker is at it another lets it be, and is told to come again; nothing is charged twice."""
    job = queued(workshop)
    said: list[bool] = []
    workshop.engine.meanwhile = lambda: said.append(work(workshop, job)) if not said else None
    assert work(workshop, job)
    assert said == [False]
    assert work(workshop, job)
    assert lines_of(workshop) == [read(workshop, job).result_id]


def test_a_job_is_not_given_up_under_a_worker(workshop: Workshop) -> None:
    """As long as a worker may still be charged, whoever is to end the job waits; the worker's end stands."""
    job = queued(workshop)
    said: list[bool] = []
    workshop.engine.meanwhile = lambda: said.append(work(workshop, job, is_last=True))
    assert work(workshop, job)
    assert said == [False]
    assert read(workshop, job).state is State.COMPLETED


def test_a_place_is_let_go(workshop: Workshop) -> None:
    """Whoever knows that a worker is dead need not wait for its lease: the next try is made at once."""
    job = queued(workshop)
    with suppress(Died):
        work(workshop, job, Fate(4))
    assert not work(workshop, job)
    let_go(workshop.services, read(workshop, job))
    assert work(workshop, job)
    assert lines_of(workshop) == [read(workshop, job).result_id]


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "gone"])
def test_a_charged_job_is_never_charged_again(workshop: Workshop, is_kept: bool) -> None:
    """A worker that died right after the charge, a result that expired since: completed, with or without a file."""
    job = queued(workshop)
    with suppress(Died):
        work(workshop, job, Fate(6))
    charged = lines_of(workshop)
    assert len(charged) == 1
    if not is_kept:
        workshop.services.results.delete(charged[0])
    workshop.now_ms += UNTIL_LEASE_ENDS_MS
    assert work(workshop, job)
    done = read(workshop, job)
    assert (done.state, done.result_id) == (State.COMPLETED, charged[0] if is_kept else "")
    assert lines_of(workshop) == charged


def test_a_store_that_fails_is_tried_again(workshop: Workshop) -> None:
    """What is for now only is no reason to fail a job before its third try."""
    job = queued(workshop)

    def busy() -> None:
        raise ServiceUnavailable

    workshop.engine.meanwhile = busy
    assert not work(workshop, job)
    assert read(workshop, job).state is State.PROCESSING
    workshop.engine.meanwhile = lambda: None
    assert work(workshop, job)
    assert len(lines_of(workshop)) == 1


def test_what_was_never_begun_was_no_try(workshop: Workshop) -> None:
    """A job whose key has no place left, however often, is tried as soon as it has one."""
    job = queued(workshop)
    ends_ms = workshop.now_ms + LEASE_MS
    others = [Lease(workshop.account.id, LIVE_KEY, f"lease-{number}", ends_ms) for number in range(MAX_LEASES)]
    for lease in others:
        workshop.books.accounts.admit(lease, workshop.now_ms, PLANS, from_queue=True)
    assert [work(workshop, job, is_last=number > 2) for number in range(6)] == [False] * 6
    assert read(workshop, job).tries == 0
    workshop.books.accounts.release(others[0])
    assert work(workshop, job, is_last=True)
    assert read(workshop, job).state is State.COMPLETED


def test_what_nobody_could_download_is_not_charged(workshop: Workshop) -> None:
    """A job that is first worked on when its files have expired fails, uncharged."""
    job = queued(workshop)
    workshop.now_ms += workshop.services.result_ttl_s * 1000
    assert work(workshop, job)
    ended = read(workshop, job)
    assert (ended.state, ended.error) == (State.FAILED, "OutputExpired")
    assert (workshop.engine.calls, lines_of(workshop)) == (0, [])


def test_a_charge_is_remembered_longer_than_the_result(workshop: Workshop) -> None:
    """A worker that died after the charge, on a machine that was off for a day: no second line."""
    job = queued(workshop)
    with suppress(Died):
        work(workshop, job, Fate(6))
    charged = lines_of(workshop)
    workshop.now_ms += 25 * 3600 * 1000
    assert work(workshop, job)
    assert read(workshop, job).state is State.COMPLETED
    assert lines_of(workshop) == charged != []


def test_what_the_image_is_to_blame_for(workshop: Workshop) -> None:
    """A broken image ends its job at the first try, uncharged, and its place is free again."""
    job = queued(workshop)

    def broken() -> None:
        raise DecodeError

    workshop.engine.meanwhile = broken
    assert work(workshop, job)
    ended = read(workshop, job)
    assert (ended.state, ended.error, ended.tries) == (State.FAILED, "DecodeError", 1)
    assert lines_of(workshop) == []
    assert workshop.read().keys[LIVE_KEY].leases == {}


def test_an_unknown_job_is_dropped(workshop: Workshop) -> None:
    """A message whose job is not there is done with."""
    assert work_on(workshop.services, cast("Engine", workshop.engine), 5)
