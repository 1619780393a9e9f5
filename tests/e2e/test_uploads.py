import json
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest

from minipic.domain.identifiers import RANDOM_BYTES, make_result_id
from tests.e2e.equipped import Equipped
from tests.e2e.wire import METERED, Connection, Reply, call, count, head
from tests.pictures import opened, padded_png, photo_jpeg, tiny_png

PHOTO = photo_jpeg()
JSON = ("Content-Type", "application/json")
BOUNDARY = "a-boundary"
TWO_HOURS_MS = 2 * 3600 * 1000


@pytest.fixture
def key(full: Equipped) -> str:
    """A key of a fresh account."""
    return full.new_key()


def _offer(full: Equipped, key: str, size: int) -> dict[str, Any]:
    reply = call(full, "POST", "/v1/uploads", key, [JSON], json.dumps({"size": size}).encode())
    assert reply.status == 201, reply
    assert reply.names >= METERED
    return reply.json


def _form(fields: Mapping[str, str], file: bytes) -> bytes:
    parts = [f'form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(b'form-data; name="file"; filename="picture"\r\nContent-Type: application/octet-stream\r\n\r\n' + file)
    start = f"--{BOUNDARY}\r\nContent-Disposition: ".encode()
    return b"".join(start + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def _post(full: Equipped, offer: dict[str, Any], file: bytes, fields: Mapping[str, str] | None = None) -> Reply:
    content_type = ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    target = offer["url"].removeprefix("http://localhost")
    body = _form(offer["fields"] if fields is None else fields, file)
    with Connection(full) as connection:
        connection.send(head("POST", target, [content_type, ("Content-Length", str(len(body)))]), body)
        return connection.reply(bodiless=True)


def _use(full: Equipped, key: str, upload: str, route: str = "/shrink") -> Reply:
    return call(full, "POST", route, key, [JSON], json.dumps({"source": {"upload": upload}}).encode())


def test_an_upload_by_hand(full: Equipped, key: str) -> None:
    """A form posted by hand is 204 without a key; the upload then serves /shrink and /v1/compress, counted each."""
    offer = _offer(full, key, len(PHOTO))
    assert set(offer) == {"upload", "url", "fields", "expires_in"}
    assert offer["expires_in"] == 600
    assert count(full, key) == 0
    assert _post(full, offer, PHOTO).status == 204
    shrunk = _use(full, key, offer["upload"])
    assert (shrunk.status, shrunk.json["input"]) == (201, {"size": len(PHOTO), "type": "image/jpeg"})
    compressed = _use(full, key, offer["upload"], "/v1/compress?format=webp&width=64")
    assert (compressed.status, compressed["Compression-Count"]) == (200, "2")
    assert (opened(compressed.body).format, opened(compressed.body).size) == ("WEBP", (64, 48))


def test_an_upload_by_an_http_client(full: Equipped, key: str) -> None:
    """An HTTP client needs nothing but url and fields of the answer to post a file, which then is compressed."""
    with httpx2.Client(base_url=full.base_url, trust_env=False, timeout=60) as client:
        offer = client.post("/v1/uploads", json={"size": len(PHOTO)}, auth=("api", key)).json()
        assert offer["url"].startswith(full.base_url)
        posted = client.post(offer["url"], data=offer["fields"], files={"file": ("photo.jpg", PHOTO)})
        assert posted.status_code == 204
        shrunk = client.post("/shrink", json={"source": {"upload": offer["upload"]}}, auth=("api", key))
        assert shrunk.status_code == 201
        result = client.get(shrunk.json()["output"]["url"])
        assert opened(result.content).size == (320, 240)


def test_operations_follow_an_upload(full: Equipped, key: str) -> None:
    """A result of an upload is derived from as any other."""
    offer = _offer(full, key, len(PHOTO))
    _post(full, offer, PHOTO)
    location = _use(full, key, offer["upload"])["Location"]
    derived = call(full, "POST", location, key, body=b'{"resize":{"method":"scale","width":32}}')
    assert opened(derived.body).size == (32, 24)


@pytest.mark.parametrize("extra", [12, 200_000])
def test_a_file_above_what_was_said_is_refused(full: Equipped, key: str, extra: int) -> None:
    """A file larger than the size that was asked for is 413, and there is no upload."""
    image = tiny_png()
    offer = _offer(full, key, len(image))
    assert _post(full, offer, padded_png(len(image) + extra)).status == 413
    assert _use(full, key, offer["upload"]).error == "SourceNotFound"


def test_an_empty_file_is_refused(full: Equipped, key: str) -> None:
    """A form whose file is empty is 413, as where a storage service takes it: the range begins at one byte."""
    offer = _offer(full, key, 100)
    assert _post(full, offer, b"").status == 413
    assert _use(full, key, offer["upload"]).error == "SourceNotFound"


@pytest.mark.parametrize("fields", [{}, {"key": "a" * 32}], ids=["missing", "another"])
def test_a_form_without_its_fields_is_refused(full: Equipped, key: str, fields: dict[str, str]) -> None:
    """A form that lacks the fields as they were given is 400."""
    offer = _offer(full, key, len(PHOTO))
    assert _post(full, offer, PHOTO, fields).status == 400


def test_an_upload_that_never_came(full: Equipped, key: str) -> None:
    """A form that was asked for and not posted is 400 SourceNotFound, and not counted."""
    refused = _use(full, key, _offer(full, key, len(PHOTO))["upload"])
    assert (refused.status, refused.error, refused["Compression-Count"]) == (400, "SourceNotFound", "0")


def test_a_foreign_upload(full: Equipped, key: str) -> None:
    """Another account's upload is 400 SourceNotFound; a second key of the same account may use it."""
    account = full.new_account()
    offer = _offer(full, full.new_key(account=account), len(PHOTO))
    _post(full, offer, PHOTO)
    assert _use(full, key, offer["upload"]).error == "SourceNotFound"
    assert _use(full, full.new_key(account=account), offer["upload"]).status == 201


def test_a_form_out_of_date(full: Equipped, key: str) -> None:
    """A form whose ten minutes are over is 404, and there is no upload."""
    offer = _offer(full, key, len(PHOTO))
    terms = full.data_folder / "uploads" / f"{offer['upload']}.json"
    terms.write_text(json.dumps(json.loads(terms.read_text()) | {"expires_ms": 1}))
    assert _post(full, offer, PHOTO).status == 404
    assert _use(full, key, offer["upload"]).error == "SourceNotFound"


def test_an_upload_out_of_date(full: Equipped, key: str) -> None:
    """An upload of two hours ago is 400 SourceNotFound, although its file is still there."""
    offer = _offer(full, key, len(PHOTO))
    _post(full, offer, PHOTO)
    old = make_result_id(full.services.now_ms() - TWO_HOURS_MS, bytes(RANDOM_BYTES))
    folder = full.data_folder / "uploads"
    (folder / f"{old}.json").write_bytes((folder / f"{offer['upload']}.json").read_bytes())
    (folder / old).write_bytes(PHOTO)
    assert _use(full, key, old).error == "SourceNotFound"


def test_a_form_that_was_never_offered(full: Equipped) -> None:
    """A form for an id that was never given out is 404."""
    name = "a" * 32
    assert _post(full, {"url": f"/v1/uploads/{name}", "fields": {"key": name}}, PHOTO).status == 404


def test_more_than_the_plan_allows_is_not_offered(full: Equipped, key: str) -> None:
    """A size above the plan's limit is 413 before anything is sent."""
    reply = call(full, "POST", "/v1/uploads", key, [JSON], json.dumps({"size": 5 * 1024**2 + 1}).encode())
    assert (reply.status, reply.error, reply.json["max_bytes"]) == (413, "PayloadTooLarge", 5 * 1024**2)


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"size":0}', b'{"size":"1"}', b'{"size":true}', b'{"size":1,"x":1}', b"["]
)
def test_a_bad_size_is_named(full: Equipped, key: str, body: bytes) -> None:
    """What is no size is 400 BadRequest."""
    reply = call(full, "POST", "/v1/uploads", key, [JSON], body)
    assert (reply.status, reply.error) == (400, "BadRequest")
    assert reply.names >= METERED
