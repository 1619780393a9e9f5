import io
import random

import pytest
from PIL import Image

from tests.deployed.asking import METERED, Client, assert_error
from tests.deployed.homes import Home
from tests.pictures import graphic_png, opened, photo_jpeg, photo_webp, tiny_png

PHOTO = photo_jpeg()
OPERATIONS = {"resize": {"method": "fit", "width": 60, "height": 60}, "convert": {"type": "image/webp"}}
RESULT_IN_ONE_ANSWER_BYTES = 4_500_000  # of an image, through Lambda


def noise_png(side: int) -> bytes:
    """A PNG that no encoder makes smaller: three bytes a pixel."""
    buffer = io.BytesIO()
    noise = Image.frombytes("RGB", (side, side), random.Random(side).randbytes(3 * side * side))
    noise.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/x-www-form-urlencoded", "", None])
def test_bytes_arrive_as_they_were_sent(home: Home, client: Client, content_type: str | None) -> None:
    """An image in the body is read whatever Content-Type says of it, and as it is: every byte both ways."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    image = graphic_png(97, 61)
    answer = client.send("POST", "/v1/compress?quality=lossless", image, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png"), answer.text
    assert int(answer.headers["Content-Length"]) == len(answer.content) < len(image)
    assert int(answer.headers["X-Input-Size"]) == len(image)
    assert opened(answer.content).convert("RGBA").tobytes() == opened(image).convert("RGBA").tobytes()


def test_shrink_and_download(client: Client) -> None:
    """/shrink tells the sizes and where the result is; the bytes there have that size, exactly, again and again."""
    answer = client.shrink(PHOTO)
    output = answer.json()["output"]
    assert answer.json()["input"] == {"size": len(PHOTO), "type": "image/jpeg"}
    assert (output["type"], output["width"], output["height"]) == ("image/jpeg", 320, 240)
    assert output["ratio"] == round(output["size"] / len(PHOTO), 4) < 1
    assert {name for name in METERED if name in answer.headers} == METERED
    first, second = (client.send("GET", client.location(answer)) for _ in range(2))
    assert (first.status_code, first.headers["Content-Type"]) == (200, "image/jpeg")
    assert len(first.content) == output["size"] == int(first.headers["Content-Length"])
    assert first.content == second.content
    assert "Content-Encoding" not in first.headers
    assert opened(first.content).size == (320, 240)


def test_head_tells_what_get_brings(client: Client) -> None:
    """HEAD has the header of the GET and no body."""
    location = client.location(client.shrink(PHOTO))
    head, get = client.send("HEAD", location), client.send("GET", location)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "Image-Width", "Image-Height", "Compression-Count"):
        assert head.headers[name] == get.headers[name]


def test_links_open_without_a_key(client: Client, stranger: Client) -> None:
    """output.url and download_url open for anybody, unlike Location, and unlike a link with another token."""
    answer = client.shrink(PHOTO)
    output = answer.json()["output"]
    for link in (output["url"], output["download_url"]):
        opened_link = stranger.send("GET", link)
        assert (opened_link.status_code, len(opened_link.content)) == (200, output["size"]), link
        assert not METERED & set(opened_link.headers)
    assert_error(stranger.send("GET", client.location(answer)), 401, "Unauthorized")
    assert_error(stranger.send("GET", output["url"][:-1] + "0"), 401, "Unauthorized")


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_derived_result(client: Client, method: str) -> None:
    """Operations on a result, by POST or by GET with a JSON body, are answered with the bytes, which stay."""
    derived = client.send(method, client.location(client.shrink(PHOTO)), json=OPERATIONS)
    assert (derived.status_code, derived.headers["Content-Type"]) == (200, "image/webp"), derived.text
    assert opened(derived.content).size == (60, 45)
    assert (derived.headers["Image-Width"], derived.headers["Image-Height"]) == ("60", "45")
    assert derived.headers["Compression-Count"] == "2"
    again = client.send("GET", client.location(derived))
    assert (again.content, again.headers["Compression-Count"]) == (derived.content, "2")


def test_a_form_with_a_file(client: Client) -> None:
    """/v1/compress takes a form's file as well."""
    answer = client.send("POST", "/v1/compress?format=png", files={"file": ("a.webp", photo_webp(64, 48))})
    assert (answer.status_code, opened(answer.content).format) == (200, "PNG"), answer.text


def test_a_source_by_its_address(home: Home, client: Client) -> None:
    """An image is fetched from an address that is allowed, and from no other of this network."""
    answer = client.send("POST", "/shrink", json={"source": {"url": home.hosted("/photo.jpg")}})
    assert (answer.status_code, answer.json()["input"]["type"]) == (201, "image/jpeg")
    private = {"source": {"url": "http://169.254.169.254/latest/meta-data/"}}
    assert_error(client.send("POST", "/shrink", json=private), 400, "SourceNotFound")


def test_a_large_image_goes_through_the_storage(home: Home) -> None:
    """What is above one request is posted to the storage by a form; a result above one answer is redirected to."""
    large = noise_png(1300)
    assert len(large) > RESULT_IN_ONE_ANSWER_BYTES
    with Client(home, home.new_key("paid")) as client:
        offer = client.send("POST", "/v1/uploads", json={"size": len(large)})
        assert offer.status_code == 201, offer.text
        form = offer.json()
        posted = client.send("POST", form["url"], data=form["fields"], files={"file": ("picture", large)})
        assert posted.status_code == 204, posted.text
        source = {"source": {"upload": form["upload"]}}
        answer = client.send("POST", "/v1/compress?quality=lossless&format=png", json=source)
        assert answer.headers["X-Input-Size"] == str(len(large))
        assert answer.headers["Compression-Count"] == "1"
        if home.is_gateway:
            assert answer.status_code == 303
            answer = client.send("GET", answer.headers["Location"])
        assert answer.status_code == 200, answer.text
        assert RESULT_IN_ONE_ANSWER_BYTES < len(answer.content) <= len(large)
        assert opened(answer.content).tobytes() == opened(large).tobytes()


def test_an_upload_of_another_size_is_refused(client: Client) -> None:
    """The form takes a file up to the size that was announced; an upload that never came is 400."""
    form = client.send("POST", "/v1/uploads", json={"size": 100}).json()
    posted = client.send("POST", form["url"], data=form["fields"], files={"file": ("picture", PHOTO)})
    assert posted.status_code in (400, 413)
    source = {"source": {"upload": form["upload"]}}
    assert_error(client.send("POST", "/shrink", json=source), 400, "SourceNotFound")


def test_pages_of_the_service(stranger: Client) -> None:
    """The front page, the documentation with its scripts, the API's description and the health check need no key."""
    assert stranger.send("GET", "/healthz").json() == {"status": "ok"}
    assert "/shrink" in stranger.send("GET", "/openapi.json").json()["paths"]
    for path in ("/", "/docs"):
        page = stranger.send("GET", path)
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_a_page_of_another_origin_may_ask(stranger: Client) -> None:
    """A browser's preflight from an allowed origin is answered with what it asks for."""
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    answer = stranger.send("OPTIONS", "/v1/compress", headers=asked)
    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example.com"


def test_a_picture_of_one_pixel(client: Client) -> None:
    """The smallest body goes both ways as well."""
    answer = client.send("POST", "/v1/compress", tiny_png())
    assert (answer.status_code, opened(answer.content).format) == (200, "PNG")
