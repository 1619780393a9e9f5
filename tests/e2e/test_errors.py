import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from minipic.domain.account import Status
from minipic.http import handover
from minipic.service import Engine
from minipic_engine import EnginePool
from tests.e2e.equipped import Equipped
from tests.e2e.error_rows import ROWS, Asked, Row, row_id
from tests.e2e.lambdas import Event, InvokedDerive, answer_of, event_of, function_for, load_handler
from tests.e2e.server import running
from tests.e2e.wire import Reply, call, shrink
from tests.pictures import tiny_png

ALWAYS = {"error", "message", "request_id"}
REQUEST_ID = "request-0001"

by_row = pytest.mark.parametrize("row", ROWS, ids=row_id)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine child, for the handlers."""
    pool = EnginePool(1)
    pool.start()
    yield pool
    pool.close()


def _over_http(service: Equipped, row: Row, asked: Asked) -> Reply:
    fields = [*asked.fields, ("X-Request-Id", REQUEST_ID)]
    for _ in range(row.tries):
        reply = call(service, asked.method, asked.target, fields=fields, body=asked.body)
        if reply.status >= 400:
            break
    return reply


def _through_lambda(service: Equipped, engine: Engine, row: Row, asked: Asked) -> Event:
    handler = load_handler(function_for(asked.method, asked.target.partition("?")[0]), service, engine)
    event = event_of(replace(asked, fields=[*asked.fields, ("X-Request-Id", REQUEST_ID)]))
    for _ in range(row.tries):
        answer = answer_of(handler, event)
        if answer["statusCode"] >= 400:
            break
    return answer


@by_row
def test_every_error(full: Equipped, row: Row) -> None:
    """Every row of the table has its status, code, body keys and headers when it is met over HTTP."""
    reply = _over_http(full, row, row.ask(full))
    assert (reply.status, reply.error) == (row.status, row.code)
    assert set(reply.json) == ALWAYS | row.extras
    assert ("Retry-After" in reply.names) is row.waits
    assert not row.waits or int(reply["Retry-After"]) >= 1
    assert ("Allow" in reply.names) is (row.status == 405)
    assert ("WWW-Authenticate" in reply.names) is (row.status == 401)


@by_row
def test_every_error_through_lambda(full: Equipped, engine: Engine, monkeypatch: pytest.MonkeyPatch, row: Row) -> None:
    """Every row has the same status, headers and JSON, byte for byte, when a Lambda handler answers it."""
    monkeypatch.setattr(handover, "_lambda_client", lambda *_: InvokedDerive(full, engine))
    asked = row.ask(full)
    over_http, through_lambda = _over_http(full, row, asked), _through_lambda(full, engine, row, asked)
    body = through_lambda["body"].encode()
    body = base64.b64decode(body) if through_lambda["isBase64Encoded"] else body
    assert (through_lambda["statusCode"], body) == (over_http.status, over_http.body)
    assert through_lambda["headers"]["Content-Type"] == over_http["Content-Type"]
    assert set(through_lambda["headers"]) == over_http.names - {"Connection"}


def test_a_fault_is_500_and_says_nothing(tmp_path: Path) -> None:
    """A broken results folder is a 500 without a word about it; the log has the fault under the request's id."""
    with running(tmp_path, MINIPIC_ENGINE_CHILDREN="1") as server:
        key = server.demo_key
        location = shrink(server, key, tiny_png())["Location"]
        shutil.rmtree(server.data_folder / "results")
        (server.data_folder / "results").write_text("a file where a folder was")
        reply = call(server, "GET", location, key)
        assert (reply.status, reply.error) == (500, "InternalServerError")
        assert set(reply.json) == ALWAYS
        assert b"results" not in reply.body
        assert "Directory" not in reply.body.decode()
        logged = [json.loads(line) for line in server.output.splitlines() if reply["X-Request-Id"] in line]
        assert "NotADirectoryError" in json.dumps(logged)


def test_a_suspended_account_is_told_what_it_is(full: Equipped) -> None:
    """Every route that takes a key says AccountSuspended to a suspended account; the admin command sees it so."""
    account = full.new_account()
    key = full.new_key(account=account)
    location = shrink(full, key, tiny_png())["Location"]
    full.services.accounts.set_status(account, Status.SUSPENDED)
    asked = [
        ("POST", "/shrink", tiny_png()),
        ("POST", "/v1/compress", tiny_png()),
        ("GET", location, None),
        ("POST", location, b'{"preserve":[]}'),
        ("POST", "/v1/uploads", b'{"size":1}'),
        ("GET", "/v1/usage", None),
        ("GET", "/v1/ledger", None),
        ("GET", f"/keys/{key}", None),
    ]
    replies = {(method, target): call(full, method, target, key, body=body) for method, target, body in asked}
    assert {(reply.status, reply.error) for reply in replies.values()} == {(403, "AccountSuspended")}, replies
