import pytest

from tests.e2e.server import Server
from tests.e2e.wire import METERED, Connection, basic, call, shrink
from tests.pictures import graphic_png, opened, padded_png, photo_jpeg, photo_webp, tiny_png, truncated_jpeg

ON_EVERY_ANSWER = {"Content-Length", "Content-Type", "Date", "X-Request-Id"}


def test_shrink_answers_in_canonical_capitals(service: Server, key: str) -> None:
    """Every header of a /shrink answer is on the wire in exactly the capitals that clients compare."""
    reply = shrink(service, key, photo_jpeg())
    assert reply.names >= ON_EVERY_ANSWER | METERED | {"Location", "Image-Width", "Image-Height"}
    assert all(name[0].isupper() for name in reply.names)
    assert (reply["Image-Width"], reply["Image-Height"]) == ("320", "240")
    assert (reply["Compression-Count"], reply["Compression-Count-Remaining"]) == ("1", "499")
    assert (reply["X-RateLimit-Limit"], reply["X-RateLimit-Remaining"]) == ("20", "19")


def test_shrink_answers_what_a_strict_decoder_needs(service: Server, key: str) -> None:
    """The JSON of /shrink has every field, of the right kind, and its numbers are the images' own."""
    image = photo_jpeg()
    answer = shrink(service, key, image).json
    output = answer["output"]
    assert answer["input"] == {"size": len(image), "type": "image/jpeg"}
    assert (output["type"], output["width"], output["height"]) == ("image/jpeg", 320, 240)
    assert output["ratio"] == round(output["size"] / len(image), 4) < 1
    assert output["expires_at"].endswith("Z")
    assert output["download_url"] == output["url"]


def test_compress_answers_in_canonical_capitals(service: Server, key: str) -> None:
    """Every header of a /v1/compress answer is in canonical capitals, and says the sizes of the two images."""
    image = photo_jpeg()
    reply = call(service, "POST", "/v1/compress", key, body=image)
    assert reply.status == 200
    assert reply.names >= ON_EVERY_ANSWER | METERED | {"Image-Width", "Image-Height"}
    assert all(name[0].isupper() for name in reply.names)
    assert reply["X-Input-Size"] == str(len(image))
    assert reply["X-Output-Size"] == reply["Content-Length"] == str(len(reply.body))
    assert reply["X-Ratio"] == f"{len(reply.body) / len(image):.4f}"


@pytest.mark.parametrize(
    ("image", "kind"),
    [(photo_jpeg(), "image/jpeg"), (graphic_png(), "image/png"), (photo_webp(), "image/webp")],
    ids=["jpeg", "png", "webp"],
)
def test_a_download_is_the_bare_image(service: Server, key: str, image: bytes, kind: str) -> None:
    """A result comes with its exact length and its type without a charset, not encoded although gzip is accepted."""
    location = shrink(service, key, image)["Location"]
    reply = call(service, "GET", location, key, [("Accept-Encoding", "gzip, deflate, br")])
    assert (reply.status, reply["Content-Type"]) == (200, kind)
    assert reply.names >= METERED | {"Image-Width", "Image-Height"}
    assert not {name.lower() for name in reply.names} & {"transfer-encoding", "content-encoding"}
    assert len(reply.body) == int(reply["Content-Length"]) < len(image)
    assert opened(reply.body).size == opened(image).size


def test_location_is_relative_under_http(service: Server, key: str) -> None:
    """Under http Location is relative and without a token, while output.url is absolute and opens without a key."""
    reply = shrink(service, key, photo_jpeg())
    assert reply["Location"].startswith("/output/")
    assert "link=" not in reply["Location"]
    url = reply.json["output"]["url"]
    base = "http://localhost"
    assert url.startswith(f"{base}{reply['Location']}?link=")
    result = call(service, "GET", url.removeprefix(base))
    assert (result.status, len(result.body)) == (200, reply.json["output"]["size"])
    assert not result.names & METERED


def test_head_then_get_on_one_connection(service: Server, key: str) -> None:
    """HEAD answers as GET does, without a body, and the same connection then carries the GET."""
    location = shrink(service, key, photo_jpeg())["Location"]
    with Connection(service) as connection:
        first = connection.exchange("HEAD", location, [basic(key)])
        second = connection.exchange("GET", location, [basic(key)])
    per_request = {"Date", "X-Request-Id"}
    assert (first.status, second.status) == (200, 200)
    assert [field for field in first.fields if field[0] not in per_request] == [
        field for field in second.fields if field[0] not in per_request
    ]
    assert len(second.body) == int(first["Content-Length"])


def test_three_requests_on_one_connection(service: Server, key: str) -> None:
    """A connection is kept alive from upload to upload to download."""
    with Connection(service) as connection:
        replies = [connection.exchange("POST", "/shrink", [basic(key)], tiny_png(seed)) for seed in range(2)]
        assert [reply.status for reply in replies] == [201, 201]
        assert connection.exchange("GET", replies[0]["Location"], [basic(key)]).status == 200


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("GET", "/shrink", {"POST"}),
        ("DELETE", "/output/" + "a" * 32, {"GET", "HEAD"}),
        ("PUT", "/v1/compress", {"POST"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_405_with_allow(service: Server, method: str, target: str, allowed: set[str]) -> None:
    """A known path with a wrong method is 405, in JSON, and Allow names the right ones."""
    reply = call(service, method, target)
    assert (reply.status, reply.error) == (405, "MethodNotAllowed")
    assert set(reply["Allow"].split(", ")) >= allowed
    assert method not in reply["Allow"].split(", ")


@pytest.mark.parametrize("target", ["/nowhere", "/shrink/", "/output/", "/v1", "/output/a/b", "//shrink"])
def test_an_unknown_path_is_404_in_json(service: Server, target: str) -> None:
    """An unknown path is 404 NotFound in the shape of every error."""
    reply = call(service, "GET", target)
    assert (reply.status, reply.error) == (404, "NotFound")


def test_no_answer_names_the_server_software(service: Server, key: str) -> None:
    """Neither results nor errors nor pages carry a Server header."""
    replies = [
        shrink(service, key, tiny_png()),
        call(service, "GET", "/"),
        call(service, "GET", "/nowhere"),
        call(service, "POST", "/shrink", body=b""),
    ]
    assert not any("server" in {name.lower() for name in reply.names} for reply in replies)


@pytest.mark.parametrize("route", ["/shrink", "/v1/compress"])
@pytest.mark.parametrize(
    ("query", "body", "status", "code"),
    [
        ("", b"", 400, "InputMissing"),
        ("?quality=banana", tiny_png(), 400, "BadRequest"),
        ("?format=bmp", tiny_png(), 400, "BadRequest"),
        ("", padded_png(5 * 1024**2 + 1), 413, "PayloadTooLarge"),
        ("", b"neither picture nor promise", 415, "UnsupportedMediaType"),
        ("", truncated_jpeg(), 422, "DecodeError"),
    ],
    ids=["empty", "quality", "format", "large", "unknown", "broken"],
)
def test_errors_of_a_good_key_say_where_the_account_stands(
    service: Server, key: str, route: str, query: str, body: bytes, status: int, code: str
) -> None:
    """Every error behind a good key carries the metered headers, and is not counted."""
    reply = call(service, "POST", route + query, key, body=body)
    assert (reply.status, reply.error) == (status, code)
    assert reply.names >= METERED
    assert (reply["Compression-Count"], reply["Compression-Count-Remaining"]) == ("0", "500")


@pytest.mark.parametrize(("name", "code"), [("nonsense", "NotFound"), ("a" * 32, "OutputExpired")])
def test_missing_results_say_where_the_account_stands(service: Server, key: str, name: str, code: str) -> None:
    """A 404 behind a good key carries the metered headers."""
    reply = call(service, "GET", f"/output/{name}", key)
    assert (reply.status, reply.error) == (404, code)
    assert reply.names >= METERED
