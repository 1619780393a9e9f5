"""GET /v1/usage, /v1/ledger and /keys/{key} through the app."""

import csv
import io

import pytest

from minipic.domain.account import Status
from minipic.domain.keys import Environment
from minipic.service import usage as usage_service
from minipic.service.administration import create_key
from tests.apps.conftest import House
from tests.pictures import photo_jpeg

PHOTO_JPEG = photo_jpeg()


def spend(house: House, key: str) -> None:
    """Shrink one image, derive one, compress one."""
    path = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key)).headers["Location"]
    house.client.post(path, json={"convert": {"type": "image/webp"}}, auth=("api", key))
    house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", key))


def test_usage(house: House) -> None:
    """The month's count, free images, packs, operations, bytes and limits, as they stand."""
    key = house.new_key()
    house.services.accounts.grant(house.account_of(key), "invoice-1", 10, house.clock(), house.services.plans)
    spend(house, key)
    house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", key))
    body = house.client.get("/v1/usage", auth=("api", key)).json()
    assert (body["month"], body["plan"], body["count"]) == ("2026-11", "paid", 4)
    assert body["free"] == {"limit": 3, "used": 3, "remaining": 0, "resets_at": "2026-12-01T00:00:00Z"}
    assert body["credits"]["remaining"] == 9
    assert body["credits"]["packs"][0] | {"purchased_at": ""} == {
        "id": "invoice-1",
        "purchased_at": "",
        "size": 10,
        "remaining": 9,
    }
    assert body["by_operation"] == {"shrink": 1, "derive": 1, "compress": 2}
    assert body["bytes_in"] == 4 * len(PHOTO_JPEG)
    assert 0 < body["bytes_out"] < body["bytes_in"]
    assert body["limits"]["max_bytes"] == 4 * 1024**2


def test_usage_of_december(house: House) -> None:
    """In December the free images come back with the next year."""
    key = house.new_key()
    house.clock.now_ms = 1_798_700_000_000
    body = house.client.get("/v1/usage", auth=("api", key)).json()
    assert (body["month"], body["free"]["resets_at"]) == ("2026-12", "2027-01-01T00:00:00Z")


def test_usage_is_the_headers(house: House) -> None:
    """What usage says is what the headers say."""
    key = house.new_key()
    spend(house, key)
    answer = house.client.get("/v1/usage", auth=("api", key))
    assert answer.headers["Compression-Count"] == str(answer.json()["count"])
    assert answer.headers["Compression-Count-Remaining"] == str(answer.json()["free"]["remaining"])


def test_ledger(house: House) -> None:
    """One line a billed image and a purchase, numbered without a gap, with the balances after it."""
    key = house.new_key(name="ci")
    spend(house, key)
    house.services.accounts.grant(house.account_of(key), "invoice-1", 10, house.clock(), house.services.plans)
    house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", key))
    body = house.client.get("/v1/ledger", auth=("api", key)).json()
    lines = body["lines"]
    assert body["cursor"] is None
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["operation"] for line in lines] == ["shrink", "derive", "compress", "purchase", "compress"]
    assert [line["images"] for line in lines] == [1, 1, 1, 0, 1]
    assert [line["drawn_from"] for line in lines] == ["plan", "plan", "plan", "invoice-1", "invoice-1"]
    assert [line["free_remaining"] for line in lines] == [2, 1, 0, 0, 0]
    assert [line["credits_remaining"] for line in lines] == [0, 0, 0, 10, 9]
    assert (lines[0]["key"], lines[0]["bytes_in"]) == ("ci", len(PHOTO_JPEG))


def test_sandbox_calls_show(house: House) -> None:
    """A sandbox call is a line with 0 images, and changes no balance and no sum."""
    key = house.new_key(environment=Environment.TEST)
    house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", key))
    (line,) = house.client.get("/v1/ledger", auth=("api", key)).json()["lines"]
    assert (line["images"], line["free_remaining"]) == (0, 3)
    assert house.client.get("/v1/usage", auth=("api", key)).json()["by_operation"] == {}


def test_csv(house: House) -> None:
    """With Accept: text/csv the lines come as CSV, and a key's name can't become a spreadsheet's formula."""
    key = house.new_key(name="=1+1")
    spend(house, key)
    answer = house.client.get("/v1/ledger", auth=("api", key), headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["seq"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["key"] == "'=1+1"


def test_pages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long month comes in pages; the cursor of one asks for the next."""
    monkeypatch.setattr(usage_service, "PAGE_LINES", 2)
    monkeypatch.setattr("minipic.http.standing.PAGE_LINES", 2)
    key = house.new_key()
    spend(house, key)
    first = house.client.get("/v1/ledger", auth=("api", key)).json()
    second = house.client.get(f"/v1/ledger?cursor={first['cursor']}", auth=("api", key)).json()
    assert [line["seq"] for line in first["lines"] + second["lines"]] == [1, 2, 3]
    assert second["cursor"] is None


def test_another_month(house: House) -> None:
    """A month is asked for by its name; one without lines is empty."""
    key = house.new_key()
    spend(house, key)
    assert house.client.get("/v1/ledger?month=2026-10", auth=("api", key)).json()["lines"] == []
    assert len(house.client.get("/v1/ledger?month=2026-11", auth=("api", key)).json()["lines"]) == 3


@pytest.mark.parametrize("query", ["month=2026", "month=2026-13", "month=november", "cursor=-1", "cursor=x"])
def test_bad_query(house: House, query: str) -> None:
    """A month or cursor that is none is a 400 that names it."""
    answer = house.client.get(f"/v1/ledger?{query}", auth=("api", house.new_key()))
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")


@pytest.mark.parametrize("path", ["/v1/usage", "/v1/ledger"])
def test_keys_are_needed(house: House, path: str) -> None:
    """Without a good key: 401."""
    assert house.client.get(path).status_code == 401


def test_key_is_good(house: House) -> None:
    """A good key of the caller's own account is 200 with an empty object and where the account stands."""
    key = house.new_key(name="owner@example.com")
    answer = house.client.get(f"/keys/{key}", auth=("api", key))
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["Compression-Count"] == "0"
    assert answer.headers["Compression-Count-Remaining"] == "3"
    assert answer.headers["Paying-State"] == "free"
    assert answer.headers["Email-Address"] == "owner@example.com"
    house.services.accounts.grant(house.account_of(key), "p", 1, house.clock(), house.services.plans)
    assert house.client.get(f"/keys/{key}", auth=("api", key)).headers["Paying-State"] == "paid"


def test_key_is_not_good(house: House) -> None:
    """A key that is not valid, or another account's, or asked for with none: 404, never 401."""
    key, other = house.new_key(), house.new_key()
    for path, auth in (("wrong", ("api", key)), (other, ("api", key)), (key, ("api", "wrong")), (key, None)):
        answer = house.client.get(f"/keys/{path}", auth=auth)
        assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


def test_a_key_that_was_switched_off_is_not_good(house: House) -> None:
    """Another key of the account is 404 from the moment on at which it is disabled or deleted."""
    key = house.new_key()
    account_id = house.account_of(key)
    disabled, deleted = (create_key(house.services, account_id, name, Environment.LIVE) for name in ("x", "y"))
    for other in (disabled, deleted):
        assert house.client.get(f"/keys/{other.text}", auth=("api", key)).status_code == 200
    house.services.accounts.set_key_enabled(account_id, disabled.id, False)
    house.services.accounts.delete_key(account_id, deleted.id)
    for other in (disabled, deleted):
        assert house.client.get(f"/keys/{other.text}", auth=("api", key)).status_code == 404


def test_key_of_a_suspended_account(house: House) -> None:
    """A good key of a suspended account is told so."""
    key = house.new_key()
    house.services.accounts.set_status(house.account_of(key), Status.SUSPENDED)
    assert house.client.get(f"/keys/{key}", auth=("api", key)).status_code == 403
