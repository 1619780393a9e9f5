"""The pages, the health check, and addresses that are none."""

import json

import pytest

from minipic import openapi
from tests.apps.conftest import House


def test_index(house: House) -> None:
    """The front page is HTML that links to the documentation and the API's description."""
    answer = house.client.get("/")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert 'href="docs"' in answer.text
    assert 'href="openapi.json"' in answer.text


def test_docs_are_served_from_here(house: House) -> None:
    """The documentation page and all that it loads come from this server."""
    page = house.client.get("/docs").text
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert f"docs/{asset}" in page
        assert house.client.get(f"/docs/{asset}").status_code == 200


@pytest.mark.parametrize("name", ["__init__.py", "..%2f__init__.py", "redoc.standalone.js"])
def test_no_other_file(house: House, name: str) -> None:
    """No other file of that package is handed out."""
    assert house.client.get(f"/docs/{name}").status_code == 404


def test_description_is_current(house: House) -> None:
    """The committed OpenAPI document is what the endpoints say (`make openapi` writes it)."""
    assert house.client.get("/openapi.json").json() == json.loads(json.dumps(openapi.describe()))


def test_healthy(house: House) -> None:
    """With both stores there, the health check answers 200 and needs no key."""
    assert house.client.get("/healthz").json() == {"status": "ok"}


def test_unhealthy(house: House) -> None:
    """With a store gone, the health check answers 503."""
    (house.settings.data_folder / "results").rmdir()
    assert house.client.get("/healthz").status_code == 503


def test_unknown_path(house: House) -> None:
    """An address that is none is a 404 in the contract's shape."""
    answer = house.client.get("/nothing/here")
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/shrink", "POST"),
        ("DELETE", "/output/x", "GET, HEAD, POST"),
        ("PUT", "/docs", "GET, HEAD"),
    ],
)
def test_wrong_method(house: House, method: str, path: str, allowed: str) -> None:
    """A path with another method is a 405 that names those it takes."""
    answer = house.client.request(method, path)
    assert (answer.status_code, answer.json()["error"]) == (405, "MethodNotAllowed")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(("sent", "kept"), [("abc-123_DEF.9", True), ("short", False), ("bad id with spaces", False)])
def test_request_id(house: House, sent: str, kept: bool) -> None:
    """A sane request id of the client's is kept, any other replaced."""
    answer = house.client.get("/nothing", headers={"X-Request-Id": sent})
    assert (answer.json()["request_id"] == sent) is kept
