"""GET /api/v1/usage and GET /api/v1/stats through the app."""

import io
from contextlib import closing
from dataclasses import replace

import pytest
from PIL import Image
from starlette.testclient import TestClient

from minipic.domain.account import Status
from minipic.domain.keys import Environment
from minipic.domain.ledger import MonthSums
from minipic.errors import ServiceUnavailable
from minipic.local import build_app
from minipic.service import Engine
from minipic.service.administration import create_key
from minipic.stores.local.ledger import SqliteLedger
from tests.apps.conftest import House
from tests.pictures import photo_jpeg, tiny_png

PHOTO_JPEG = photo_jpeg()
PATHS = ("/api/v1/usage", "/api/v1/stats")
MONTH_MS = 31 * 86_400_000
both_paths = pytest.mark.parametrize("path", PATHS)


class Broken(SqliteLedger):
    """A ledger whose sums cannot be read."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def sums_between(self, account_id: str, first_month: int, last_month: int) -> dict[int, MonthSums]:
        """Fail."""
        raise self._error


def bitmap() -> bytes:
    """Return a small BMP."""
    target = io.BytesIO()
    Image.new("RGB", (40, 30), (20, 120, 220)).save(target, "BMP")
    return target.getvalue()


def test_an_account_that_did_nothing(house: House) -> None:
    """Everything is there and zero; all that the plan gives is left."""
    answer = house.client.get("/api/v1/stats", auth=("api", house.new_key()))
    assert answer.status_code == 200
    assert answer.json()["success"] is True
    data = answer.json()["data"]
    assert data["plan"] == "free"
    assert data["period"] == {"month": "2026-11", "resets_at": "2026-12-01T00:00:00Z"}
    assert data["quota"] == {"limit": 3, "used": 0, "remaining": 3, "credits_remaining": 0, "total_remaining": 3}
    assert [month["month"] for month in data["monthly_trend"]] == [
        "2025-12",
        *(f"2026-{number:02}" for number in range(1, 12)),
    ]
    assert all(set(month.values()) - {month["month"]} == {0} for month in data["monthly_trend"])
    assert (data["image_types"], data["by_operation"]) == ([], {})
    assert data["compression"] == {
        "images": 0,
        "original_bytes": 0,
        "optimized_bytes": 0,
        "bytes_saved": 0,
        "average_ratio_percent": 0.0,
    }


def test_what_was_done(house: House) -> None:
    """Shrunk, derived and compressed images count under the type that came in, not the one that went out."""
    key = house.new_key()
    house.services.accounts.grant(house.account_of(key), "p", 10, house.clock(), house.services.plans)
    location = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key)).headers["Location"]
    house.client.post(location, json={"convert": {"type": "image/webp"}}, auth=("api", key))
    house.client.post("/v1/compress", content=tiny_png(), auth=("api", key))
    house.client.post("/v1/compress", content=bitmap(), auth=("api", key))
    data = house.client.get("/api/v1/stats", auth=("api", key)).json()["data"]
    assert data["image_types"] == [
        {"type": "image/jpeg", "images": 2, "share_percent": 50.0},
        {"type": "image/bmp", "images": 1, "share_percent": 25.0},
        {"type": "image/png", "images": 1, "share_percent": 25.0},
    ]
    assert data["by_operation"] == {"shrink": 1, "derive": 1, "compress": 2}
    assert data["quota"] == {"limit": 3, "used": 3, "remaining": 0, "credits_remaining": 9, "total_remaining": 9}
    compression = data["compression"]
    assert compression["images"] == 4
    assert compression["original_bytes"] == 2 * len(PHOTO_JPEG) + len(tiny_png()) + len(bitmap())
    saved = compression["original_bytes"] - compression["optimized_bytes"]
    assert compression["bytes_saved"] == saved > 0
    assert compression["average_ratio_percent"] == round(100 * saved / compression["original_bytes"], 2)
    assert data["monthly_trend"][-1] == {
        "month": "2026-11",
        "images": 4,
        "bytes_in": compression["original_bytes"],
        "bytes_out": compression["optimized_bytes"],
        "bytes_saved": saved,
    }


def test_months_pass(house: House) -> None:
    """Each month keeps its images for a year, free ones come back, and types are of all twelve months."""
    key = house.new_key()
    house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", key))
    house.clock.now_ms += 2 * MONTH_MS
    house.client.post("/v1/compress", content=tiny_png(), auth=("api", key))
    data = house.client.get("/api/v1/stats", auth=("api", key)).json()["data"]
    trend = {month["month"]: month["images"] for month in data["monthly_trend"]}
    assert (trend["2026-11"], trend["2026-12"], trend["2027-01"]) == (1, 0, 1)
    assert list(trend)[-1] == data["period"]["month"] == "2027-01"
    assert data["quota"]["used"] == 1
    assert {kind["type"] for kind in data["image_types"]} == {"image/jpeg", "image/png"}
    house.clock.now_ms += 10 * MONTH_MS
    data = house.client.get("/api/v1/stats", auth=("api", key)).json()["data"]
    assert sum(month["images"] for month in data["monthly_trend"]) == data["compression"]["images"] == 1
    assert [kind["type"] for kind in data["image_types"]] == ["image/png"]


def test_it_agrees_with_the_usage_of_the_month(house: House) -> None:
    """What is left and the month's count are those of /v1/usage and of the headers."""
    key = house.new_key()
    house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", key))
    answer = house.client.get("/api/v1/usage", auth=("api", key))
    data = answer.json()["data"]
    usage = house.client.get("/v1/usage", auth=("api", key)).json()
    assert data["monthly_trend"][-1]["images"] == usage["count"] == 1
    assert data["monthly_trend"][-1]["bytes_in"] == usage["bytes_in"]
    assert {name: data["quota"][name] for name in ("limit", "used", "remaining")} == {
        name: usage["free"][name] for name in ("limit", "used", "remaining")
    }
    assert answer.headers["Compression-Count"] == "1"
    assert answer.headers["Compression-Count-Remaining"] == str(data["quota"]["total_remaining"])


def test_both_paths_tell_the_same(house: House) -> None:
    """One handler answers on either path."""
    key = house.new_key()
    house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", key))
    first, second = (house.client.get(path, headers={"X-API-Key": key}).json() for path in PATHS)
    assert first == second


def test_sandbox_keys_see_their_accounts_numbers(house: House) -> None:
    """A sandbox call counts nowhere; its key sees what the account's other keys did."""
    live = house.new_key()
    sandbox = create_key(house.services, house.account_of(live), "try", Environment.TEST).text
    house.client.post("/v1/compress", content=tiny_png(), auth=("api", sandbox))
    house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", live))
    data = house.client.get("/api/v1/stats", auth=("api", sandbox)).json()["data"]
    assert data == house.client.get("/api/v1/stats", auth=("api", live)).json()["data"]
    assert data["image_types"] == [{"type": "image/jpeg", "images": 1, "share_percent": 100.0}]
    lines = house.client.get("/v1/ledger", auth=("api", live)).json()["lines"]
    assert [(line["images"], line["format"]) for line in lines] == [(0, "png"), (1, "jpeg")]


def test_asking_costs_nothing(house: House) -> None:
    """Asking leaves no line, no count, and no mark on the rate."""
    key = house.new_key()
    for _ in range(30):
        answer = house.client.get("/api/v1/stats", auth=("api", key))
    assert answer.headers["X-RateLimit-Remaining"] == "20"
    assert house.client.get("/v1/ledger", auth=("api", key)).json()["lines"] == []


@both_paths
def test_without_a_good_key(house: House, path: str) -> None:
    """No key and a wrong one are the same 401, in this face's shape."""
    for auth in (None, ("api", "wrong")):
        answer = house.client.get(path, auth=auth)
        assert answer.status_code == 401
        body = answer.json()
        assert (body["success"], body["errors"]) == (False, {})
        assert "key" in body["message"]


@both_paths
def test_of_a_suspended_account(house: House, path: str) -> None:
    """A good key of a suspended account is told so: 403, in this face's shape."""
    key = house.new_key()
    house.services.accounts.set_status(house.account_of(key), Status.SUSPENDED)
    answer = house.client.get(path, auth=("api", key))
    assert (answer.status_code, answer.json()["success"]) == (403, False)


@pytest.mark.parametrize(("error", "status"), [(ServiceUnavailable(), 503), (ValueError("secret"), 500)])
def test_without_the_ledger(house: House, engine: Engine, error: Exception, status: int) -> None:
    """A ledger that does not answer is a 503, a fault of ours a 500: in this face's shape, without the cause."""
    services = replace(house.services, ledger=Broken(error))
    app, _ = build_app(house.settings, services, engine)
    with closing(TestClient(app, base_url="http://testserver", raise_server_exceptions=False)) as client:
        answer = client.get("/api/v1/stats", auth=("api", house.new_key()))
    assert (answer.status_code, answer.json()["success"], answer.json()["errors"]) == (status, False, {})
    assert "secret" not in answer.text
    assert answer.headers["Compression-Count"] == "0"
    assert answer.headers.get("Retry-After") == ("1" if status == 503 else None)


def test_only_get(house: House) -> None:
    """Another method is a 405 that names what the path takes."""
    answer = house.client.post("/api/v1/stats", auth=("api", house.new_key()))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
