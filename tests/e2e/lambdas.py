"""The Lambda handlers in this process, on the stores of a running service."""

import asyncio
import base64
import importlib.util
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from minipic.http.app import start
from minipic.local import read_routes
from minipic.service import Engine
from minipic.settings import PROJECT_FOLDER, AwsSettings
from tests.e2e.equipped import Equipped
from tests.e2e.error_rows import Asked

DERIVE_FUNCTION = "derive:live"

Event = dict[str, Any]
Handler = Callable[[Event, Any], Event]


def function_for(method: str, path: str) -> str:
    """Return the function that answers this method on this path; where none does, one that answers on the path."""
    found = [route for route in read_routes(PROJECT_FOLDER / "template.yaml") if route.path.fullmatch(path)]
    return next((route.function for route in found if route.method == method), found[0].function)


def event_of(asked: Asked) -> Event:
    """Return API Gateway's event of a request: a committed one, with everything of the request put in."""
    event: Event = json.loads((PROJECT_FOLDER / "events" / "shrink.json").read_text())
    path, _, query = asked.target.partition("?")
    many = parse_qs(query)
    headers = {name: value for name, value in event["headers"].items() if name != "Authorization"} | dict(asked.fields)
    body = None if asked.body is None else base64.b64encode(asked.body).decode()
    event |= {
        "resource": path,
        "path": path,
        "httpMethod": asked.method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in many.items()} or None,
        "multiValueQueryStringParameters": many or None,
        "body": body,
        "isBase64Encoded": body is not None,
    }
    event["requestContext"] |= {"path": f"/live{path}", "httpMethod": asked.method, "resourcePath": path}
    return event


def load_handler(name: str, service: Equipped, engine: Engine) -> Handler:
    """Return a function's handler, loaded as Lambda loads it, and started on the service's stores."""
    spec = importlib.util.spec_from_file_location("app", PROJECT_FOLDER / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    settings = replace(service.read, aws=AwsSettings(derive_function=DERIVE_FUNCTION))
    start(module.app, settings, service.services, engine)
    handler: Handler = module.handler
    return handler


def answer_of(handler: Handler, event: Event) -> Event:
    """Return what a handler answers. It runs in a thread with an event loop of its own, which is closed behind it."""

    def run() -> Event:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            return handler(event, None)
        finally:
            loop.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


@dataclass(frozen=True)
class InvokedDerive:
    """Stands in for Lambda's own API: an invocation of the derive function runs its handler here."""

    service: Equipped
    engine: Engine

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - the API's own names
        """Run the handler on the event."""
        assert FunctionName == DERIVE_FUNCTION
        answer = answer_of(load_handler("derive", self.service, self.engine), json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}
