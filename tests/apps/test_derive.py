"""POST /output/{id}, and GET with a JSON body, through the app."""

import io
import json

import pytest
from PIL import Image

from minipic.domain.image import OUTPUT_FORMATS
from tests.apps.conftest import House
from tests.pictures import graphic_png, photo_jpeg

PHOTO_JPEG = photo_jpeg(300, 200)
GRAPHIC_PNG = graphic_png(300, 200)


def shrink(house: House, key: str, image: bytes = PHOTO_JPEG, query: str = "") -> str:
    """Return the path of a new result."""
    answer = house.client.post(f"/shrink{query}", content=image, auth=("api", key))
    assert answer.status_code == 201
    return answer.headers["Location"]


def size_of(data: bytes) -> tuple[int, int]:
    return Image.open(io.BytesIO(data)).size


def test_answer(house: House) -> None:
    """The new result's bytes come at once, one image is counted, and the result stays where Location says."""
    key = house.new_key()
    path = shrink(house, key)
    answer = house.client.post(path, json={"resize": {"method": "fit", "width": 60, "height": 60}}, auth=("api", key))
    assert answer.status_code == 200
    assert size_of(answer.content) == (60, 40)
    assert (answer.headers["Image-Width"], answer.headers["Image-Height"]) == ("60", "40")
    assert answer.headers["Compression-Count"] == "2"
    again = house.client.get(answer.headers["Location"], auth=("api", key))
    assert again.content == answer.content
    assert again.headers["Compression-Count"] == "2"


@pytest.mark.parametrize("body", ["{}", "", '{"resize": null, "convert": null}'])
def test_nothing_asked_is_a_download(house: House, body: str) -> None:
    """An empty object, or one of nulls, is the plain download, uncounted."""
    key = house.new_key()
    path = shrink(house, key)
    answer = house.client.post(path, content=body, headers={"Content-Type": "application/json"}, auth=("api", key))
    assert answer.content == house.client.get(path, auth=("api", key)).content
    assert answer.headers["Compression-Count"] == "1"


def test_get_with_a_body_is_an_operation(house: House) -> None:
    """Older clients send operations as a GET with a JSON body: answered as the same POST."""
    key = house.new_key()
    path = shrink(house, key)
    body = json.dumps({"resize": {"method": "scale", "width": 30}})
    headers = {"Content-Type": "application/json"}
    answer = house.client.request("GET", path, content=body, headers=headers, auth=("api", key))
    assert answer.status_code == 200
    assert size_of(answer.content) == (30, 20)
    assert answer.headers["Compression-Count"] == "2"
    assert len(answer.headers.get_list("X-Request-Id")) == 1


@pytest.mark.parametrize("body", ["{}", "[1]", "no json", "null"])
def test_get_with_another_body_is_a_download(house: House, body: str) -> None:
    """A GET whose body asks for nothing is a download."""
    key = house.new_key()
    path = shrink(house, key)
    answer = house.client.request("GET", path, content=body, auth=("api", key))
    assert answer.headers["Compression-Count"] == "1"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("image/webp", "image/webp"),
        ("image/png", "image/png"),
        ("image/jpg", "image/jpeg"),
        (["image/png"], "image/png"),
    ],
)
def test_convert(house: House, asked: object, expected: str) -> None:
    """A conversion gives the type that was named."""
    key = house.new_key()
    answer = house.client.post(shrink(house, key), json={"convert": {"type": asked}}, auth=("api", key))
    assert answer.headers["Content-Type"] == expected


def test_smallest_of_several_wins(house: House) -> None:
    """Of several types the smallest result wins, and a wildcard means all."""
    key = house.new_key(plan="paid")
    path = shrink(house, key)
    sizes = {}
    for image_format in OUTPUT_FORMATS:
        answer = house.client.post(path, json={"convert": {"type": image_format.media_type}}, auth=("api", key))
        sizes[answer.headers["Content-Type"]] = len(answer.content)
        house.services.accounts.grant(house.account_of(key), f"p{image_format}", 2, house.clock(), house.services.plans)
        house.clock.now_ms += 1000
    wildcard = house.client.post(path, json={"convert": {"type": "*/*"}}, auth=("api", key))
    assert wildcard.headers["Content-Type"] == min(sizes, key=lambda kind: sizes[kind])


def test_transparent_to_jpeg(house: House) -> None:
    """A transparent image to JPEG needs a background; in a list that type is skipped; a background alone fills."""
    key = house.new_key()
    path = shrink(house, key, GRAPHIC_PNG)
    refused = house.client.post(path, json={"convert": {"type": "image/jpeg"}}, auth=("api", key))
    assert (refused.status_code, refused.json()["error"]) == (400, "BadRequest")
    listed = house.client.post(path, json={"convert": {"type": ["image/jpeg", "image/png"]}}, auth=("api", key))
    assert listed.headers["Content-Type"] == "image/png"
    filled = house.client.post(path, json={"transform": {"background": "#ff0000"}}, auth=("api", key))
    assert filled.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(filled.content)).convert("RGBA").getchannel("A").getextrema() == (255, 255)


def test_operations_merge(house: House) -> None:
    """An operation on a derived result applies to the original, with the earlier operations; the later one wins."""
    key = house.new_key(plan="paid")
    path = shrink(house, key)
    first = {"resize": {"method": "scale", "width": 90}, "convert": {"type": "image/webp"}}
    derived = house.client.post(path, json=first, auth=("api", key)).headers["Location"]
    second = house.client.post(derived, json={"resize": {"method": "scale", "width": 150}}, auth=("api", key))
    assert size_of(second.content) == (150, 100)
    assert second.headers["Content-Type"] == "image/webp"


def test_quality_of_the_upload_holds(house: House) -> None:
    """The quality that the upload was compressed with holds for what is derived from it."""
    key, resize = house.new_key(), {"resize": {"method": "scale", "width": 200}}
    house.services.accounts.grant(house.account_of(key), "p", 9, house.clock(), house.services.plans)
    low = house.client.post(shrink(house, key, query="?quality=20"), json=resize, auth=("api", key))
    high = house.client.post(shrink(house, key, query="?quality=95"), json=resize, auth=("api", key))
    assert len(low.content) < len(high.content)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("[]", "`body`"),
        ("{", "not valid JSON"),
        ('{"rezise": {}}', "'rezise'"),
        ('{"resize": []}', "`resize`"),
        ('{"resize": {"method": "squeeze", "width": 5}}', "`resize.method`"),
        ('{"resize": {"width": 5}}', "`resize.method`"),
        ('{"resize": {"method": "scale"}}', "exactly one"),
        ('{"resize": {"method": "scale", "width": 5, "height": 5}}', "exactly one"),
        ('{"resize": {"method": "fit", "width": 5}}', "both"),
        ('{"resize": {"method": "fit", "width": 0, "height": 5}}', "`resize.width`"),
        ('{"resize": {"method": "fit", "width": 5, "height": 16384}}', "`resize.height`"),
        ('{"resize": {"method": "scale", "width": true}}', "`resize.width`"),
        ('{"resize": {"method": "scale", "width": 1.5}}', "`resize.width`"),
        ('{"resize": {"method": "scale", "width": 5, "depth": 1}}', "'depth'"),
        ('{"convert": {}}', "`convert.type`"),
        ('{"convert": {"type": []}}', "empty"),
        ('{"convert": {"type": "image/bmp"}}', "'image/bmp'"),
        ('{"convert": {"type": ["image/png", 7]}}', "7"),
        ('{"preserve": "copyright"}', "`preserve`"),
        ('{"preserve": ["author"]}', "'author'"),
        ('{"preserve": [["copyright"]]}', "`preserve`"),
        ('{"transform": {"background": "red"}}', "`transform.background`"),
        ('{"transform": {"background": 7}}', "`transform.background`"),
    ],
)
def test_bad_operations(house: House, body: str, named: str) -> None:
    """What cannot be meant is a 400 that names the field and what it takes, and costs nothing."""
    key = house.new_key()
    path = shrink(house, key)
    answer = house.client.post(path, content=body, auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")
    assert named in answer.json()["message"]
    assert answer.headers["Compression-Count"] == "1"


@pytest.mark.parametrize(
    "body", ['{"resize": {"method": "thumb", "width": 5, "height": 5}}', '{"store": {"service": "s3"}}']
)
def test_not_offered(house: House, body: str) -> None:
    """Smart thumbnails and storing elsewhere are documented and not offered: 501."""
    key = house.new_key()
    answer = house.client.post(shrink(house, key), content=body, auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (501, "NotImplemented")


def test_rights(house: House) -> None:
    """Only the account's own key derives: no key and a link are 401, another account sees nothing there."""
    path, body = shrink(house, house.new_key()), {"resize": {"method": "scale", "width": 5}}
    assert house.client.post(path, json=body).status_code == 401
    answer = house.client.post(path, json=body, auth=("api", house.new_key()))
    assert answer.json()["error"] == "OutputExpired"
    assert house.client.post("/output/none", json=body, auth=("api", house.new_key())).json()["error"] == "NotFound"


def test_original_gone(house: House) -> None:
    """When the original is past its lifetime, what was derived from it later can be downloaded but not worked on."""
    key = house.new_key()
    path, resize = shrink(house, key), {"resize": {"method": "scale", "width": 50}}
    house.clock.now_ms += house.settings.result_ttl_s * 1000 - 1000
    derived = house.client.post(path, json=resize, auth=("api", key)).headers["Location"]
    house.clock.now_ms += 1000
    assert house.client.get(derived, auth=("api", key)).status_code == 200
    answer = house.client.post(derived, json=resize, auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (404, "OutputExpired")
