"""OPTIONS, and browsers of other origins."""

import pytest

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.service import Engine
from tests.apps.conftest import House, MakeHouse
from tests.apps.test_lambda import call, read_event
from tests.pictures import tiny_png

OURS, THEIRS = "https://app.example.com", "https://other.example.com"
PREFLIGHT = {"Origin": OURS, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


def cors_names(headers: object) -> set[str]:
    """Return the names of the headers that are about other origins."""
    return {str(name) for name in headers if str(name).startswith("access-control-")}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/shrink", "OPTIONS, POST"),
        ("/output/anything", "GET, HEAD, OPTIONS, POST"),
        ("/v1/compress", "OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ],
)
def test_options_names_the_methods(house: House, path: str, allowed: str) -> None:
    """OPTIONS on a path that exists is 204 with what the path takes, over all functions, and needs no key."""
    answer = house.client.options(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(answer.headers["Allow"].split(", ")) == set(allowed.split(", "))


def test_options_of_nothing(house: House) -> None:
    """OPTIONS on a path that does not exist is 404."""
    assert house.client.options("/nothing").status_code == 404


def test_no_origin_is_told_anything_by_default(house: House) -> None:
    """Without configured origins no answer has a header about other origins, nor varies by them."""
    answers = [
        house.client.options("/shrink", headers=PREFLIGHT),
        house.client.post("/shrink", headers={"Origin": OURS}),
        house.client.get("/healthz", headers={"Origin": OURS}),
    ]
    assert [answer.status_code for answer in answers] == [204, 401, 200]
    for answer in answers:
        assert not cors_names(answer.headers)
        assert "Vary" not in answer.headers


def test_a_preflight_needs_no_key(make_house: MakeHouse) -> None:
    """A browser of a configured origin learns which methods and headers it may send, the key's among them."""
    house = make_house(cors_origins=(OURS, "https://third.example.com"))
    answer = house.client.options("/v1/compress", headers=PREFLIGHT)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == OURS
    assert "POST" in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert allowed == {"Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "X-Request-Id"}
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert answer.headers["Vary"] == "Origin"


def test_answers_can_be_read(make_house: MakeHouse) -> None:
    """Results and errors of a configured origin may be read, with every header that this service gives a meaning."""
    house = make_house(cors_origins=(OURS,))
    auth, headers = ("api", house.new_key()), {"Origin": OURS}
    done = house.client.post("/v1/compress", content=tiny_png(), auth=auth, headers=headers)
    refused = house.client.post("/v1/compress", auth=auth, headers=headers)
    unknown = house.client.post("/v1/compress", headers=headers)
    assert [done.status_code, refused.status_code, unknown.status_code] == [200, 400, 401]
    for answer in (done, refused, unknown):
        assert answer.headers["Access-Control-Allow-Origin"] == OURS
        exposed = set(answer.headers["Access-Control-Expose-Headers"].lower().split(", "))
        plain = {"content-length", "content-type", "date", "vary", "www-authenticate", "x-content-type-options"}
        assert set(answer.headers) - cors_names(answer.headers) - plain <= exposed


def test_another_origin_is_told_nothing(make_house: MakeHouse) -> None:
    """An origin that is not configured gets no permission; a cache is told that answers differ by origin."""
    house = make_house(cors_origins=(OURS,))
    for answer in (
        house.client.options("/shrink", headers=PREFLIGHT | {"Origin": THEIRS}),
        house.client.get("/healthz", headers={"Origin": THEIRS}),
        house.client.get("/healthz"),
    ):
        assert not cors_names(answer.headers)
        assert answer.headers["Vary"] == "Origin"


def test_every_origin(make_house: MakeHouse) -> None:
    """With * every origin may read, by the same answer for all."""
    house = make_house(cors_origins=("*",))
    for answer in (
        house.client.options("/shrink", headers=PREFLIGHT | {"Origin": THEIRS}),
        house.client.get("/healthz", headers={"Origin": THEIRS}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Vary" not in answer.headers
    assert not cors_names(house.client.get("/healthz").headers)


class BrokenEngine:
    """An engine with a fault."""

    def sniff(self, data: bytes) -> ImageFormat:
        raise RuntimeError

    def compress(self, data: bytes, options: Options) -> Compressed:
        raise RuntimeError

    def start(self) -> None: ...

    def close(self) -> None: ...


def test_a_fault_can_be_read(make_house: MakeHouse) -> None:
    """A 500 too may be read by a configured origin."""
    house = make_house(BrokenEngine(), cors_origins=(OURS,))
    answer = house.client.post("/shrink", content=tiny_png(), auth=("api", house.new_key()), headers={"Origin": OURS})
    assert answer.status_code == 500
    assert answer.headers["Access-Control-Allow-Origin"] == OURS


def test_on_lambda(make_house: MakeHouse, engine: Engine) -> None:
    """A function answers OPTIONS of its own paths as the server on one machine does, and needs no codec for it."""
    house = make_house(cors_origins=(OURS,))
    event = read_event("shrink") | {"httpMethod": "OPTIONS", "body": None, "isBase64Encoded": False}
    event["multiValueHeaders"] = {name: [value] for name, value in PREFLIGHT.items()}
    event["headers"] = PREFLIGHT
    answer = call("shrink", event, house, engine)
    assert answer["statusCode"] == 204
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert headers["allow"] == "OPTIONS, POST"
    assert headers["access-control-allow-origin"] == OURS
