"""A function's app as a Lambda handler: started once an execution environment, before its snapshot."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from minipic import wiring
from minipic.http.app import start
from minipic.http.headers import canonical_name

Event = dict[str, Any]
Handler = Callable[[Event, Any], Event]


def lambda_handler(app: FastAPI) -> Handler:
    """Return the handler of API Gateway's proxy events. On Lambda the app starts now."""
    adapter = Mangum(app, lifespan="off")

    def start_once() -> None:
        if not hasattr(app.state, "services"):
            start(app, wiring.settings(), wiring.services())

    def handler(event: Event, context: Any) -> Event:  # noqa: ANN401 - the runtime's own object
        start_once()
        response = adapter(event, context)
        for field in ("headers", "multiValueHeaders"):
            response[field] = {
                canonical_name(name.encode()).decode(): value for name, value in response.get(field, {}).items()
            }
        return response

    if wiring.on_lambda():
        start_once()
    return handler
