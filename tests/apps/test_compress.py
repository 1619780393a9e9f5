"""POST /v1/compress through the app."""

import pytest

from minipic.domain.keys import Environment
from tests.apps.conftest import House
from tests.pictures import graphic_png, photo_jpeg

LOGO_PNG = graphic_png()
PHOTO_JPEG = photo_jpeg()


def test_answer(house: House) -> None:
    """The bytes come back at once, with the sizes, the ratio and the account's standing in the headers."""
    answer = house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", house.new_key()))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Input-Size"] == str(len(PHOTO_JPEG))
    assert answer.headers["X-Output-Size"] == str(len(answer.content))
    assert answer.headers["X-Ratio"] == f"{len(answer.content) / len(PHOTO_JPEG):.4f}"
    assert answer.headers["Compression-Count"] == "1"
    assert int(answer.headers["Image-Width"]) > 0
    assert float(answer.headers["X-Quality-Score"]) >= 80


def test_the_score_of_identical_pixels(house: House) -> None:
    """Without loss the score is 100."""
    answer = house.client.post("/v1/compress?quality=lossless", content=LOGO_PNG, auth=("api", house.new_key()))
    assert answer.headers["X-Quality-Score"] == "100.00"


@pytest.mark.parametrize(
    ("asked", "media_type", "begins"),
    [
        ("keep", "image/jpeg", b"\xff\xd8"),
        ("webp", "image/webp", b"RIFF"),
        ("png", "image/png", b"\x89PNG"),
        ("jpg", "image/jpeg", b"\xff\xd8"),
    ],
)
def test_formats(house: House, asked: str, media_type: str, begins: bytes) -> None:
    """The result is in the format that was asked for, in its type and in its bytes."""
    answer = house.client.post(f"/v1/compress?format={asked}", content=PHOTO_JPEG, auth=("api", house.new_key()))
    assert answer.headers["Content-Type"] == media_type
    assert answer.content.startswith(begins)


def test_numbers_rise(house: House) -> None:
    """A higher number gives a larger file."""
    key = house.new_key()
    sizes = [
        len(house.client.post(f"/v1/compress?quality={number}", content=PHOTO_JPEG, auth=("api", key)).content)
        for number in (20, 60, 95)
    ]
    assert sizes == sorted(set(sizes))


@pytest.mark.parametrize("query", ["quality=0", "quality=best", "format=exe", "background=red"])
def test_bad_parameters(house: House, query: str) -> None:
    """A parameter out of range is a 400 that names it, and counts nothing, not even as a request of the rate."""
    key = house.new_key()
    answer = house.client.post(f"/v1/compress?{query}", content=PHOTO_JPEG, auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")
    assert f"`{query.partition('=')[0]}`" in answer.json()["message"]
    assert answer.headers["X-RateLimit-Remaining"] == "20"


def test_transparent_to_jpeg(house: House) -> None:
    """A transparent image becomes a JPEG only over a background; without one it is a 400 that says so, uncounted."""
    key = house.new_key()
    refused = house.client.post("/v1/compress?format=jpeg", content=LOGO_PNG, auth=("api", key))
    assert refused.status_code == 400
    assert "background" in refused.json()["message"]
    filled = house.client.post("/v1/compress?format=jpeg&background=%23ffffff", content=LOGO_PNG, auth=("api", key))
    assert filled.status_code == 200
    assert filled.headers["Compression-Count"] == "1"


def test_nothing_is_stored(house: House) -> None:
    """A result that fits one response is kept nowhere."""
    house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", house.new_key()))
    assert not [path for path in (house.settings.data_folder / "results").rglob("*") if path.is_file()]


def test_more_than_a_response_carries(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A result above what one response carries is a redirect to the storage, with the same headers, counted once."""
    key = house.new_key()
    results = house.services.results
    monkeypatch.setattr(type(results), "presign", lambda *_: "https://bucket.example/presigned")
    object.__setattr__(house.services, "max_response_bytes", 10)
    answer = house.client.post("/v1/compress", content=PHOTO_JPEG, auth=("api", key), follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "https://bucket.example/presigned")
    assert int(answer.headers["X-Output-Size"]) > 10
    assert answer.headers["Compression-Count"] == "1"


def test_sandbox_is_under_the_free_plans_size(house: House) -> None:
    """A sandbox key is held to the free plan's size, also on a paid account."""
    key = house.new_key(environment=Environment.TEST, plan="paid")
    answer = house.client.post("/v1/compress", content=PHOTO_JPEG + bytes(2 * 1024**2), auth=("api", key))
    assert answer.status_code == 413
