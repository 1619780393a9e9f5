"""The service keeps to its own description: requests made up from openapi.json, answers held against it."""

import re
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi import checks

from tests.e2e.equipped import Equipped
from tests.e2e.error_rows import ROWS, Asked, Row, row_id
from tests.e2e.wire import call, shrink
from tests.pictures import photo_jpeg, tiny_png

OPERATIONS = [
    ("/shrink", "POST"),
    ("/v1/compress", "POST"),
    ("/output/{id}", "GET"),
    ("/output/{id}", "HEAD"),
    ("/output/{id}", "POST"),
    ("/v1/uploads", "POST"),
    ("/v1/usage", "GET"),
    ("/api/optimize", "POST"),
    ("/api/status/{image_id}", "GET"),
    ("/api/jobs", "GET"),
    ("/direct-file/{file}/{token}/{filename}", "GET"),
    ("/direct-file/{file}/{token}/{filename}", "HEAD"),
    ("/api/v1/usage", "GET"),
    ("/api/v1/stats", "GET"),
    ("/v1/ledger", "GET"),
    ("/keys/{key}", "GET"),
]
HELD = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
NOT_OFFERED_OR_BUSY = {501, 503}
BOUNDED = settings(max_examples=30, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def key(full: Equipped) -> str:
    """A key whose plan no number of requests exhausts."""
    return full.new_key("wide")


@pytest.fixture(scope="module")
def schema(full: Equipped) -> Any:
    """The description that the service hands out."""
    return schemathesis.openapi.from_dict(call(full, "GET", "/openapi.json").json)


def _stay_here(full: Equipped, case: Case[Any]) -> None:
    """Let a made-up address that could lead out of this machine lead to a picture here."""
    if isinstance(case.body, dict):
        case.body.pop("webhook_url", None)
    source = case.body.get("source") if isinstance(case.body, dict) else None
    if isinstance(source, dict) and str(source.get("url")).lower().startswith("http"):
        source["url"] = full.hosted("/photo.jpg")


def _hold(full: Equipped, key: str, case: Case[Any]) -> int:
    _stay_here(full, case)
    with requests.Session() as session:
        session.trust_env = False
        response = case.call(base_url=full.base_url, session=session, auth=("api", key))
    assert response.status_code < 500 or response.status_code in NOT_OFFERED_OR_BUSY, response.content
    case.validate_response(response, checks=HELD)
    return response.status_code


def test_every_operation_is_tried(schema: Any) -> None:
    """The list of operations here is the description's."""
    assert {(found.ok().path, found.ok().method.upper()) for found in schema.get_all_operations()} == set(OPERATIONS)


def _hold_all(full: Equipped, key: str, strategy: SearchStrategy[Case[Any]]) -> set[int]:
    statuses = set()

    @BOUNDED
    @given(case=strategy)
    def hold(case: Case[Any]) -> None:
        statuses.add(_hold(full, key, case))

    hold()
    return statuses


by_mode = pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)


@by_mode
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_made_up_requests(full: Equipped, key: str, schema: Any, path: str, method: str, mode: GenerationMode) -> None:
    """Requests that fit the description, and requests that break it, get answers that it knows."""
    _hold_all(full, key, schema[path][method].as_strategy(generation_mode=mode))


@by_mode
@pytest.mark.parametrize("path", ["/shrink", "/v1/compress"])
def test_made_up_queries_of_an_image(full: Equipped, key: str, schema: Any, path: str, mode: GenerationMode) -> None:
    """With a real image as the body some made-up queries succeed, some are refused, and none is a surprise."""
    strategy = schema[path]["POST"].as_strategy(generation_mode=mode, body=tiny_png(), media_type="image/png")
    statuses = _hold_all(full, key, strategy)
    assert mode is not GenerationMode.POSITIVE or statuses & {200, 201}


@by_mode
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_made_up_requests_of_a_result(full: Equipped, key: str, schema: Any, method: str, mode: GenerationMode) -> None:
    """With a result that is there made-up operations and downloads get answers that the description knows."""
    name = shrink(full, key, photo_jpeg(64, 48))["Location"].rpartition("/")[2]
    strategy = schema["/output/{id}"][method].as_strategy(generation_mode=mode, path_parameters={"id": name})
    statuses = _hold_all(full, key, strategy)
    assert mode is not GenerationMode.POSITIVE or 200 in statuses


def _described(document: dict[str, Any], asked: Asked) -> dict[str, Any]:
    path = asked.target.partition("?")[0]
    (template,) = (found for found in document["paths"] if re.fullmatch(re.sub(r"{\w+}", "[^/]+", found), path))
    responses: dict[str, Any] = document["paths"][template][asked.method.lower()]["responses"]
    return responses


@pytest.mark.parametrize("row", [row for row in ROWS if row.code != "MethodNotAllowed"], ids=row_id)
def test_every_error_is_described(full: Equipped, row: Row) -> None:
    """Each error that a route was seen to give is in the route's description: status, code, and Retry-After."""
    asked = row.ask(full)
    responses = _described(call(full, "GET", "/openapi.json").json, asked)
    assert str(row.status) in responses, f"{asked.method} {asked.target}"
    described = responses[str(row.status)]
    assert row.code in described["content"]["application/json"]["examples"]
    assert not row.waits or "Retry-After" in described["headers"]
