"""Jobs of the queue are worked on, one message after the other; those that nobody could end are given up."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

import functools
import logging
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from minipic import wiring
from minipic.http.priming import hook_snapshot, start_on_lambda
from minipic.service.job_work import work_on
from minipic.stores.aws.jobs import job_of_message
from minipic_engine import EnginePool

Event = dict[str, Any]

log = logging.getLogger("minipic.jobs")


class NotDone(Exception):
    """Another try may do better: the queue brings the message again, three times in all."""


@functools.cache
def engine() -> EnginePool:
    """Return this process's engine, started."""
    made = EnginePool(wiring.settings().engine_children)
    made.start(wait=False)
    return made


def work(record: SQSRecord) -> None:
    """Work on one message; what it raises makes the queue bring the message again."""
    job_id = job_of_message(record.body)
    if job_id is None:
        log.error("a message of the queue names no job, and is dropped")
        return
    is_last = record.event_source_arn == wiring.settings().aws.given_up_queue_arn
    if not work_on(wiring.services(), engine(), job_id, is_last=is_last):
        raise NotDone


def handler(event: Event, context: Any) -> Event:  # noqa: ANN401 - the runtime's own object
    """Work on a batch and answer which messages to bring again."""
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event=event, record_handler=work, processor=processor, context=context)
    return dict(answer)


def start() -> None:
    """Get ready for the first message."""
    hook_snapshot(wiring.services(), engine())


start_on_lambda(start)
