"""How each error of the contract's table is provoked: one request a row, sent over HTTP or through a Lambda handler."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from minipic.domain.account import Status
from minipic.domain.identifiers import RANDOM_BYTES, make_result_id
from minipic.domain.image import Options
from minipic.domain.keys import hash_key
from minipic.domain.metering import LEASE_MS, Lease, month_of
from minipic.domain.repeats import Claim, identify
from minipic.service.administration import set_status
from tests.e2e.equipped import BLOCKED_PICTURE, SMALL_PLAN_BYTES, Equipped
from tests.e2e.wire import basic, call
from tests.pictures import graphic_png, padded_png, tiny_png, too_large_png, truncated_jpeg

UNKNOWN_RESULT = "a" * 32
JSON = ("Content-Type", "application/json")
BURST = 20
REPEAT_KEY = "order-17"


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


def _repeated(key: str) -> Asked:
    return Asked("POST", "/shrink", [basic(key), ("Idempotency-Key", REPEAT_KEY)], tiny_png())


def _conflicting(service: Equipped) -> Asked:
    key = service.new_key()
    first = call(service, "POST", "/v1/compress", key, [("Idempotency-Key", REPEAT_KEY)], tiny_png())
    assert first.status == 200
    return _repeated(key)


def _in_progress(service: Equipped) -> Asked:
    """Leave what a first request that is still at work has left."""
    key, services = service.new_key(), service.services
    owner, now_ms = services.accounts.find_key(hash_key(key)), services.now_ms()
    assert owner is not None
    lease = Lease(owner.account_id, owner.key_id, secrets.token_hex(8), now_ms + LEASE_MS)
    services.accounts.admit(lease, now_ms, services.plans)
    identity = identify(REPEAT_KEY, "shrink", Options(), tiny_png())
    claim = Claim(
        account_id=owner.account_id,
        key_hash=identity.key_hash,
        fingerprint=identity.fingerprint,
        result_id=make_result_id(now_ms, secrets.token_bytes(RANDOM_BYTES)),
        link_token="",
        lease=lease,
        seq=0,
        month=month_of(now_ms),
        expires_ms=lease.expires_ms,
    )
    services.repeats.claim(claim, now_ms)
    return _repeated(key)


_THUMB = b'{"resize":{"method":"thumb","width":5,"height":5}}'
ROWS = [
    Row("BadRequest", 400, _shrink(b"{", JSON), label="invalid JSON"),
    Row("BadRequest", 400, _compress("?quality=banana", tiny_png()), label="quality"),
    Row("BadRequest", 400, _compress("?format=jpeg", graphic_png(20, 20)), label="transparent to JPEG"),
    Row("BadRequest", 400, _output("POST", UNKNOWN_RESULT, b'{"convert":{"type":"image/x"}}'), label="convert"),
    Row("BadRequest", 400, _output("GET", UNKNOWN_RESULT, b'{"convert":{"type":"image/x"}}'), label="convert by GET"),
    Row("BadRequest", 400, _get("/v1/ledger?month=13"), label="month"),
    Row("BadRequest", 400, _shrink(tiny_png(), ("Idempotency-Key", "two words")), label="Idempotency-Key"),
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
    Row("IdempotencyConflict", 409, _conflicting),
    Row("RequestInProgress", 409, _in_progress, waits=True),
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
