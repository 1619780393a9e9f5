"""GET and HEAD /output/{id} through the app."""

import pytest

from minipic.domain.identifiers import make_result_id
from minipic.settings import LinkMode
from tests.apps.conftest import House, MakeHouse
from tests.pictures import photo_jpeg

PHOTO_JPEG = photo_jpeg()


def shrink(house: House, key: str) -> tuple[str, str]:
    """Return the path and the link of a new result."""
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key))
    return answer.headers["Location"], answer.json()["output"]["url"]


def test_with_the_key(house: House) -> None:
    """The account's key downloads the result with its exact length and type, and learns where the account stands."""
    key = house.new_key()
    path, _ = shrink(house, key)
    answer = house.client.get(path, auth=("api", key))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["Compression-Count"] == "1"


def test_with_the_link(house: House) -> None:
    """The link opens the result without a key, and says nothing of the account."""
    _, url = shrink(house, house.new_key())
    answer = house.client.get(url)
    assert answer.status_code == 200
    assert answer.content[:2] == b"\xff\xd8"
    assert "Compression-Count" not in answer.headers


def test_head(house: House) -> None:
    """HEAD answers as GET does, without the bytes."""
    _, url = shrink(house, house.new_key())
    head, get = house.client.head(url), house.client.get(url)
    assert head.content == b""
    changing = {"date", "x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in get.headers.items() if k not in changing
    }


def test_another_extension(house: House) -> None:
    """A file extension behind the id is ignored."""
    key = house.new_key()
    path, _ = shrink(house, key)
    assert house.client.get(f"{path}.jpg", auth=("api", key)).status_code == 200


def test_downloads_are_free(house: House) -> None:
    """Downloading counts nothing, however often."""
    key = house.new_key()
    path, _ = shrink(house, key)
    for _ in range(3):
        assert house.client.get(path, auth=("api", key)).headers["Compression-Count"] == "1"


@pytest.mark.parametrize("query", ["", "?link=", "?link=wrong"])
def test_without_a_right(house: House, query: str) -> None:
    """No key and no link, or a wrong link: 401."""
    path, _ = shrink(house, house.new_key())
    assert house.client.get(path + query).status_code == 401


def test_bad_key_beside_a_good_link(house: House) -> None:
    """An invalid key is 401 even beside a good link."""
    _, url = shrink(house, house.new_key())
    assert house.client.get(url, auth=("api", "wrong")).status_code == 401


def test_foreign_key(house: House) -> None:
    """Another account's key sees the same as for a result that never was; with the link it gets the image."""
    path, url = shrink(house, house.new_key())
    other = house.new_key()
    answer = house.client.get(path, auth=("api", other))
    assert (answer.status_code, answer.json()["error"]) == (404, "OutputExpired")
    assert house.client.get(url, auth=("api", other)).status_code == 200


def test_links_off(make_house: MakeHouse) -> None:
    """Where links are off, nothing but the key opens a result: not even an empty link."""
    house = make_house(link_mode=LinkMode.OFF)
    key = house.new_key()
    path, _ = shrink(house, key)
    assert house.client.get(f"{path}?link=").status_code == 401
    assert house.client.get(path, auth=("api", key)).status_code == 200


def test_expiry(house: House) -> None:
    """A result is there until its lifetime ends, to the millisecond, for key and link alike."""
    key = house.new_key()
    path, url = shrink(house, key)
    house.clock.now_ms += house.settings.result_ttl_s * 1000 - 1
    assert house.client.get(path, auth=("api", key)).status_code == 200
    house.clock.now_ms += 1
    for answer in (house.client.get(path, auth=("api", key)), house.client.get(url)):
        assert (answer.status_code, answer.json()["error"]) == (404, "OutputExpired")


def test_unknown_and_malformed(house: House) -> None:
    """A well-formed unknown id is OutputExpired; what never was an id is NotFound."""
    key = house.new_key()
    unknown = make_result_id(house.clock(), bytes(14))
    assert house.client.get(f"/output/{unknown}", auth=("api", key)).json()["error"] == "OutputExpired"
    assert house.client.get("/output/..%2fsecret", auth=("api", key)).status_code == 404
    assert house.client.get("/output/nothing", auth=("api", key)).json()["error"] == "NotFound"


def test_more_than_a_response_carries(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result above what one response carries is a redirect to where the storage hands it out."""
    house = make_house()
    key = house.new_key()
    path, _ = shrink(house, key)
    results = house.services.results
    monkeypatch.setattr(type(results), "presign", lambda *_: "https://bucket.example/presigned")
    object.__setattr__(house.services, "max_response_bytes", 10)
    answer = house.client.get(path, auth=("api", key), follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://bucket.example/presigned")
    assert house.client.head(path, auth=("api", key)).status_code == 200
