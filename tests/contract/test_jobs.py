"""Both stores of jobs: what is stored and queued, begun and ended, and in which order it is listed."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest
from botocore.exceptions import EndpointConnectionError
from mypy_boto3_sqs import SQSClient

from minipic.domain.image import ImageFormat, Options
from minipic.domain.jobs import Hook, Job, State, make_job_id
from minipic.domain.keys import Environment
from minipic.domain.pruning import DAY_MS
from minipic.errors import ServiceUnavailable
from minipic.stores import Jobs
from minipic.stores.aws.clients import make_clients, make_sqs_client
from minipic.stores.aws.jobs import DynamoJobs, job_of_message
from minipic.stores.local.database import Database
from minipic.stores.local.jobs import AGAIN_MS, HIDDEN_MS, SqliteJobs
from tests.aws_stack import AwsStack
from tests.contract.account_values import LIVE_KEY, NOW_MS
from tests.contract.conftest import STORES

_numbers = itertools.count()
Taken = Callable[[], list[int]]


@dataclass
class Office:
    """A store of jobs, and what its queues bring now, each thing once."""

    jobs: Jobs
    queued: Taken
    hooks: Taken


def make_job(number: int = 0, account_id: str = "", hook: Hook | None = None) -> Job:
    return Job(
        id=make_job_id(NOW_MS + DAY_MS + 1000 * number, next(_numbers).to_bytes(3)),  # in no other test's second
        account_id=account_id or uuid4().hex,
        key_id=LIVE_KEY,
        environment=Environment.LIVE,
        created_ms=NOW_MS,
        name="photo.jpg",
        format=ImageFormat.JPEG,
        options=Options(quality=80).to_json(),
        size_bytes=1000,
        estimated_bytes=400,
        original_id="a" * 32,
        secret="00" * 20,
        base_url="https://api.example.com",
        hook=hook,
    )


def new_queue(sqs: SQSClient) -> str:
    """Return the URL of a queue that no other test puts anything into."""
    return sqs.create_queue(QueueName=f"jobs-{uuid4().hex}")["QueueUrl"]


def received(sqs: SQSClient, url: str) -> list[int]:
    found = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            job_id = job_of_message(message["Body"])
            assert job_id is not None
            found.append(job_id)
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def everything(take: Callable[[int], int | None]) -> list[int]:
    found: list[int] = []
    while (job_id := take(NOW_MS)) is not None:
        found.append(job_id)
    return found


@pytest.fixture(params=STORES)
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    if request.param == "local":
        local = SqliteJobs(Database(tmp_path / "jobs.sqlite3"))
        return Office(local, lambda: everything(local.take_due), lambda: everything(local.take_due_hook))
    stack: AwsStack = request.getfixturevalue("aws_stack")
    dynamodb, _ = make_clients(stack.region, stack.endpoint_url)
    sqs = make_sqs_client(stack.region, stack.endpoint_url)
    urls = new_queue(sqs), new_queue(sqs)
    return Office(
        DynamoJobs(dynamodb, stack.jobs_table_name, sqs, *urls),
        lambda: received(sqs, urls[0]),
        lambda: received(sqs, urls[1]),
    )


def test_jobs_are_stored_and_queued(office: Office) -> None:
    """New jobs are read as they were made, and each is queued once."""
    jobs = [make_job(number) for number in range(12)]
    assert office.jobs.create(jobs)
    assert [office.jobs.read(job.id) for job in jobs] == jobs
    assert sorted(office.queued()) == [job.id for job in jobs]
    assert office.queued() == []
    assert office.jobs.read(1) is None


def test_an_id_that_is_taken_stores_none(office: Office) -> None:
    """Of jobs one of whose ids is taken none is stored or queued, and the one that is there stays."""
    first, second = make_job(1), make_job(2)
    assert office.jobs.create([first])
    assert office.queued() == [first.id]
    assert not office.jobs.create([second, replace(make_job(), id=first.id)])
    assert office.jobs.read(second.id) is None
    assert office.jobs.read(first.id) == first
    assert office.queued() == []


def test_a_job_is_begun_until_it_has_ended(office: Office) -> None:
    """Each try is counted with its time; a job that has ended is not begun again, and an unknown one is none."""
    job = make_job()
    office.jobs.create([job])
    assert office.jobs.begin(job.id, NOW_MS + 5) == replace(job, tries=1, started_ms=NOW_MS + 5)
    begun = office.jobs.begin(job.id, NOW_MS + 9)
    assert begun == replace(job, tries=2, started_ms=NOW_MS + 9)
    assert begun is not None
    ended = begun.completed(NOW_MS + 20, "b" * 32, ImageFormat.JPEG, 300)
    assert office.jobs.end(ended)
    assert office.jobs.begin(job.id, NOW_MS + 30) == ended
    assert office.jobs.begin(1, NOW_MS) is None


def test_a_job_ends_once(office: Office) -> None:
    """Whoever comes second changes nothing."""
    job = make_job()
    office.jobs.create([job])
    office.queued()
    assert office.jobs.end(job.completed(NOW_MS, "b" * 32, ImageFormat.JPEG, 300))
    assert not office.jobs.end(job.failed(NOW_MS, "DecodeError", "broken"))
    found = office.jobs.read(job.id)
    assert found is not None
    assert (found.state, found.error) == (State.COMPLETED, "")
    assert not office.jobs.end(make_job(7).failed(NOW_MS, "x", "y"))
    assert (office.queued(), office.hooks()) == ([], [])


def test_the_end_of_a_job_queues_its_webhook(office: Office) -> None:
    """A job with a webhook queues its call as it ends, and again for as long as a call is to be repeated."""
    job = make_job(hook=Hook("https://example.com/hook", "whsec_x"))
    office.jobs.create([job])
    ended = job.completed(NOW_MS, "b" * 32, ImageFormat.JPEG, 300)
    assert office.hooks() == []
    assert office.jobs.end(ended)
    assert office.hooks() == [job.id]
    called = ended.hook_called(is_open=True)
    office.jobs.hook_called(called, 0)
    assert office.jobs.read(job.id) == called
    office.jobs.hook_called(called.hook_called(is_open=False), None)
    found = office.jobs.read(job.id)
    assert found is not None
    assert found.hook == Hook("https://example.com/hook", "whsec_x", tries=2, is_open=False)


def test_an_accounts_jobs_by_time(office: Office) -> None:
    """The newest first, none of another account's, and pages go on where the last one ended."""
    account_id = uuid4().hex
    jobs = [make_job(number, account_id) for number in range(5)]
    office.jobs.create([*jobs, make_job(9)])
    newest = jobs[::-1]
    assert office.jobs.page(account_id, 2**53 - 1, 3) == newest[:3]
    assert office.jobs.page(account_id, newest[2].id, 3) == newest[3:]
    office.queued()


def test_a_job_is_hidden_while_it_is_worked_on(tmp_path: Path) -> None:
    """On one machine a job that was taken comes again only when its worker must be dead, or says so."""
    jobs = SqliteJobs(Database(tmp_path / "jobs.sqlite3"))
    job = make_job()
    jobs.create([job])
    assert jobs.take_due(NOW_MS) == job.id
    assert jobs.take_due(NOW_MS + HIDDEN_MS - 1) is None
    assert jobs.take_due(NOW_MS + HIDDEN_MS) == job.id
    jobs.bring_again(job.id, NOW_MS)
    assert jobs.take_due(NOW_MS + AGAIN_MS - 1) is None
    assert jobs.take_due(NOW_MS + AGAIN_MS) == job.id


def test_only_begun_jobs_were_interrupted(tmp_path: Path) -> None:
    """A start finds the jobs that were begun and not ended, and brings all that have not ended at once."""
    jobs = SqliteJobs(Database(tmp_path / "jobs.sqlite3"))
    waiting, begun, ended = (make_job(number) for number in range(3))
    jobs.create([waiting, begun, ended])
    for _ in range(3):
        jobs.take_due(NOW_MS)
    jobs.begin(begun.id, NOW_MS)
    jobs.end(ended.failed(NOW_MS, "DecodeError", "broken"))
    assert [job.id for job in jobs.interrupted()] == [begun.id]
    jobs.bring_all(NOW_MS)
    assert [jobs.take_due(NOW_MS) for _ in range(3)] == [waiting.id, begun.id, None]


def test_old_jobs_are_forgotten(tmp_path: Path) -> None:
    """Jobs past their lifetime are deleted."""
    jobs = SqliteJobs(Database(tmp_path / "jobs.sqlite3"))
    job = make_job()
    jobs.create([job])
    jobs.sweep(NOW_MS + 7 * 86_400_000 - 1)
    assert jobs.read(job.id) == job
    jobs.sweep(NOW_MS + 7 * 86_400_000)
    assert jobs.read(job.id) is None


def test_what_cannot_be_queued_is_taken_back(aws_stack: AwsStack) -> None:
    """Where the queue does not answer, the client is told so, and no job is left behind that nobody works on."""
    dynamodb, _ = make_clients(aws_stack.region, aws_stack.endpoint_url)
    nowhere = make_sqs_client(aws_stack.region, "http://127.0.0.1:9")
    jobs = DynamoJobs(dynamodb, aws_stack.jobs_table_name, nowhere, aws_stack.queue_urls["JobsQueue"])
    job = make_job()
    with pytest.raises(ServiceUnavailable):
        jobs.create([job])
    assert jobs.read(job.id) is None


class HalfDeaf:
    """A queue that takes the first ten messages; ``says_so`` of the others, or does not answer."""

    def __init__(self, sqs: SQSClient, says_so: bool) -> None:
        self.sqs, self.says_so, self.sent = sqs, says_so, 0

    def send_message_batch(self, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803 - the API's own names
        """Take what comes first."""
        self.sent += len(Entries)
        if self.sent <= 10:
            return self.sqs.send_message_batch(QueueUrl=QueueUrl, Entries=Entries)
        if not self.says_so:
            raise EndpointConnectionError(endpoint_url=QueueUrl)
        return {"Failed": [{"Id": entry["Id"]} for entry in Entries]}


@pytest.mark.parametrize("says_so", [True, False])
def test_a_batch_that_was_queued_in_part(aws_stack: AwsStack, says_so: bool) -> None:
    """What was queued may be worked on already and stays; the others fail, and nobody has to send all of them again."""
    dynamodb, _ = make_clients(aws_stack.region, aws_stack.endpoint_url)
    sqs = make_sqs_client(aws_stack.region, aws_stack.endpoint_url)
    url = new_queue(sqs)
    store = DynamoJobs(dynamodb, aws_stack.jobs_table_name, cast("SQSClient", HalfDeaf(sqs, says_so)), url)
    jobs = [make_job(number) for number in range(15)]
    assert store.create(jobs)
    states = [found.state for job in jobs if (found := store.read(job.id)) is not None]
    assert states == [State.PROCESSING] * 10 + [State.FAILED] * 5
    assert sorted(received(sqs, url)) == [job.id for job in jobs[:10]]


def test_one_process_works_on_a_folder(tmp_path: Path) -> None:
    """A second process waits until the first is gone, and gives up waiting when it is to stop."""
    first, second = (SqliteJobs(Database(tmp_path / "jobs.sqlite3")) for _ in range(2))
    assert first.wait_until_alone(threading.Event())
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    assert not second.wait_until_alone(stop)
    assert first._lock_file is not None
    first._lock_file.close()
    assert second.wait_until_alone(threading.Event())
    assert second._lock_file is not None
    second._lock_file.close()


@pytest.mark.parametrize("body", ["", "x", "true", "0", "-5", str(2**53), "1.5", '{"id": 3}'])
def test_messages_of_others_name_no_job(body: str) -> None:
    """What is no positive whole number below 2^53 names no job."""
    assert job_of_message(body) is None
