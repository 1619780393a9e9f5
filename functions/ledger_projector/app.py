"""The stream of account items becomes the ledger, a line for each charge and purchase, and notices of low balances."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

import functools
import logging
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from minipic import wiring
from minipic.http.priming import hook_snapshot, start_on_lambda
from minipic.stores.aws.clients import make_dynamodb_client
from minipic.stores.aws.projection import LedgerProjection

Event = dict[str, Any]

log = logging.getLogger("minipic.ledger")


@functools.cache
def projection() -> LedgerProjection:
    """Return this process's projection into the ledger's table."""
    aws = wiring.settings().aws
    return LedgerProjection(make_dynamodb_client(aws.region, aws.endpoint_url), aws.ledger_table)


def project(record: DynamoDBRecord) -> None:
    """Write what one record stands for; what it raises makes Lambda bring the record again."""
    try:
        projection().project(record["dynamodb"])
    except Exception:
        log.exception("a record of the stream made no line, or no notice")
        raise


def handler(event: Event, context: Any) -> Event:  # noqa: ANN401 - the runtime's own object
    """Write the lines of a batch and answer which records to bring again."""
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event=event, record_handler=project, processor=processor, context=context)
    return dict(answer)


def start() -> None:
    """Make what every event needs."""
    projection()
    hook_snapshot()


start_on_lambda(start)
