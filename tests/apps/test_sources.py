"""Images from elsewhere: by address, through an upload, in a form; and what screening refuses."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import pytest

from minipic.domain.image import ImageFormat, Options
from minipic.domain.screening import Screening
from minipic.errors import SourceNotFound
from minipic.service import Sources
from minipic.settings import MIB
from minipic_engine.pipeline import compress
from tests.apps.conftest import House, MakeHouse
from tests.pictures import graphic_png, padded_png, photo_jpeg

PHOTO_JPEG = photo_jpeg()


@dataclass
class Shelf(Sources):
    """Addresses with something behind them."""

    images: dict[str, bytes] = field(default_factory=dict)

    def fetch(self, url: str, max_bytes: int) -> bytes:
        """Return what lies at the address."""
        if len(self.images.get(url, b"")) in range(1, max_bytes + 1):
            return self.images[url]
        raise SourceNotFound


SHELF = Shelf({"https://example.com/photo.jpg": PHOTO_JPEG, "https://example.com/text": b"text"})


@pytest.mark.parametrize(("path", "status"), [("/shrink", 201), ("/v1/compress", 200)])
def test_url(make_house: MakeHouse, path: str, status: int) -> None:
    """An image may be named by its address; the charge is as for its bytes."""
    house = make_house(sources=SHELF)
    key = house.new_key()
    body = {"source": {"url": "https://example.com/photo.jpg"}}
    answer = house.client.post(path, json=body, auth=("api", key))
    assert answer.status_code == status
    assert answer.headers["Compression-Count"] == "1"


@pytest.mark.parametrize(
    ("url", "status", "error"),
    [
        ("https://example.com/none", 400, "SourceNotFound"),
        ("https://example.com/text", 415, "UnsupportedMediaType"),
    ],
)
def test_url_without_an_image(make_house: MakeHouse, url: str, status: int, error: str) -> None:
    """A failed fetch and a fetched non-image are refused, uncounted, their place given back."""
    house = make_house(sources=SHELF)
    key = house.new_key()
    answer = house.client.post("/shrink", json={"source": {"url": url}}, auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["Compression-Count"] == "0"
    account = house.services.accounts.read(house.account_of(key))
    assert account.keys[next(iter(account.keys))].leases == {}


def test_private_addresses_are_refused(house: House) -> None:
    """Without a list of exceptions nothing private is fetched."""
    answer = house.client.post(
        "/shrink", json={"source": {"url": "http://127.0.0.1:1/"}}, auth=("api", house.new_key())
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "SourceNotFound")


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[]",
        "{}",
        '{"source": null}',
        '{"source": {}}',
        '{"source": {"url": 5}}',
        '{"source": {"url": "https://a", "upload": "b"}}',
        '{"source": {"url": "https://a"}, "resize": {}}',
        '{"source": {"file": "x"}}',
        "[" * 40_000,
        '"' + "x" * 70_000 + '"',
    ],
)
def test_bad_source(house: House, body: str) -> None:
    """A JSON body that names no source is a 400 that shows the form it takes."""
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = house.client.post("/shrink", content=body, headers=headers, auth=("api", house.new_key()))
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")


def test_empty_json_body(house: House) -> None:
    """An empty body is an empty body, whatever its type."""
    headers = {"Content-Type": "application/json"}
    answer = house.client.post("/shrink", headers=headers, auth=("api", house.new_key()))
    assert answer.json()["error"] == "InputMissing"


def offer(house: House, key: str, size: int) -> dict[str, Any]:
    answer = house.client.post("/v1/uploads", json={"size": size}, auth=("api", key))
    assert answer.status_code == 201
    body: dict[str, Any] = answer.json()
    return body


def test_upload(house: House) -> None:
    """A form is offered, the file posted to it, and then named as the source: one image."""
    key = house.new_key()
    form = offer(house, key, len(PHOTO_JPEG))
    assert form["expires_in"] == 600
    posted = house.client.post(str(form["url"]), data=form["fields"], files={"file": PHOTO_JPEG})
    assert posted.status_code == 204
    answer = house.client.post("/shrink", json={"source": {"upload": form["upload"]}}, auth=("api", key))
    assert answer.status_code == 201
    assert answer.headers["Compression-Count"] == "1"


def test_upload_unmet_foreign_or_unknown(house: House) -> None:
    """An upload whose file has not come, another account's, and one that never was: SourceNotFound."""
    key, other = house.new_key(), house.new_key()
    form = offer(house, key, len(PHOTO_JPEG))
    body = {"source": {"upload": form["upload"]}}
    assert house.client.post("/shrink", json=body, auth=("api", key)).json()["error"] == "SourceNotFound"
    house.client.post(str(form["url"]), data=form["fields"], files={"file": PHOTO_JPEG})
    assert house.client.post("/shrink", json=body, auth=("api", other)).json()["error"] == "SourceNotFound"
    unknown = house.client.post("/shrink", json={"source": {"upload": "../x"}}, auth=("api", key))
    assert unknown.json()["error"] == "SourceNotFound"


@pytest.mark.parametrize("extra", [1, 200_000])
def test_upload_larger_than_offered(house: House, extra: int) -> None:
    """A form takes no more bytes than it was offered for."""
    form = offer(house, house.new_key(), len(PHOTO_JPEG))
    posted = house.client.post(str(form["url"]), data=form["fields"], files={"file": PHOTO_JPEG + bytes(extra)})
    assert (posted.status_code, posted.json()["error"]) == (413, "PayloadTooLarge")


def test_upload_form_is_as_given(house: House) -> None:
    """A form without its fields, without a file, or that never was offered is refused."""
    form = offer(house, house.new_key(), 1000)
    url = str(form["url"])
    assert house.client.post(url, files={"file": b"x"}).status_code == 400
    assert house.client.post(url, data=form["fields"]).status_code == 400
    never = url[:-8] + "a" * 8
    assert house.client.post(never, data=form["fields"], files={"file": b"x"}).status_code == 404


@pytest.mark.parametrize("body", ['{"size": 0}', '{"size": "5"}', '{"size": true}', "{}", "[5]", '{"size": 5, "a": 1}'])
def test_bad_upload_request(house: House, body: str) -> None:
    """A size that is none is a 400."""
    answer = house.client.post("/v1/uploads", content=body, auth=("api", house.new_key()))
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")


def test_upload_above_the_plan(house: House) -> None:
    """A size above the plan's is refused before anything is uploaded, and holds no place."""
    key = house.new_key()
    answer = house.client.post("/v1/uploads", json={"size": 2 * MIB + 1}, auth=("api", key))
    assert answer.status_code == 413
    account = house.services.accounts.read(house.account_of(key))
    assert account.keys[next(iter(account.keys))].leases == {}


def test_multipart(house: House) -> None:
    """/v1/compress takes a form with one file, whatever its field is named."""
    answer = house.client.post("/v1/compress", files={"picture": PHOTO_JPEG}, auth=("api", house.new_key()))
    assert answer.status_code == 200
    assert answer.headers["X-Input-Size"] == str(len(PHOTO_JPEG))


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ([("a", b"1"), ("b", b"2")], "BadRequest"),
        ([("a", b"")], "InputMissing"),
    ],
)
def test_bad_multipart(house: House, files: list[tuple[str, bytes]], error: str) -> None:
    """A form with two files, or an empty one, is refused."""
    answer = house.client.post("/v1/compress", files=files, auth=("api", house.new_key()))
    assert answer.json()["error"] == error


def test_multipart_without_files(house: House) -> None:
    """A form without a file is refused."""
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    for content in (body, b"--y damaged"):
        answer = house.client.post("/v1/compress", content=content, headers=headers, auth=("api", house.new_key()))
        assert answer.json()["error"] == "BadRequest"


def test_multipart_header_over_raw_bytes(house: House) -> None:
    """Raw bytes that are announced as a form are taken for what they are."""
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = house.client.post("/v1/compress", content=PHOTO_JPEG, headers=headers, auth=("api", house.new_key()))
    assert answer.status_code == 200


def test_blocked_bytes(make_house: MakeHouse) -> None:
    """Content that is on the list is refused before any pixel is decoded; nothing is stored or counted."""
    screening = Screening(frozenset([hashlib.sha256(PHOTO_JPEG).hexdigest()]))
    house = make_house(screening=screening)
    key = house.new_key()
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (422, "ContentBlocked")
    assert answer.headers["Compression-Count"] == "0"
    assert not [path for path in house.settings.data_folder.rglob("*s/2*/*") if path.is_file()]
    assert house.client.post("/shrink", content=padded_png(500), auth=("api", key)).status_code == 201


def test_compress_options(house: House) -> None:
    """/v1/compress takes a new size and metadata to keep in its query."""
    key = house.new_key()
    answer = house.client.post("/v1/compress?width=32", content=PHOTO_JPEG, auth=("api", key))
    assert (answer.headers["Image-Width"], answer.headers["Image-Height"]) == ("32", "24")
    covered = house.client.post(
        "/v1/compress?width=32&height=32&method=cover&preserve=copyright,creation",
        content=PHOTO_JPEG,
        auth=("api", key),
    )
    assert (covered.headers["Image-Width"], covered.headers["Image-Height"]) == ("32", "32")


@pytest.mark.parametrize("query", ["width=0", "width=x", "method=fit&width=5", "method=crop&width=5", "preserve=all"])
def test_bad_compress_options(house: House, query: str) -> None:
    """A size or a name out of range is a 400."""
    answer = house.client.post(f"/v1/compress?{query}", content=PHOTO_JPEG, auth=("api", house.new_key()))
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")


def test_blocked_look(make_house: MakeHouse) -> None:
    """A picture that looks like one on the list is refused, however it was saved; nothing is stored or counted."""
    picture = graphic_png(400, 300)
    known = compress(picture, Options(fingerprint=True)).fingerprint
    house = make_house(screening=Screening(pdq=(int(known, 16),)), appeal_contact="appeal@example.com")
    key = house.new_key()
    assert house.client.post("/v1/compress", content=padded_png(500), auth=("api", key)).status_code == 200
    webp = compress(picture, Options(formats=(ImageFormat.WEBP,), quality=50)).data
    answer = house.client.post("/shrink", content=webp, auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (422, "ContentBlocked")
    assert "appeal@example.com" in answer.json()["message"]
    assert answer.headers["Compression-Count"] == "1"
    assert not [path for path in house.settings.data_folder.rglob("*s/2*/*") if path.is_file()]
