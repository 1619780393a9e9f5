"""API Gateway's events through the Lambda handlers: the committed ones of events/, with a key and an id put in."""

import asyncio
import base64
import importlib.util
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Never

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from minipic.http import handover
from minipic.http.app import start
from minipic.service import Engine
from minipic.settings import PROJECT_FOLDER, AwsSettings
from tests.apps.conftest import House, MakeHouse
from tests.pictures import photo_jpeg

Event = dict[str, Any]


@contextmanager
def event_loop() -> Iterator[None]:
    """Give a Mangum adapter a loop, as the runtime's main thread has one, and close it."""
    with closing(asyncio.new_event_loop()) as loop:
        asyncio.set_event_loop(loop)
        yield
        asyncio.set_event_loop(None)


def read_event(name: str, key: str = "KEY") -> Event:
    """Return an event of events/ with this key."""
    event: Event = json.loads((PROJECT_FOLDER / "events" / f"{name}.json").read_text())
    for headers, value in ((event["headers"], "{}"), (event["multiValueHeaders"], ["{}"])):
        if "Authorization" in headers:
            credential = "Basic " + base64.b64encode(f"api:{key}".encode()).decode()
            headers["Authorization"] = credential if value == "{}" else [credential]
    return event


def call(name: str, event: Event, house: House, engine: Engine) -> Event:
    """Return what the function's handler answers, run as Lambda runs it: the module's name is ``app``."""
    spec = importlib.util.spec_from_file_location("app", PROJECT_FOLDER / "functions" / name / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    start(module.app, house.settings, house.services, engine)
    with event_loop():
        response: Event = module.handler(event, None)
    return response


def test_shrink_then_output(house: House, engine: Engine) -> None:
    """The shrink event gives a 201 whose addresses carry the stage; the output event then gives the image."""
    key = house.new_key()
    created = call("shrink", read_event("shrink", key), house, engine)
    assert created["statusCode"] == 201
    host = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/live/output/"
    assert created["headers"]["Location"].startswith(host)
    body = json.loads(created["body"])
    assert body["output"]["url"].startswith(host)

    event = read_event("output", key)
    path = "/output/" + created["headers"]["Location"].rpartition("/")[2]
    event["path"], event["requestContext"]["path"] = path, "/live" + path
    downloaded = call("output", event, house, engine)
    assert downloaded["statusCode"] == 200
    assert downloaded["isBase64Encoded"] is True
    assert len(base64.b64decode(downloaded["body"])) == body["output"]["size"]
    assert downloaded["headers"]["Content-Type"] == "image/png"
    assert downloaded["headers"]["Compression-Count"] == "1"


def test_nobody_is_charged_after_the_gateway_gave_up(house: House, engine: Engine) -> None:
    """Work that ends too late for the gateway, which waits 29 s, is 503, uncharged: the client has left."""
    for waited_ms, status in ((25_000, 200), (26_000, 503)):
        key = house.new_key()
        event = read_event("compress", key)
        event["requestContext"]["requestTimeEpoch"] = house.clock() - waited_ms
        assert call("compress", event, house, engine)["statusCode"] == status
        assert house.services.accounts.read(house.account_of(key)).seq == (status == 200)


def test_compress(house: House, engine: Engine) -> None:
    """The compress event gives the bytes, in the format its query asks for, with names in canonical capitals."""
    response = call("compress", read_event("compress", house.new_key()), house, engine)
    assert response["statusCode"] == 200
    assert base64.b64decode(response["body"]).startswith(b"RIFF")
    assert {"X-Input-Size", "X-RateLimit-Remaining", "Image-Width", "Content-Length"} <= set(response["headers"])


def test_site(house: House, engine: Engine) -> None:
    """The site event is answered by the health check, as text."""
    response = call("site", read_event("site"), house, engine)
    assert (response["statusCode"], response["isBase64Encoded"]) == (200, False)
    assert json.loads(response["body"]) == {"status": "ok"}


@pytest.mark.parametrize("name", ["shrink", "compress"])
def test_empty_body(name: str, house: House, engine: Engine) -> None:
    """An event without a body is an empty body."""
    event = read_event(name, house.new_key()) | {"body": None, "isBase64Encoded": False}
    response = call(name, event, house, engine)
    assert (response["statusCode"], json.loads(response["body"])["error"]) == (400, "InputMissing")


def test_errors_are_the_same_bytes(house: House, engine: Engine) -> None:
    """An error through the Lambda handler is byte for byte the error over HTTP."""
    event = read_event("shrink")
    for headers, value in ((event["headers"], "request-1"), (event["multiValueHeaders"], ["request-1"])):
        headers["X-Request-Id"] = value
    over_lambda = call("shrink", event, house, engine)
    over_http = house.client.post("/shrink", headers={"X-Request-Id": "request-1"})
    assert over_lambda["statusCode"] == over_http.status_code == 401
    assert over_lambda["body"].encode() == over_http.content


def test_starts_by_itself(tmp_path: Path) -> None:
    """On Lambda a handler is ready when its module is imported, from nothing but variables."""
    script = f"""
import sys
sys.path[:0] = [{str(PROJECT_FOLDER / "functions" / "site")!r}]
import app
assert app.app.state.services
print(app.handler({read_event("site")!r}, None)["statusCode"])
"""
    variables = {"AWS_LAMBDA_FUNCTION_NAME": "site", "MINIPIC_DATA": str(tmp_path), "PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "200"


class InvokedDerive:
    """Stands in for Lambda's API: an invocation of the derive function runs its handler here."""

    def __init__(self, house: House, engine: Engine) -> None:
        self.house, self.engine = house, engine

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - the API's own names
        """Run the handler; a function that has another name fails."""
        if FunctionName != "derive:live":
            return {"FunctionError": "Unhandled"}
        response = call("derive", json.loads(Payload), self.house, self.engine)
        return {"Payload": io.BytesIO(json.dumps(response).encode())}


def get_with_operations(house: House, engine: Engine) -> Event:
    """Return an event that asks for operations as older clients do, on a result that is there."""
    key = house.new_key()
    path = house.client.post("/shrink", content=photo_jpeg(), auth=("api", key)).headers["Location"]
    event = read_event("output", key)
    event["path"], event["requestContext"]["path"] = path, "/live" + path
    body = json.dumps({"resize": {"method": "scale", "width": 20}}).encode()
    event["body"], event["isBase64Encoded"] = base64.b64encode(body).decode(), True
    return event


@pytest.mark.parametrize(("function", "status"), [("derive:live", 200), ("none", 500)])
def test_operations_by_get(
    make_house: MakeHouse, engine: Engine, monkeypatch: pytest.MonkeyPatch, function: str, status: int
) -> None:
    """On AWS a GET with operations is handed to the derive function; that one's failure is a 500."""
    house = make_house(aws=AwsSettings(derive_function=function))
    monkeypatch.setattr(handover, "_lambda_client", lambda *_: InvokedDerive(house, engine))
    response = call("output", get_with_operations(house, engine), house, engine)
    assert response["statusCode"] == status
    if status == 200:
        assert response["headers"]["Image-Width"] == "20"
        assert response["headers"]["Compression-Count"] == "2"


INVOKE_URL = "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (ClientError({"Error": {"Code": "TooManyRequestsException", "Message": ""}}, "Invoke"), 503),
        (ReadTimeoutError(endpoint_url=INVOKE_URL), 503),
        (EndpointConnectionError(endpoint_url=INVOKE_URL), 503),
        (ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "Invoke"), 500),
    ],
)
def test_operations_by_get_when_derive_is_busy(
    make_house: MakeHouse, engine: Engine, monkeypatch: pytest.MonkeyPatch, failure: Exception, status: int
) -> None:
    """A derive function without a place or an answer is 503 with Retry-After, asked once; a fault of ours is 500."""
    house = make_house(aws=AwsSettings(derive_function="derive:live"))
    asked: list[bytes] = []

    def invoke(FunctionName: str, Payload: bytes) -> Never:  # noqa: N803 - the API's own names
        asked.append(Payload)
        raise failure

    monkeypatch.setattr(handover, "_lambda_client", lambda *_: SimpleNamespace(invoke=invoke))
    response = call("output", get_with_operations(house, engine), house, engine)
    assert (response["statusCode"], len(asked)) == (status, 1)
    assert ("Retry-After" in response["headers"]) is (status == 503)
