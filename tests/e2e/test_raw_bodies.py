import pytest

from tests.e2e.server import Server
from tests.e2e.wire import Connection, basic, call, chunked, count, head
from tests.pictures import graphic_png, logo_png_with_xmp, opened, photo_jpeg, photo_webp

CHUNKED = ("Transfer-Encoding", "chunked")
EXPECT = ("Expect", "100-continue")
BLOCK = bytes(1024**2)


def test_expect_gets_100_and_then_201(service: Server, key: str) -> None:
    """A client that waits for 100 Continue gets it before it sent a byte of the image, and then the 201."""
    image = photo_jpeg()
    with Connection(service) as connection:
        connection.send(head("POST", "/shrink", [basic(key), EXPECT, ("Content-Length", str(len(image)))]))
        assert connection.reply().status == 100
        connection.send(image)
        assert connection.reply().status == 201


def test_expect_with_a_bad_key_gets_401_before_the_body(service: Server) -> None:
    """A client that waits for 100 Continue with a bad key gets the 401 at once, and never sends the image."""
    with Connection(service) as connection:
        connection.send(head("POST", "/shrink", [basic("nonsense"), EXPECT, ("Content-Length", "3000000")]))
        assert connection.reply().error == "Unauthorized"


def test_expect_with_a_large_image_gets_413_before_the_body(service: Server, key: str) -> None:
    """A client that waits for 100 Continue with an image above its plan gets the 413 at once."""
    with Connection(service) as connection:
        connection.send(head("POST", "/shrink", [basic(key), EXPECT, ("Content-Length", "80000000")]))
        assert connection.reply().error == "PayloadTooLarge"


@pytest.mark.parametrize("route", ["/shrink", "/v1/compress"])
@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ([("Content-Length", "0")], b""),
        ([], b""),
        ([CHUNKED], b"0\r\n\r\n"),
        ([("Content-Type", "application/json"), ("Content-Length", "0")], b""),
        ([("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", "0")], b""),
    ],
    ids=["zero", "no length", "chunked", "json", "form"],
)
def test_an_empty_body_validates_a_key(
    service: Server, key: str, route: str, fields: list[tuple[str, str]], body: bytes
) -> None:
    """An empty body, however it is said, is 400 InputMissing with a good key and 401 with a bad one; never 411."""
    with Connection(service) as connection:
        connection.send(head("POST", route, [basic(key), *fields]), body)
        good = connection.reply()
        connection.send(head("POST", route, [basic("nonsense"), *fields]), body)
        bad = connection.reply()
    assert (good.status, good.error) == (400, "InputMissing")
    assert (bad.status, bad.error) == (401, "Unauthorized")


@pytest.mark.parametrize(
    ("image", "kind"),
    [(photo_jpeg(), "image/jpeg"), (graphic_png(), "image/png"), (photo_webp(), "image/webp")],
    ids=["jpeg", "png", "webp"],
)
def test_a_chunked_upload_works(service: Server, key: str, image: bytes, kind: str) -> None:
    """An image of unknown length, sent in chunks, is compressed like any other."""
    with Connection(service) as connection:
        connection.send(head("POST", "/v1/compress", [basic(key), CHUNKED]), chunked(image))
        reply = connection.reply()
    assert (reply.status, reply["Content-Type"], reply["X-Input-Size"]) == (200, kind, str(len(image)))
    assert opened(reply.body).size == opened(image).size


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "image/gif",
        "text/plain; charset=utf-8",
        "application/octet-stream",
        "no type at all",
        "",
    ],
)
def test_a_content_type_means_nothing(service: Server, key: str, content_type: str) -> None:
    """Raw bytes are taken as the image whatever their Content-Type claims."""
    reply = call(service, "POST", "/shrink", key, [("Content-Type", content_type)], photo_jpeg())
    assert (reply.status, reply.json["input"]["type"]) == (201, "image/jpeg")


def test_metadata_does_not_reach_the_result(service: Server, key: str) -> None:
    """A logo with 15 kB of XMP comes back as a PNG of the same size in pixels and a tenth of the bytes."""
    logo = logo_png_with_xmp()
    reply = call(service, "POST", "/v1/compress", key, body=logo)
    assert (reply["Image-Width"], reply["Image-Height"]) == ("137", "21")
    assert len(reply.body) < len(logo) / 10
    assert b"xmp" not in reply.body.lower()


def test_an_oversized_upload_is_refused_while_it_is_sent(service: Server, key: str) -> None:
    """A declared 80 MB is 413 after its first bytes, and the rest can still be sent without a reset."""
    with Connection(service) as connection:
        connection.send(head("POST", "/shrink", [basic(key), ("Content-Length", str(80 * len(BLOCK)))]), BLOCK)
        reply = connection.reply()
        assert (reply.status, reply.error) == (413, "PayloadTooLarge")
        for _ in range(79):
            connection.send(BLOCK)


@pytest.mark.parametrize("mode", ["keep-alive", "close"])
def test_an_oversized_upload_sent_whole_reads_its_answer(service: Server, key: str, mode: str) -> None:
    """A client that sends all of 20 MB before it reads finds the 413, also if its connection is to be closed."""
    with Connection(service) as connection:
        fields = [basic(key), ("Connection", mode), ("Content-Length", str(20 * len(BLOCK)))]
        connection.send(head("POST", "/shrink", fields))
        for _ in range(20):
            connection.send(BLOCK)
        assert connection.reply().error == "PayloadTooLarge"


def test_an_oversized_chunked_upload_is_refused(service: Server, key: str) -> None:
    """A body without a declared length is refused as soon as it passes the plan's limit."""
    with Connection(service) as connection:
        connection.send(head("POST", "/shrink", [basic(key), CHUNKED]))
        for _ in range(6):
            connection.send(b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK))
        assert connection.reply().error == "PayloadTooLarge"


@pytest.mark.parametrize("mode", ["keep-alive", "close"])
def test_a_401_is_readable_after_a_whole_body(service: Server, mode: str) -> None:
    """A client that sends 3 MB with a bad key before it reads finds the 401, not a reset connection."""
    reply = call(service, "POST", "/shrink", "nonsense", [("Connection", mode)], 3 * BLOCK)
    assert reply.error == "Unauthorized"


def test_an_answer_to_an_unread_body_keeps_the_connection_sane(service: Server, key: str) -> None:
    """After a refusal that did not need the body, the next request on the connection is understood."""
    with Connection(service) as connection:
        assert connection.exchange("POST", "/shrink", [basic("nonsense")], BLOCK).status == 401
        assert connection.exchange("POST", "/nowhere", [basic(key)], BLOCK).status == 404
        assert connection.exchange("POST", "/shrink", [basic(key)], photo_jpeg()).status == 201


@pytest.mark.parametrize("fields", [[("Content-Length", "40000")], [CHUNKED]], ids=["length", "chunked"])
def test_a_body_cut_off_is_not_counted(service: Server, key: str, fields: list[tuple[str, str]]) -> None:
    """A client that goes away in the middle of the image is charged nothing, and hurts nobody."""
    half = photo_jpeg()[:20_000]
    with Connection(service) as connection:
        sent = half if fields != [CHUNKED] else b"%x\r\n%s\r\n" % (len(half), half)
        connection.send(head("POST", "/shrink", [basic(key), *fields]), sent)
    assert count(service, key) == 0
    assert call(service, "GET", "/healthz").status == 200


def test_a_client_that_goes_away_is_no_fault(service: Server, key: str) -> None:
    """A client that goes away in the middle of its upload leaves no traceback in the service's log."""
    before = len(service.output)
    with Connection(service) as connection:
        connection.send(head("POST", "/shrink", [basic(key), EXPECT, ("Content-Length", "40000")]))
        assert connection.reply().status == 100
    count(service, key)
    assert "Traceback" not in service.output[before:]


def test_an_http_1_0_client_is_served(service: Server, key: str) -> None:
    """A client of HTTP/1.0 gets its result, and the connection is closed behind it."""
    with Connection(service) as connection:
        image = photo_jpeg()
        request = head("POST", "/shrink", [basic(key), ("Content-Length", str(len(image)))])
        connection.send(request.replace(b"HTTP/1.1", b"HTTP/1.0"), image)
        assert connection.reply().status == 201
        assert connection.rest() == b""


@pytest.mark.parametrize(
    "text", [b"\x16\x03\x01\x02\x00\x01\x00", b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"]
)
def test_what_is_no_http_is_refused(service: Server, text: bytes) -> None:
    """Bytes that are no HTTP get a 400 or a closed connection, and the service goes on."""
    with Connection(service) as connection:
        connection.send(text, b"\r\n\r\n")
        assert connection.rest()[:12] in (b"", b"HTTP/1.1 400")
    assert call(service, "GET", "/healthz").status == 200
