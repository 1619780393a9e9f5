"""Jobs in a DynamoDB table of their own, and two SQS queues: jobs to be worked on, and webhooks to be called.

A message is a job's id. It goes out after the job is stored, so whoever gets it finds the job; a message whose job is
not there stands for one that was given up before it was queued, and is dropped.
"""

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

from minipic.domain.jobs import LIFETIME_MS, MAX_ID, Job, State, job_from_json
from minipic.errors import ServiceUnavailable
from minipic.stores.aws import schema
from minipic.stores.aws.outage import as_unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef
    from mypy_boto3_sqs import SQSClient

MAX_BATCH = 10  # messages in one call of SQS
MAX_TRIES = 10  # of a write that others come before

Item = dict[str, Any]

log = logging.getLogger("minipic.jobs")


class DynamoJobs:
    """The port ``Jobs``. ``sqs`` and the queues' URLs are needed by whoever queues; others leave them empty."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        table_name: str,
        sqs: "SQSClient | None" = None,
        queue_url: str = "",
        hook_queue_url: str = "",
    ) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._sqs = sqs
        self._queue_url = queue_url
        self._hook_queue_url = hook_queue_url

    @as_unavailable()
    def create(self, jobs: Sequence[Job]) -> bool:
        """Store new jobs in one transaction, then queue them; what cannot be queued is taken back."""
        puts: Any = [
            {
                "Put": {
                    "TableName": self._table_name,
                    "Item": _item(job),
                    "ConditionExpression": "attribute_not_exists(#id)",
                    "ExpressionAttributeNames": {"#id": schema.JOB_ID},
                }
            }
            for job in jobs
        ]
        try:
            self._dynamodb.transact_write_items(TransactItems=puts)
        except self._dynamodb.exceptions.TransactionCanceledException as error:
            reasons: Any = error.response
            if all(reason["Code"] in ("None", "ConditionalCheckFailed") for reason in reasons["CancellationReasons"]):
                return self._are_stored(jobs)
            raise ServiceUnavailable from error
        return self._queued(jobs)

    def _are_stored(self, jobs: Sequence[Job]) -> bool:
        """Tell whether an earlier sending of the same transaction got through, and queue them if so."""
        return all(self.read(job.id) == job for job in jobs) and self._queued(jobs)

    def _queued(self, jobs: Sequence[Job]) -> bool:
        """Queue jobs; ServiceUnavailable, and none is left, when none could be.

        A message that went out may have been worked on already, also one whose sending ended without an answer. So a
        job is failed only if nobody has begun it, and taken back only if all were failed.
        """
        unsent = {job.id: job for job in jobs}
        for first in range(0, len(jobs), MAX_BATCH):
            for job_id in self._sent([job.id for job in jobs[first : first + MAX_BATCH]]):
                del unsent[job_id]
        failed = [
            self._replace(_item(job), job.failed(job.created_ms, ServiceUnavailable.code, ServiceUnavailable.text))
            for job in unsent.values()
        ]
        if failed.count(True) == len(jobs):
            for job in jobs:
                self._dynamodb.delete_item(TableName=self._table_name, Key=_key(job.id))
            raise ServiceUnavailable
        return True

    def _sent(self, job_ids: Sequence[int]) -> list[int]:
        """Send messages of at most ten jobs, and return those that the queue has taken."""
        try:
            failed = self._send(self._queue_url, job_ids)
        except (ClientError, ConnectionError, HTTPClientError):
            log.exception("jobs could not be queued")
            return []
        return [job_id for number, job_id in enumerate(job_ids) if str(number) not in failed]

    def _send(self, queue_url: str, job_ids: Sequence[int], wait_s: int = 0) -> set[str]:
        """Send messages and return which of them, by their number, the queue did not take."""
        assert self._sqs is not None
        answer = self._sqs.send_message_batch(
            QueueUrl=queue_url,
            Entries=[
                {"Id": str(number), "MessageBody": str(job_id), "DelaySeconds": wait_s}
                for number, job_id in enumerate(job_ids)
            ],
        )
        return {entry["Id"] for entry in answer.get("Failed", [])}

    def _send_hook(self, job: Job, wait_s: int = 0) -> None:
        if self._send(self._hook_queue_url, [job.id], wait_s):
            raise ServiceUnavailable

    @as_unavailable()
    def read(self, job_id: int) -> Job | None:
        """Return the job by one consistent GetItem."""
        return _job(self._get(job_id))

    @as_unavailable()
    def page(self, account_id: str, before_id: int, limit: int) -> list[Job]:
        """Return an account's jobs by one Query of the index; a job of the last second may be missing."""
        answer = self._dynamodb.query(
            TableName=self._table_name,
            IndexName=schema.JOBS_BY_ACCOUNT,
            KeyConditionExpression="#account = :account AND #id < :before",
            ExpressionAttributeNames={"#account": schema.JOB_ACCOUNT, "#id": schema.JOB_ID},
            ExpressionAttributeValues={":account": {"S": account_id}, ":before": {"N": str(min(before_id, MAX_ID))}},
            ScanIndexForward=False,
            Limit=limit,
        )
        return [job for item in answer["Items"] if (job := _job(dict(item))) is not None]

    @as_unavailable()
    def begin(self, job_id: int, now_ms: int) -> Job | None:
        """Begin a try by a read and one conditional write, again when another worker came between."""
        for _ in range(MAX_TRIES):
            item = self._get(job_id)
            job = _job(item)
            if job is None or job.state is not State.PROCESSING:
                return job
            begun = job.begun(now_ms)
            if self._replace(item, begun):
                return begun
        raise ServiceUnavailable

    @as_unavailable()
    def put_back(self, job: Job) -> None:
        """Take back the count of a try by a read and one conditional write."""
        item = self._get(job.id)
        if _job(item) == job:
            self._replace(item, job.put_back())

    @as_unavailable()
    def end(self, job: Job) -> bool:
        """Store a job that has ended, then queue the call of its webhook.

        A job that had ended already is left alone, but its webhook is queued: whoever ended it may have stopped there.
        """
        for _ in range(MAX_TRIES):
            item = self._get(job.id)
            there = _job(item)
            if there is None:
                return False
            if there.state is not State.PROCESSING:
                self._queue_hook(there)
                return False
            if self._replace(item, job):
                self._queue_hook(job)
                return True
        raise ServiceUnavailable

    def _queue_hook(self, job: Job) -> None:
        if job.hook is not None and job.hook.is_open and job.hook.tries == 0:
            self._send_hook(job)

    @as_unavailable()
    def hook_called(self, job: Job, wait_s: int | None) -> None:
        """Store what came of a call, and send the message that brings the next one."""
        self._dynamodb.put_item(TableName=self._table_name, Item=_item(job))
        if wait_s is not None:
            self._send_hook(job, wait_s)

    def _get(self, job_id: int) -> Item | None:
        answer: Any = self._dynamodb.get_item(TableName=self._table_name, Key=_key(job_id), ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def _replace(self, item: Item | None, job: Job) -> bool:
        """Store a job in place of the item that was read; False when it is no longer that."""
        assert item is not None
        try:
            self._dynamodb.put_item(
                TableName=self._table_name,
                Item=_item(job),
                ConditionExpression="#job = :there",
                ExpressionAttributeNames={"#job": schema.JOB_TEXT},
                ExpressionAttributeValues={":there": item[schema.JOB_TEXT]},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            return _job(self._get(job.id)) == job  # an earlier sending of this same call got through
        return True


def _key(job_id: int) -> "dict[str, AttributeValueTypeDef]":
    return {schema.JOB_ID: {"N": str(job_id)}}


def _item(job: Job) -> Item:
    return {
        **_key(job.id),
        schema.JOB_ACCOUNT: {"S": job.account_id},
        schema.JOB_TEXT: {"S": job.to_json()},
        schema.EXPIRES_AT: {"N": str((job.created_ms + LIFETIME_MS) // 1000)},
    }


def _job(item: Any) -> Job | None:  # noqa: ANN401 - the client's own union of attribute types
    return None if item is None else job_from_json(item[schema.JOB_TEXT]["S"])


def job_of_message(body: str) -> int | None:
    """Return the job that a message names, None for what no worker of ours has sent."""
    try:
        number = json.loads(body)
    except ValueError:
        return None
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= MAX_ID else None
