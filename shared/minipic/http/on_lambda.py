"""A function's app as a Lambda handler: started once an execution environment, before its snapshot."""

import functools
import sys
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from minipic import wiring
from minipic.http.app import observe_and_limit, start
from minipic.http.emf import emf_observer
from minipic.http.headers import canonical_name
from minipic.http.logs import set_up_logs

Event = dict[str, Any]
Handler = Callable[[Event, Any], Event]


def lambda_handler(app: FastAPI) -> Handler:
    """Return the handler of API Gateway's proxy events. On Lambda the app starts now."""

    @functools.cache  # an adapter makes an event loop: one machine, which imports this too, needs none
    def adapter() -> Mangum:
        return Mangum(app, lifespan="off")

    def start_once() -> None:
        if not hasattr(app.state, "services"):
            start(app, wiring.settings(), wiring.services())

    def handler(event: Event, context: Any) -> Event:  # noqa: ANN401 - the runtime's own object
        start_once()
        response = adapter()(event, context)
        for field in ("headers", "multiValueHeaders"):
            response[field] = {
                canonical_name(name.encode()).decode(): value for name, value in response.get(field, {}).items()
            }
        return response

    if wiring.on_lambda():
        set_up_logs(wiring.settings().log_level, sys.stdout)
        observe_and_limit(app, (emf_observer(),))
        start_once()
        adapter()
    return handler
