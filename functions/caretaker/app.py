"""What is done every few minutes and what once a day: notices, a look at every ledger; forgetting what is old."""

import minipic.http.early  # noqa: F401 - before all that takes long to load

import functools
from typing import Any

from minipic import wiring
from minipic.http.priming import hook_snapshot, start_on_lambda
from minipic.service.caretaking import Sightings, prune_all, report_ledgers_behind
from minipic.service.notices import deliver_due
from minipic.stores.aws.clients import make_dynamodb_client
from minipic.stores.aws.sightings import DynamoSightings

Event = dict[str, Any]
DAILY = "daily"  # what the schedule of once a day says
DELIVER_WITHIN_S = 60  # owners' slow servers leave the ledgers their time


@functools.cache
def sightings() -> Sightings:
    """Return this process's memory of ledgers that lag."""
    aws = wiring.settings().aws
    return DynamoSightings(make_dynamodb_client(aws.region, aws.endpoint_url), aws.ledger_table)


def handler(event: Event, _context: Any) -> None:  # noqa: ANN401 - the runtime's own object
    """Do what is due."""
    services = wiring.services()
    if event.get(DAILY):
        prune_all(services)
    else:
        try:
            deliver_due(services, DELIVER_WITHIN_S)
        finally:
            report_ledgers_behind(services, sightings())


def start() -> None:
    """Make what every event needs."""
    sightings()
    hook_snapshot(wiring.services())


start_on_lambda(start)
