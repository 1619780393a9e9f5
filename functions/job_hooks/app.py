"""Webhooks of jobs that have ended are called; one that fails is queued again, a little later each time."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

import logging
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from minipic import wiring
from minipic.http.priming import hook_snapshot, start_on_lambda
from minipic.service.job_hooks import call_hook
from minipic.stores.aws.jobs import job_of_message

Event = dict[str, Any]

log = logging.getLogger("minipic.jobs")


def call(record: SQSRecord) -> None:
    """Call one webhook; what it raises makes the queue bring the message again."""
    job_id = job_of_message(record.body)
    if job_id is None:
        log.error("a message of the queue names no job, and is dropped")
        return
    call_hook(wiring.services(), job_id)


def handler(event: Event, context: Any) -> Event:  # noqa: ANN401 - the runtime's own object
    """Call the webhooks of a batch and answer which messages to bring again."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event=event, record_handler=call, processor=processor, context=context)
    return dict(answer)


def start() -> None:
    """Get ready for the first message."""
    hook_snapshot(wiring.services())


start_on_lambda(start)
