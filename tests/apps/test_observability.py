"""The log's lines and the metrics: what they tell, and what they never tell."""

import base64
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from minipic.http.emf import emf_observer
from minipic.http.logs import mask
from minipic.http.record import Record
from minipic.settings import PROJECT_FOLDER
from tests.apps.conftest import House
from tests.apps.test_lambda import read_event
from tests.e2e.server import Server, running
from tests.e2e.wire import Connection, call, head, shrink
from tests.meta.test_imports import loaded_by
from tests.pictures import photo_jpeg, tiny_png

FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + tiny_png() + b"\r\n--x--\r\n"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[dict[str, Any]]]:
    """The fields of every line of the access log."""
    with caplog.at_level(logging.INFO, "minipic.access"):
        yield _Lines(caplog)


class _Lines(list[dict[str, Any]]):
    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    def __getitem__(self, index: Any) -> Any:
        return [vars(record) for record in self._caplog.records if record.name == "minipic.access"][index]

    def __len__(self) -> int:
        return len(self[:])


def test_a_line_says_who_did_what_and_where_the_time_went(house: House, lines: list[dict[str, Any]]) -> None:
    """A request leaves one line: ids, route, status, bytes in and out, and the milliseconds of each stage."""
    key, image = house.new_key(), photo_jpeg()
    answer = house.client.post("/shrink?quality=smart", content=image, auth=("api", key))
    assert len(lines) == 1
    line = lines[0]
    assert (line["operation"], line["method"], line["status"], line["outcome"]) == ("/shrink", "POST", 201, "ok")
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["account_id"] == house.account_of(key)
    assert line["key_id"].startswith("key_")
    assert (line["bytes_in"], line["bytes_out"]) == (len(image), len(answer.content))
    assert {"auth", "read", "admit", "engine", "store", "settle"} <= set(line["stages_ms"])
    assert all(spent_ms >= 0 for spent_ms in line["stages_ms"].values())
    assert line["duration_ms"] >= line["stages_ms"]["engine"]
    assert line["score"] >= 80
    assert 1 <= line["trials"] <= 6


@pytest.mark.parametrize(
    ("method", "path", "operation", "status", "outcome", "error"),
    [
        ("GET", "/healthz", "/healthz", 200, "ok", None),
        ("POST", "/shrink", "/shrink", 401, "refused", "Unauthorized"),
        ("GET", "/output/" + "a" * 32, "/output/{id}", 401, "refused", "Unauthorized"),
        ("GET", "/nothing/here", "none", 404, "refused", "NotFound"),
        ("BREW", "/shrink", "none", 405, "refused", "MethodNotAllowed"),
    ],
)
def test_a_line_names_the_route_and_the_error(
    house: House,
    lines: list[dict[str, Any]],
    method: str,
    path: str,
    operation: str,
    status: int,
    outcome: str,
    error: str | None,
) -> None:
    """A line has the route's template, never the path, and the code of the error that was answered."""
    house.client.request(method, path)
    line = lines[0]
    assert (line["operation"], line["status"], line["outcome"], line["error"]) == (operation, status, outcome, error)
    assert path == operation or path not in json.dumps(line, default=str)


def test_a_request_that_is_handed_over_is_one_line(house: House, lines: list[dict[str, Any]]) -> None:
    """A GET with operations, which another function answers, leaves one line with that function's stages."""
    auth = ("api", house.new_key())
    location = house.client.post("/shrink", content=tiny_png(), auth=auth).headers["Location"]
    house.client.request("GET", location, json={"resize": {"method": "scale", "width": 1}}, auth=auth)
    assert len(lines) == 2
    assert (lines[1]["operation"], lines[1]["method"], lines[1]["status"]) == ("/output/{id}", "GET", 200)
    assert "engine" in lines[1]["stages_ms"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET /keys/mp_live_0a1B2c3D", "GET /keys/mp_live_***"),
        ("mp_test_0a1B2c3D.", "mp_test_***."),
        ("/output/x?link=abc234&b=1", "/output/x?link=***&b=1"),
        ("/direct-file/original/" + "abcdefgh" * 4 + "/a.png", "/direct-file/original/***/a.png"),
        ("Authorization: Basic YXBpOm1wX2xpdmVfMA==", "Authorization: Basic ***"),
        ("bearer abc.def-ghi", "bearer ***"),
        ("a basic idea, an account acct_em5oc4bbwyfnoh63", "a basic idea, an account acct_em5oc4bbwyfnoh63"),
    ],
)
def test_masks(text: str, masked: str) -> None:
    """Keys, link tokens and credentials are masked wherever they stand; ids of accounts and plain words are not."""
    assert mask(text) == masked


def test_no_secret_reaches_the_log(tmp_path: Path) -> None:
    """Whatever a client does with a key or a link token, the server prints neither, and every line is JSON."""
    with running(tmp_path, MINIPIC_ENGINE_CHILDREN="1", MINIPIC_LOG_LEVEL="DEBUG") as server:
        key = server.new_key()
        location = shrink(server, key, tiny_png())["Location"]
        link = shrink(server, key, tiny_png()).json["output"]["url"].partition("link=")[2]
        _misbehave(server, key, link, location)
        server.end()
        start_up, _, log = server.output.partition("/v1/compress\n")
    assert "mp_live_" in start_up
    credential = base64.b64encode(f"api:{key}".encode()).decode()
    for secret in (key, link, credential, key.removeprefix("mp_live_")):
        assert secret not in log
    parsed = [json.loads(line) for line in log.splitlines() if line]
    assert sum(line["message"] == "request" for line in parsed) >= 15
    assert "IHDR" not in log


def _misbehave(server: Server, key: str, link: str, location: str) -> None:
    for secret in (key, link):
        for target in (
            f"/keys/{secret}", f"/output/{secret}", f"{location}?link={secret}", f"/shrink?quality={secret}",
            f"/{secret}/x", f"/v1/compress?key={secret}", f"/direct-file/original/{secret}/a.png",
        ):  # fmt: skip
            call(server, "GET", target)
            call(server, "POST", target, key, body=tiny_png())
        call(server, "GET", "/healthz", fields=[("X-Request-Id", secret), ("Cookie", secret), ("X-API-Key", secret)])
        call(server, "POST", "/shrink", fields=[("Authorization", f"Bearer {secret}")], body=b"")
        call(server, "POST", "/v1/compress", key, [("Content-Type", "multipart/form-data; boundary=x")], FORM)
        call(server, "POST", "/shrink", key, [("Content-Type", "application/json")], f'{{"{secret}":1}}'.encode())
        call(server, secret[:20], "/healthz")
        with Connection(server) as connection:
            connection.send(f"{secret}\r\n\r\n".encode())
            connection.reply()
        with Connection(server) as connection:  # goes away in the middle of its body
            connection.send(head("POST", f"/shrink?{secret}", [("X-API-Key", key), ("Content-Length", "99")]), b"x")


def test_metrics_for_prometheus(house: House) -> None:
    """GET /metrics counts requests by route and status, seconds, and bytes in, out and saved."""
    key, image = house.new_key(), tiny_png()
    with closing(TestClient(house.client.app, client=("127.0.0.1", 50000))) as client:
        done = client.post("/v1/compress", content=image, auth=("api", key))
        client.get("/nothing")
        text = client.get("/metrics").text
    assert 'minipic_requests_total{method="POST",operation="/v1/compress",status="200"} 1.0' in text
    assert 'minipic_requests_total{method="GET",operation="none",status="404"} 1.0' in text
    assert 'minipic_request_duration_seconds_count{operation="/v1/compress"} 1.0' in text
    assert f'minipic_bytes_total{{direction="in"}} {len(image)}.0' in text
    assert f'minipic_bytes_total{{direction="saved"}} {len(image) - len(done.content)}.0' in text
    assert 'minipic_stage_seconds_total{stage="engine"}' in text
    assert "minipic_body_places_taken 0.0" in text
    assert key not in text
    assert house.account_of(key) not in text


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        (("192.0.2.1", 50000), {}),
        (("127.0.0.1", 50000), {"X-Forwarded-For": "192.0.2.1"}),
        (("::1", 50000), {"Forwarded": "for=192.0.2.1"}),
        (("testclient", 50000), {}),
    ],
)
def test_metrics_are_for_this_machine(house: House, client: tuple[str, int], headers: dict[str, str]) -> None:
    """From elsewhere, or through a proxy, there is nothing at /metrics."""
    with closing(TestClient(house.client.app, client=client)) as other:
        answer = other.get("/metrics", headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


def test_metrics_on_lambda(capsys: pytest.CaptureFixture[str]) -> None:
    """On AWS each request is a line of the embedded metric format, by operation and outcome."""
    observe = emf_observer()
    observe(Record("r", "POST", "/shrink", 201, bytes_saved=500, stages_ms={"engine": 12.5}, duration_ms=20.0))
    observe(Record("r", "GET", "/output/{id}", 404, duration_ms=1.0))
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    (definition,) = first["_aws"]["CloudWatchMetrics"]
    assert definition["Namespace"] == "MiniPic"
    assert {"operation", "outcome"} <= set(definition["Dimensions"][0])
    assert (first["operation"], first["outcome"]) == ("/shrink", "ok")
    assert (first["Requests"], first["BytesSaved"], first["EngineDuration"]) == ([1.0], [500.0], [12.5])
    assert (second["operation"], second["outcome"]) == ("/output/{id}", "refused")
    assert "BytesSaved" not in second


def test_the_log_on_lambda(tmp_path: Path) -> None:
    """On AWS all that a function prints is JSON: a line of the log and one of metrics; the key is in neither."""
    key = "mp_live_" + "a1" * 18
    script = f"""
import sys
sys.path[:0] = [{str(PROJECT_FOLDER / "functions" / "shrink")!r}]
import app
app.handler({read_event("shrink", key)!r}, None)
app.app.state.engine.close()
"""
    variables = {"AWS_LAMBDA_FUNCTION_NAME": "shrink", "MINIPIC_DATA": str(tmp_path), "PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True)
    line, metrics = (json.loads(printed) for printed in done.stdout.splitlines())
    assert (line["operation"], line["status"], line["error"]) == ("/shrink", 401, "Unauthorized")
    assert (metrics["operation"], metrics["outcome"]) == ("/shrink", "refused")
    assert key not in done.stdout + done.stderr


@pytest.mark.parametrize("function", ["output", "shrink"])
def test_a_function_loads_no_server(function: str, tmp_path: Path) -> None:
    """What only one machine needs for serving and for metrics is not loaded by a Lambda function."""
    assert not loaded_by(function, {"MINIPIC_DATA": str(tmp_path)}) & {"uvicorn", "prometheus_client", "yaml"}
