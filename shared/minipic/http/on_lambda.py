"""A function's app as a Lambda handler: started once an execution environment, before its snapshot."""

import functools
import re
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from mangum import Mangum

from minipic import wiring
from minipic.domain.keys import ENTROPY_BYTES, Environment, make_key
from minipic.http.app import observe_and_limit, start
from minipic.http.emf import emf_observer
from minipic.http.headers import canonical_name
from minipic.http.priming import hook_snapshot, start_on_lambda

Event = dict[str, Any]
Handler = Callable[[Event, Any], Event]


def lambda_handler(app: FastAPI) -> Handler:
    """Return the handler of API Gateway's proxy events. On Lambda the app starts now.

    There nobody waits for the engine's child: it loads its codecs while this process goes on, and either the snapshot
    or the first image is held until it is ready.
    """

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

    def rehearse() -> None:
        """Answer a request with a key that nobody has, of which no log and no metric tells."""
        observers, app.state.observers = app.state.observers, ()
        try:
            handler(rehearsal_event(app), None)
        finally:
            app.state.observers = observers

    def start_here() -> None:
        engine = None
        if app.state.engine_factory is not None:
            engine = app.state.engine_factory(wiring.settings().engine_children)
            engine.start(wait=False)
        observe_and_limit(app, (emf_observer(),))
        start(app, wiring.settings(), wiring.services(), engine)
        adapter()
        app.middleware_stack = app.build_middleware_stack()
        hook_snapshot(app.state.services, engine, rehearse)

    start_on_lambda(start_here)
    return handler


def rehearsal_event(app: FastAPI) -> Event:
    """Return an event for the app's first route with a well-formed key, so that the store is asked for it."""
    route = app.state.routes[0]
    path = re.sub(r"{[^}]*}", "none", route.path)
    headers = {"Authorization": f"Bearer {make_key(Environment.TEST, bytes(ENTROPY_BYTES))}", "Host": "localhost"}
    return {
        "resource": route.path,
        "path": path,
        "httpMethod": min(route.methods),
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"resourcePath": route.path, "identity": {"sourceIp": "127.0.0.1"}},
        "body": None,
        "isBase64Encoded": False,
    }
