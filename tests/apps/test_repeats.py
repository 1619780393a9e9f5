"""Idempotency-Key on the three routes that do work, through the app."""

from dataclasses import dataclass

import pytest
from httpx2 import Response

from minipic.domain.account import Status
from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.domain.keys import Environment
from minipic.errors import DecodeError
from minipic.service.administration import create_key
from tests.apps.conftest import House, MakeHouse
from tests.pictures import graphic_png, photo_jpeg

PHOTO_JPEG = photo_jpeg(60, 40)
OTHER_JPEG = photo_jpeg(60, 40, seed=9)
REPEAT_KEY = "order-17/thumbnail"
DAY_MS = 86_400_000
CURRENT = ("Compression-Count", "Compression-Count-Remaining", "X-RateLimit-Remaining", "X-RateLimit-Reset")


@dataclass
class Client:
    """Sends the requests of one route with one key; ``other`` asks for something else than usual."""

    house: House
    route: str
    key: str
    path: str = ""
    charged_before: int = 0

    def ask(self, repeat_key: str | None = REPEAT_KEY, *, other: bool = False, key: str = "") -> Response:
        """Send the request."""
        headers = [] if repeat_key is None else [(b"Idempotency-Key", repeat_key.encode())]
        auth = ("api", key or self.key)
        if self.route in ("POST", "GET"):
            body = {"resize": {"method": "scale", "width": 20 if other else 30}}
            return self.house.client.request(self.route, self.path, json=body, headers=headers, auth=auth)
        content = OTHER_JPEG if other else PHOTO_JPEG
        return self.house.client.post(self.route, content=content, headers=headers, auth=auth)

    def counted(self) -> int:
        """Return how many images the account was charged since the client was made."""
        account = self.house.services.accounts.read(self.house.account_of(self.key))
        return sum(account.images.values()) - self.charged_before


ROUTES = ("/shrink", "/v1/compress", "POST", "GET")


def make_client(house: House, route: str, plan: str = "free") -> Client:
    """Return a client of a new account; one that works on a result has one."""
    client = Client(house, route, house.new_key(plan=plan))
    if route in ("POST", "GET"):
        first = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", client.key))
        client.path, client.charged_before = first.headers["Location"], 1
    return client


@pytest.fixture(params=ROUTES)
def client(request: pytest.FixtureRequest, house: House) -> Client:
    return make_client(house, request.param)


def told(answer: Response) -> tuple[int, bytes, dict[str, str]]:
    """Return what has to be the same in an answer and in the answer to its repeat."""
    changing = {name.lower() for name in (*CURRENT, "X-Request-Id", "Date")}
    return answer.status_code, answer.content, {n: v for n, v in answer.headers.items() if n not in changing}


def test_the_first_answer_again(client: Client) -> None:
    """A repeat gets the same status, headers and bytes, and is not counted; the counts are those of now."""
    first = client.ask()
    client.house.clock.now_ms += 5000
    client.ask("another-key", other=True)
    client.house.clock.now_ms += 5000
    again = client.ask()
    assert first.is_success
    assert told(again) == told(first)
    assert client.counted() == 2
    assert int(again.headers["Compression-Count"]) == int(first.headers["Compression-Count"]) + 1


def test_it_is_the_same_answer_as_without(client: Client) -> None:
    """The header changes nothing of an answer but the result's id and token."""
    plain, repeatable = client.ask(None), client.ask()
    assert repeatable.status_code == plain.status_code
    assert repeatable.headers.keys() == plain.headers.keys()
    if client.route == "/shrink":
        assert repeatable.json()["input"] == plain.json()["input"]
        assert repeatable.json()["output"].keys() == plain.json()["output"].keys()
    else:
        assert repeatable.content == plain.content


def test_a_repeated_shrink_leads_to_the_result(house: House) -> None:
    """The link of a repeated answer opens the result, without a key."""
    client = make_client(house, "/shrink")
    client.ask()
    output = client.ask().json()["output"]
    assert len(house.client.get(output["url"]).content) == output["size"]


def test_another_request_with_the_key(client: Client) -> None:
    """The same key with another body is a conflict, uncounted, and leaves the first answer as it is."""
    first = client.ask()
    conflict = client.ask(other=True)
    assert (conflict.status_code, conflict.json()["error"]) == (409, "IdempotencyConflict")
    assert "Compression-Count" in conflict.headers
    assert "Retry-After" not in conflict.headers
    assert told(client.ask()) == told(first)
    assert client.counted() == 1


def test_the_same_key_on_another_route(house: House) -> None:
    """The same image and key on another route, or with other options, is a conflict."""
    client = make_client(house, "/shrink")
    client.ask()
    for path in ("/v1/compress", "/shrink?quality=50", "/shrink?format=webp"):
        answer = house.client.post(
            path, content=PHOTO_JPEG, headers={"Idempotency-Key": REPEAT_KEY}, auth=("api", client.key)
        )
        assert answer.json()["error"] == "IdempotencyConflict"


def test_what_means_the_same_is_the_same(house: House) -> None:
    """Options that are spelled differently and mean the same make a repeat, and so does a form around the image."""
    client = make_client(house, "/v1/compress")
    headers, auth = {"Idempotency-Key": REPEAT_KEY}, ("api", client.key)
    first = house.client.post("/v1/compress?format=jpg", content=PHOTO_JPEG, headers=headers, auth=auth)
    form = {"file": ("photo.jpg", PHOTO_JPEG)}
    again = house.client.post("/v1/compress?quality=smart&format=jpeg", files=form, headers=headers, auth=auth)
    assert told(again) == told(first)
    assert client.counted() == 1


def test_a_post_and_an_older_clients_get_are_the_same(house: House) -> None:
    """An operation sent as POST and repeated as GET with a JSON body, with or without an extension, is one request."""
    client = make_client(house, "POST")
    first = client.ask()
    client.route, client.path = "GET", f"{client.path}.png"
    assert told(client.ask()) == told(first)
    assert client.counted() == 1


def test_accounts_do_not_share_keys(client: Client) -> None:
    """Another account's request with the same key is its own: worked on and counted there."""
    client.ask()
    other = make_client(client.house, client.route)
    assert other.ask().is_success
    assert (client.counted(), other.counted()) == (1, 1)


def test_keys_of_one_account_share(client: Client) -> None:
    """A repeat may come by another API key of the same account."""
    first = client.ask()
    second_key = create_key(client.house.services, client.house.account_of(client.key), "k2", Environment.LIVE).text
    assert told(client.ask(key=second_key)) == told(first)
    assert client.counted() == 1


def test_a_day_later(client: Client) -> None:
    """24 hours after the first request the key is free: the request is worked on and counted again."""
    first = client.ask()
    client.house.clock.now_ms += DAY_MS - 1
    assert told(client.ask()) == told(first)
    client.house.clock.now_ms += 1
    later = client.ask()
    if client.route in ("POST", "GET"):
        assert later.json()["error"] == "OutputExpired"  # so is what it was to be made from
    else:
        assert later.status_code == first.status_code
        assert client.counted() == 2


@pytest.mark.parametrize("route", ROUTES)
def test_the_last_image(make_house: MakeHouse, route: str) -> None:
    """When nothing is left a repeat is answered all the same; anything else meets the limit."""
    client = make_client(make_house(), route)
    first = client.ask()
    while client.ask(None).is_success:
        pass
    assert told(client.ask()) == told(first)
    for refused in (client.ask(None), client.ask("another-key"), client.ask(other=True)):
        assert refused.json()["error"] == "AccountLimitReached"


@dataclass
class Failing:
    """An engine that cannot, as long as it is told so."""

    fails: bool = True

    def sniff(self, data: bytes) -> ImageFormat:
        return ImageFormat.JPEG

    def compress(self, data: bytes, options: Options) -> Compressed:
        if self.fails:
            raise DecodeError
        return Compressed(b"small", ImageFormat.WEBP, 4, 3)

    def start(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


@pytest.mark.parametrize("route", ROUTES)
def test_a_failure_is_not_remembered(make_house: MakeHouse, route: str) -> None:
    """A request that was refused leaves the key free: its repeat is worked on, also with another body."""
    engine = Failing(fails=False)
    client = make_client(make_house(used_engine=engine), route)
    engine.fails = True
    assert client.ask().json()["error"] == "DecodeError"
    engine.fails = False
    assert client.ask(other=True).is_success
    assert client.ask().json()["error"] == "IdempotencyConflict"
    assert client.counted() == 1


def test_bytes_that_are_no_image(house: House) -> None:
    """What is refused before the work begins takes no key."""
    client, headers = make_client(house, "/shrink"), {"Idempotency-Key": REPEAT_KEY}
    for content in (b"", b"no image", graphic_png()[:40]):
        assert house.client.post("/shrink", content=content, headers=headers, auth=("api", client.key)).is_client_error
    assert client.ask().status_code == 201


@pytest.mark.parametrize("bad", ["", "two words", "k" * 256, "schlüssel", "tab\there"])
def test_a_key_that_is_none(client: Client, bad: str) -> None:
    """A key is 1 to 255 visible ASCII characters; any other is refused by name and not repeated in the message."""
    answer = client.ask(bad)
    assert (answer.status_code, answer.json()["error"]) == (400, "BadRequest")
    assert "`Idempotency-Key`" in answer.json()["message"]
    assert not bad or bad not in answer.text
    assert client.counted() == 0


@pytest.mark.parametrize("good", ["k", "k" * 255, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"])
def test_keys_at_the_edge(house: House, good: str) -> None:
    """The shortest and the longest key, and every mark there is, are keys."""
    client = make_client(house, "/shrink")
    assert told(client.ask(good)) == told(client.ask(good))


def test_who_may_not_ask_gets_no_answer_again(client: Client) -> None:
    """A suspended account's repeat is refused as everything else."""
    client.ask()
    client.house.services.accounts.set_status(client.house.account_of(client.key), Status.SUSPENDED)
    assert client.ask().json()["error"] == "AccountSuspended"


def test_a_download_takes_no_key(house: House) -> None:
    """An empty operation is a download: the header changes nothing, however often it is sent."""
    client = make_client(house, "POST")
    answers = [
        house.client.post(client.path, json={}, headers={"Idempotency-Key": REPEAT_KEY}, auth=("api", client.key))
        for _ in range(2)
    ]
    assert answers[0].content == answers[1].content
    assert client.ask().is_success
    assert client.counted() == 1
