import json
from pathlib import Path

import pytest

from tests.e2e.equipped import Equipped, equipped
from tests.e2e.wire import METERED, Connection, Fields, basic, call, chunked, head, shrink
from tests.pictures import opened, photo_jpeg, tiny_png

PHOTO = photo_jpeg(300, 200)
OPERATIONS = json.dumps({"resize": {"method": "scale", "width": 30}}).encode()
RESIZED = (30, 20)
LENGTH = ("Content-Length", str(len(OPERATIONS)))
JSON = ("Content-Type", "application/json")


@pytest.fixture
def key(full: Equipped) -> str:
    """A key of a fresh account."""
    return full.new_key()


@pytest.fixture
def location(full: Equipped, key: str) -> str:
    """Where the account's only result is."""
    return shrink(full, key, PHOTO)["Location"]


@pytest.mark.parametrize("fields", [[JSON], [], [("Content-Type", "application/x-www-form-urlencoded")]])
def test_a_get_with_a_json_body_is_an_operation(full: Equipped, key: str, location: str, fields: Fields) -> None:
    """GET with operations as its body, as older clients send it, derives a result and counts it, as POST does."""
    reply = call(full, "GET", location, key, fields, OPERATIONS)
    assert reply.status == 200
    assert opened(reply.body).size == RESIZED
    assert (reply["Compression-Count"], reply["Content-Type"]) == ("2", "image/jpeg")
    assert (reply["Image-Width"], reply["Image-Height"]) == ("30", "20")
    assert call(full, "GET", reply["Location"], key).body == reply.body


def test_a_chunked_get_is_an_operation(full: Equipped, key: str, location: str) -> None:
    """GET with operations in the chunked coding derives a result as well, and the connection goes on."""
    with Connection(full) as connection:
        connection.send(
            head("GET", location, [basic(key), JSON, ("Transfer-Encoding", "chunked")]), chunked(OPERATIONS)
        )
        assert opened(connection.reply().body).size == RESIZED
        assert connection.exchange("GET", location, [basic(key)])["Compression-Count"] == "2"


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"no json"])
def test_a_get_that_asks_for_nothing_is_a_download(full: Equipped, key: str, location: str, body: bytes) -> None:
    """GET with a body that asks for no operation is the plain download, uncounted."""
    reply = call(full, "GET", location, key, [JSON], body)
    assert (reply.status, reply["Compression-Count"]) == (200, "1")
    assert opened(reply.body).size == (300, 200)


def test_a_get_with_operations_needs_the_key(full: Equipped, key: str) -> None:
    """The link token opens a result for download, and for no operation."""
    url = shrink(full, key, PHOTO).json["output"]["url"].removeprefix("http://localhost")
    reply = call(full, "GET", url, fields=[JSON], body=OPERATIONS)
    assert (reply.status, reply.error) == (401, "Unauthorized")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
        "",
        None,
    ],
)
def test_operations_are_read_whatever_their_content_type(
    full: Equipped, key: str, location: str, content_type: str | None
) -> None:
    """Operations are JSON whatever Content-Type says, multipart without a boundary included."""
    fields = [] if content_type is None else [("Content-Type", content_type)]
    reply = call(full, "POST", location, key, fields, OPERATIONS)
    assert (reply.status, reply["Compression-Count"]) == (200, "2")
    assert opened(reply.body).size == RESIZED


@pytest.mark.parametrize("content_type", ["multipart/form-data", "application/x-www-form-urlencoded"])
def test_compress_takes_raw_bytes_whatever_their_content_type(full: Equipped, key: str, content_type: str) -> None:
    """Raw bytes that claim to be a form are an image to /v1/compress as well."""
    reply = call(full, "POST", "/v1/compress", key, [("Content-Type", content_type)], PHOTO)
    assert (reply.status, reply["Content-Type"]) == (200, "image/jpeg")


@pytest.mark.parametrize("fields", [[], [("Content-Length", "0")], [JSON]], ids=["no length", "zero", "json"])
def test_an_empty_post_is_a_download(full: Equipped, key: str, location: str, fields: Fields) -> None:
    """POST /output without a body, however that is said, is the plain download, uncounted; never 411."""
    with Connection(full) as connection:
        connection.send(head("POST", location, [basic(key), *fields]))
        reply = connection.reply()
    assert (reply.status, reply["Compression-Count"]) == (200, "1")
    assert reply.body == call(full, "GET", location, key).body


def test_operations_answer_in_canonical_capitals(full: Equipped, key: str, location: str) -> None:
    """A derived answer has every header of a download, and a relative Location under http, in canonical capitals."""
    reply = call(full, "POST", location, key, body=OPERATIONS)
    assert reply.names >= METERED | {"Location", "Image-Width", "Image-Height", "Content-Length", "Content-Type"}
    assert all(name[0].isupper() for name in reply.names)
    assert reply["Location"].startswith("/output/")
    assert reply["Location"] != location


def test_head_before_get_of_a_derived_result(full: Equipped, key: str, location: str) -> None:
    """HEAD of a derived result says what the GET after it on the same connection brings."""
    derived = call(full, "POST", location, key, body=OPERATIONS)["Location"]
    with Connection(full) as connection:
        first = connection.exchange("HEAD", derived, [basic(key)])
        second = connection.exchange("GET", derived, [basic(key)])
    for name in ("Content-Length", "Content-Type", "Image-Width", "Image-Height", "Compression-Count"):
        assert first[name] == second[name]
    assert first["Image-Width"] == "30"


@pytest.mark.parametrize(
    ("name", "credential"), [("Authorization", "basic"), ("authorization", "BASIC"), ("X-API-Key", ""), ("", "Bearer")]
)
def test_every_way_to_send_a_key_derives(full: Equipped, key: str, location: str, name: str, credential: str) -> None:
    """Operations take the key in every way that uploads do."""
    encoded = basic(key)[1].removeprefix("Basic ")
    value = f"{credential} {encoded}" if credential.lower() == "basic" else f"{credential} {key}".strip()
    reply = call(full, "POST", location, fields=[(name or "Authorization", value)], body=OPERATIONS)
    assert reply.status == 200


def test_operations_pile_up(full: Equipped, key: str, location: str) -> None:
    """An operation on a derived result applies to the same upload, the earlier operations included."""
    small = call(full, "POST", location, key, body=OPERATIONS)["Location"]
    webp = call(full, "POST", small, key, body=b'{"convert":{"type":"image/webp"}}')
    larger = call(full, "POST", webp["Location"], key, body=b'{"resize":{"method":"scale","width":150}}')
    assert (opened(webp.body).format, opened(webp.body).size) == ("WEBP", RESIZED)
    assert (opened(larger.body).format, opened(larger.body).size) == ("WEBP", (150, 100))


def test_operations_on_a_foreign_result(full: Equipped, location: str) -> None:
    """Another account's result is 404 OutputExpired to operations, and nothing is counted."""
    reply = call(full, "POST", location, full.new_key(), body=OPERATIONS)
    assert (reply.status, reply.error, reply["Compression-Count"]) == (404, "OutputExpired", "0")


def test_a_derived_location_under_https(full: Equipped, tmp_path: Path) -> None:
    """Under a public https address Location is absolute, and with MINIPIC_LINK_MODE=location it opens without a key."""
    public_url = "https://images.example"
    settings = {"MINIPIC_PUBLIC_URL": public_url, "MINIPIC_LINK_MODE": "location", "MINIPIC_ENGINE_CHILDREN": "1"}
    with equipped(tmp_path, full.host, **settings) as server:
        key = server.new_key()
        location = shrink(server, key, tiny_png())["Location"].removeprefix(public_url)
        reply = call(server, "POST", location, key, body=b'{"resize":{"method":"scale","width":4}}')
        assert reply["Location"].startswith(f"{public_url}/output/")
        assert "?link=" in reply["Location"]
        assert call(server, "GET", reply["Location"].removeprefix(public_url)).body == reply.body
