"""How each error of the contract's table is provoked: one request a row, sent over HTTP or through a Lambda handler."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from minipic.domain.account import Status
from minipic.service.administration import set_status
from tests.e2e.equipped import BLOCKED_PICTURE, SMALL_PLAN_BYTES, Equipped
from tests.e2e.wire import basic
from tests.pictures import graphic_png, padded_png, tiny_png, too_large_png, truncated_jpeg

UNKNOWN_RESULT = "a" * 32
JSON = ("Content-Type", "application/json")
BURST = 20


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    target: str
    fields: list[tuple[str, str]]
    body: bytes | None = None


@dataclass(frozen=True)
class Row:
    """An error: ``ask`` makes the request, which up to ``tries`` sendings must refuse; ``extras`` are body keys."""

    code: str
    status: int
    ask: Callable[[Equipped], Asked]
    extras: frozenset[str] = frozenset()
    waits: bool = False
    tries: int = 1
    label: str = ""


def _shrink(body: bytes | None, *fields: tuple[str, str], plan: str = "free") -> Callable[[Equipped], Asked]:
    return lambda service: Asked("POST", "/shrink", [basic(service.new_key(plan)), *fields], body)


def _compress(query: str, body: bytes) -> Callable[[Equipped], Asked]:
    return lambda service: Asked("POST", f"/v1/compress{query}", [basic(service.new_key())], body)


def _output(method: str, name: str, body: bytes | None = None) -> Callable[[Equipped], Asked]:
    return lambda service: Asked(method, f"/output/{name}", [basic(service.new_key())], body)


def _get(target: str) -> Callable[[Equipped], Asked]:
    return lambda service: Asked("GET", target, [basic(service.new_key())])


def _source(**source: str) -> Callable[[Equipped], Asked]:
    return _shrink(json.dumps({"source": source}).encode(), JSON)


def _suspended(service: Equipped) -> Asked:
    account = service.new_account()
    set_status(service.services, account, Status.SUSPENDED)
    return Asked("POST", "/shrink", [basic(service.new_key(account=account))], tiny_png())


_THUMB = b'{"resize":{"method":"thumb","width":5,"height":5}}'
ROWS = [
    Row("BadRequest", 400, _shrink(b"{", JSON), label="invalid JSON"),
    Row("BadRequest", 400, _compress("?quality=banana", tiny_png()), label="quality"),
    Row("BadRequest", 400, _compress("?format=jpeg", graphic_png(20, 20)), label="transparent to JPEG"),
    Row("BadRequest", 400, _output("POST", UNKNOWN_RESULT, b'{"convert":{"type":"image/x"}}'), label="convert"),
    Row("BadRequest", 400, _output("GET", UNKNOWN_RESULT, b'{"convert":{"type":"image/x"}}'), label="convert by GET"),
    Row("BadRequest", 400, _get("/v1/ledger?month=13"), label="month"),
    Row("InputMissing", 400, _shrink(b"")),
    Row("InputMissing", 400, _shrink(None, JSON), label="JSON"),
    Row("SourceNotFound", 400, _source(url="http://127.0.0.1:9/private.png"), label="private address"),
    Row("SourceNotFound", 400, _source(upload=UNKNOWN_RESULT), label="unknown upload"),
    Row("Unauthorized", 401, lambda _: Asked("POST", "/shrink", [basic("wrong")], tiny_png())),
    Row("Unauthorized", 401, lambda _: Asked("GET", "/v1/usage", []), label="usage"),
    Row("AccountSuspended", 403, _suspended),
    Row("NotFound", 404, _output("GET", "nonsense")),
    Row("NotFound", 404, lambda _: Asked("GET", "/keys/mp_live_wrong", [basic("wrong")]), label="key"),
    Row("OutputExpired", 404, _output("GET", UNKNOWN_RESULT)),
    Row("OutputExpired", 404, _output("POST", UNKNOWN_RESULT, b'{"preserve":["copyright"]}'), label="operations"),
    Row("MethodNotAllowed", 405, lambda _: Asked("GET", "/shrink", [])),
    Row("PayloadTooLarge", 413, _shrink(padded_png(SMALL_PLAN_BYTES + 1), plan="small"), frozenset({"max_bytes"})),
    Row("UnsupportedMediaType", 415, _shrink(b"neither picture nor promise")),
    Row("DecodeError", 422, _shrink(truncated_jpeg())),
    Row("ImageTooComplex", 422, _shrink(too_large_png())),
    Row("ContentBlocked", 422, _shrink(BLOCKED_PICTURE)),
    Row("TooManyRequests", 429, _shrink(tiny_png(), plan="slow"), waits=True, tries=BURST),
    Row("AccountLimitReached", 429, _shrink(tiny_png(), plan="spent"), frozenset({"upgrade_url"})),
    Row("NotImplemented", 501, _output("POST", UNKNOWN_RESULT, _THUMB), label="thumb"),
    Row("NotImplemented", 501, _output("GET", UNKNOWN_RESULT, _THUMB), label="thumb by GET"),
    Row("NotImplemented", 501, _compress("?method=thumb&width=5&height=5", tiny_png()), label="thumb at once"),
    Row("NotImplemented", 501, _output("POST", UNKNOWN_RESULT, b'{"store":{"service":"s3"}}'), label="store"),
]


def row_id(row: Row) -> str:
    """Return how a test's name tells a row."""
    return f"{row.code} {row.label}".strip()
