import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from minipic.service.administration import grant_pack, set_plan
from tests.e2e.equipped import Equipped
from tests.e2e.wire import METERED, Reply, call, shrink
from tests.pictures import graphic_png, photo_jpeg, tiny_png

PHOTO = photo_jpeg()
RESIZE = b'{"resize":{"method":"scale","width":64}}'
FREE_IMAGES, PACK = 3, "invoice-7"
BURST = 10


@dataclass(frozen=True)
class Session:
    """What a scripted session did: the line that each step must have left, and the account's key."""

    key: str
    lines: list[dict[str, Any]]


def _id(reply: Reply) -> str:
    return reply["Location"].rpartition("/")[2]


def _shrunk(reply: Reply) -> dict[str, Any]:
    answer = reply.json
    sizes = {"bytes_in": answer["input"]["size"], "bytes_out": answer["output"]["size"]}
    return {"operation": "shrink", "result": _id(reply), "images": 1} | sizes


@pytest.fixture(scope="module")
def session(full: Equipped) -> Session:
    """Three free images, of which the last draws the plan empty, a pack of ten, sandbox calls, downloads, refusals."""
    account = full.new_account("three")
    key, sandbox = full.new_key(account=account), full.new_key(test=True, account=account)
    first = shrink(full, key, PHOTO)
    derived = call(full, "POST", first["Location"], key, body=RESIZE)
    assert call(full, "GET", derived["Location"], key).status == 200
    assert call(full, "POST", first["Location"], key, body=b"{}").status == 200
    trial = shrink(full, sandbox, tiny_png())
    compressed = call(full, "POST", "/v1/compress", key, body=PHOTO)
    assert call(full, "POST", "/shrink", key, body=tiny_png()).error == "AccountLimitReached"
    grant_pack(full.services, account, 10, PACK)
    last = shrink(full, key, graphic_png(40, 40))
    assert call(full, "POST", "/shrink", key, body=b"broken").status == 415
    assert call(full, "POST", last["Location"], key, body=b'{"convert":{"type":"image/jpeg"}}').status == 400
    plan, empty = {"drawn_from": "plan"}, {"bytes_in": 0, "bytes_out": 0, "images": 0, "result": ""}
    made = {"operation": "derive", "result": _id(derived), "images": 1}
    lines = [
        _shrunk(first) | plan | {"free_remaining": 2, "credits_remaining": 0},
        made | plan | {"bytes_in": len(PHOTO), "bytes_out": len(derived.body), "free_remaining": 1},
        _shrunk(trial) | {"images": 0, "drawn_from": "", "free_remaining": 1},
        {"operation": "compress", "bytes_out": len(compressed.body), "images": 1, "free_remaining": 0} | plan,
        empty | {"operation": "purchase", "drawn_from": PACK, "credits_remaining": 10},
        _shrunk(last) | {"drawn_from": PACK, "free_remaining": 0, "credits_remaining": 9},
    ]
    return Session(key, lines)


def _ledger(full: Equipped, key: str, query: str = "") -> list[dict[str, Any]]:
    reply = call(full, "GET", f"/v1/ledger{query}", key)
    assert reply.status == 200, reply
    assert reply.names >= METERED
    lines: list[dict[str, Any]] = reply.json["lines"]
    return lines


def test_the_ledger_says_what_was_done(full: Equipped, session: Session) -> None:
    """Every billed image, sandbox call and purchase has its line, in order, without a gap; nothing else has one."""
    lines = _ledger(full, session.key)
    assert [line["seq"] for line in lines] == list(range(1, len(session.lines) + 1))
    for line, expected in zip(lines, session.lines, strict=True):
        assert line | expected == line
        assert line["time"].endswith("Z")
    assert [line["key"] for line in lines] == ["k", "k", "k", "k", "", "k"]


def test_usage_is_the_ledgers_sum(full: Equipped, session: Session) -> None:
    """Counts, bytes and balances of /v1/usage are those that the ledger's lines add up to, and the headers agree."""
    lines = _ledger(full, session.key)
    billed = [line for line in lines if line["images"]]
    reply = call(full, "GET", "/v1/usage", session.key)
    usage = reply.json
    assert usage["count"] == len(billed) == int(reply["Compression-Count"]) == 4
    assert usage["by_operation"] == {"shrink": 2, "derive": 1, "compress": 1}
    assert usage["bytes_in"] == sum(line["bytes_in"] for line in billed)
    assert usage["bytes_out"] == sum(line["bytes_out"] for line in billed)
    free, credit = usage["free"], usage["credits"]
    assert (free["limit"], free["used"], free["remaining"]) == (FREE_IMAGES, FREE_IMAGES, 0)
    assert credit["remaining"] == lines[-1]["credits_remaining"] == int(reply["Compression-Count-Remaining"])
    assert [(pack["id"], pack["size"], pack["remaining"]) for pack in credit["packs"]] == [(PACK, 10, 9)]
    assert usage["plan"] == "three"
    assert usage["limits"]["max_bytes"] == 5 * 1024**2


def test_the_year_is_the_ledgers_sum(full: Equipped, session: Session) -> None:
    """GET /api/v1/usage and /api/v1/stats tell the same: what the billed lines add up to, also by the input's type."""
    lines = _ledger(full, session.key)
    assert [line["format"] for line in lines] == ["jpeg", "jpeg", "png", "jpeg", "", "png"]
    billed = [line for line in lines if line["images"]]
    reply = call(full, "GET", "/api/v1/usage", session.key)
    assert (reply.status, reply.names >= METERED, reply.json["success"]) == (200, True, True)
    data = reply.json["data"]
    assert data == call(full, "GET", "/api/v1/stats", session.key).json["data"]
    assert [(kind["type"], kind["images"]) for kind in data["image_types"]] == [("image/jpeg", 3), ("image/png", 1)]
    assert data["monthly_trend"][-1]["images"] == data["compression"]["images"] == len(billed)
    assert data["compression"]["original_bytes"] == sum(line["bytes_in"] for line in billed)
    assert data["compression"]["optimized_bytes"] == sum(line["bytes_out"] for line in billed)
    assert data["quota"]["total_remaining"] == int(reply["Compression-Count-Remaining"])


def test_the_ledger_as_csv(full: Equipped, session: Session) -> None:
    """With Accept: text/csv the same lines come as CSV with a header."""
    reply = call(full, "GET", "/v1/ledger", session.key, [("Accept", "text/csv")])
    assert (reply.status, reply["Content-Type"].partition(";")[0]) == (200, "text/csv")
    assert reply.names >= METERED
    rows = list(csv.DictReader(io.StringIO(reply.body.decode(), newline="")))
    lines = _ledger(full, session.key)
    assert rows == [{name: str(value) for name, value in line.items()} for line in lines]


def test_a_cursor_goes_on_after_its_line(full: Equipped, session: Session) -> None:
    """A cursor asks for the lines behind it; this month is the default, and another month is empty."""
    lines = _ledger(full, session.key)
    month = call(full, "GET", "/v1/usage", session.key).json["month"]
    assert _ledger(full, session.key, f"?month={month}&cursor=4") == lines[4:]
    assert _ledger(full, session.key, "?cursor=6") == []
    assert _ledger(full, session.key, "?month=2020-01") == []
    assert call(full, "GET", "/v1/ledger", session.key).json["cursor"] is None


def test_simultaneous_work_leaves_no_gap(full: Equipped) -> None:
    """Ten images at once leave ten lines whose numbers and balances go down by one each."""
    key = full.new_key()
    with ThreadPoolExecutor(BURST) as threads:
        calls = [threads.submit(shrink, full, key, tiny_png(seed)) for seed in range(BURST)]
        results = {_id(one.result()) for one in calls}
    lines = _ledger(full, key)
    assert [line["seq"] for line in lines] == list(range(1, BURST + 1))
    assert [line["free_remaining"] for line in lines] == [500 - number for number in range(1, BURST + 1)]
    assert {line["result"] for line in lines} == results


def test_looking_costs_nothing(full: Equipped) -> None:
    """Usage, ledger and key are read again and again without a count, a line, or a mark on the rate."""
    key = full.new_key("slow")
    for target in ("/v1/usage", "/v1/ledger", f"/keys/{key}"):
        for _ in range(5):
            reply = call(full, "GET", target, key)
            assert (reply.status, reply["Compression-Count"], reply["X-RateLimit-Remaining"]) == (200, "0", "1")
    assert _ledger(full, key) == []


def test_a_key_for_the_wordpress_plugin(full: Equipped) -> None:
    """GET /keys/{key} tells the plugin's four headers, in the capitals that it compares, and an empty object."""
    account = full.new_account()
    key = full.new_key(account=account)
    shrink(full, key, tiny_png())
    reply = call(full, "GET", f"/keys/{key}", key)
    assert (reply.status, reply.json) == (200, {})
    assert (reply["Compression-Count"], reply["Compression-Count-Remaining"]) == ("1", "499")
    assert (reply["Paying-State"], reply["Email-Address"]) == ("free", "tests@example.com")
    set_plan(full.services, account, full.services.plans.paid)
    assert call(full, "GET", f"/keys/{key}", key)["Paying-State"] == "paid"


def test_a_key_that_is_not_the_callers(full: Equipped) -> None:
    """GET /keys/{key} is 404, never 401: for no, a wrong or another account's key, in the path or as credential."""
    key, other = full.new_key(), full.new_key()
    asked = [(key, ""), (key, "wrong"), (key, other), ("mp_live_wrong", key), ("mp_live_wrong", "mp_live_wrong")]
    for path_key, credential in asked:
        reply = call(full, "GET", f"/keys/{path_key}", credential)
        assert (reply.status, reply.error) == (404, "NotFound"), json.dumps([path_key, credential])
        assert not reply.names & {"Paying-State", "Email-Address", "WWW-Authenticate"}
