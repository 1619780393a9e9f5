"""POST /shrink through the app."""

import pytest

from minipic.domain.account import Plan, Status
from minipic.domain.keys import Environment
from minipic.errors import DecodeError
from minipic.settings import MIB, LinkMode
from tests.apps.conftest import SMALL_PLANS, House, InterruptedEngine, MakeHouse
from tests.pictures import photo_jpeg, truncated_jpeg

PHOTO_JPEG = photo_jpeg()
TRUNCATED_JPEG = truncated_jpeg()


def test_answer(house: House) -> None:
    """The answer tells both sizes and types, the picture's size, and where the result is."""
    key = house.new_key()
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key))
    body = answer.json()
    assert answer.status_code == 201
    assert body["input"] == {"size": len(PHOTO_JPEG), "type": "image/jpeg"}
    output = body["output"]
    assert output["size"] < len(PHOTO_JPEG)
    assert output["type"] == "image/jpeg"
    assert output["ratio"] == round(output["size"] / len(PHOTO_JPEG), 4)
    assert 80 <= output["score"] <= 100
    assert (str(output["width"]), str(output["height"])) == (
        answer.headers["Image-Width"],
        answer.headers["Image-Height"],
    )
    assert output["expires_at"].endswith("Z")
    assert output["url"].startswith(f"http://testserver{answer.headers['Location']}?link=")


def test_location_under_https(make_house: MakeHouse) -> None:
    """Under a public https address Location is absolute; under http it is relative."""
    house: House = make_house(public_url="https://img.example.com/v")
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", house.new_key()))
    assert answer.headers["Location"].startswith("https://img.example.com/v/output/")
    assert answer.json()["output"]["url"].startswith("https://img.example.com/v/output/")


@pytest.mark.parametrize(("mode", "in_location", "in_url"), [("location", True, True), ("off", False, False)])
def test_link_modes(make_house: MakeHouse, mode: str, in_location: bool, in_url: bool) -> None:
    """The link token is in output.url by default, in Location as well, or nowhere: as the operator wants."""
    house: House = make_house(link_mode=LinkMode(mode))
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", house.new_key()))
    assert ("link=" in answer.headers["Location"]) is in_location
    assert ("link=" in answer.json()["output"]["url"]) is in_url


def test_format_and_quality(house: House) -> None:
    """The query may ask for a format and a quality."""
    answer = house.client.post("/shrink?format=webp&quality=30", content=PHOTO_JPEG, auth=("api", house.new_key()))
    assert answer.json()["output"]["type"] == "image/webp"


def test_count_goes_up_by_one(house: House) -> None:
    """One success counts one image, on the account and in the headers."""
    key = house.new_key()
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key))
    assert answer.headers["Compression-Count"] == "1"
    assert answer.headers["Compression-Count-Remaining"] == "2"
    assert house.services.accounts.read(house.account_of(key)).seq == 1


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        (b"", 400, "InputMissing"),
        (b"hello", 415, "UnsupportedMediaType"),
        (b"GIF89a" + bytes(100), 422, "DecodeError"),
        (TRUNCATED_JPEG, 422, "DecodeError"),
        (PHOTO_JPEG + bytes(2 * MIB), 413, "PayloadTooLarge"),
    ],
)
def test_refusals_are_free(house: House, content: bytes, status: int, error: str) -> None:
    """What cannot be compressed is refused by its code, counts nothing, and leaves no place taken."""
    key = house.new_key()
    answer = house.client.post("/shrink", content=content, auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    account = house.services.accounts.read(house.account_of(key))
    assert account.seq == 0
    assert all(not stored.leases for stored in account.keys.values())
    assert answer.headers["Compression-Count"] == "0"


def test_limit_in_the_message_is_the_plans(house: House) -> None:
    """A 413 names the limit of the plan that was hit, and what other plans allow."""
    answer = house.client.post("/shrink", content=PHOTO_JPEG + bytes(2 * MIB), auth=("api", house.new_key()))
    assert "2 MB" in answer.json()["message"]
    assert "4 MB" in answer.json()["message"]
    paid = house.client.post("/shrink", content=PHOTO_JPEG + bytes(4 * MIB), auth=("api", house.new_key(plan="paid")))
    assert paid.json()["max_bytes"] == 4 * MIB
    assert "Other plans" not in paid.json()["message"]


def test_new_plan_counts_at_once(house: House) -> None:
    """A larger plan bought a moment ago holds for the next request, whatever the process remembers."""
    key, image = house.new_key(), PHOTO_JPEG + bytes(2 * MIB)
    assert house.client.post("/shrink", content=image, auth=("api", key)).status_code == 413
    house.services.accounts.grant(house.account_of(key), "p", 5, house.clock(), house.services.plans)
    assert house.client.post("/shrink", content=image, auth=("api", key)).status_code == 201


def test_smaller_plan_counts_at_admission(house: House) -> None:
    """A smaller plan holds as soon as the account is read, also where the process remembers the larger one."""
    key, image = house.new_key(plan="paid"), PHOTO_JPEG + bytes(2 * MIB)
    assert house.client.post("/shrink", content=image, auth=("api", key)).status_code == 201
    house.services.accounts.set_plan(house.account_of(key), house.services.plans.free)
    assert house.client.post("/shrink", content=image, auth=("api", key)).status_code == 413
    assert house.services.accounts.read(house.account_of(key)).seq == 1


def test_quota(house: House) -> None:
    """With nothing left: 429 with the words that clients search for and where to buy, and no Retry-After."""
    key = house.new_key()
    for _ in range(3):
        assert house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key)).status_code == 201
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (429, "AccountLimitReached")
    assert "Your monthly limit has been exceeded" in answer.json()["message"]
    assert answer.json()["upgrade_url"] == "http://testserver/"
    assert "Retry-After" not in answer.headers
    assert answer.headers["Compression-Count-Remaining"] == "0"


def test_sandbox(house: House) -> None:
    """A sandbox key runs the real pipeline, counts nothing, and stops at the free plan's number."""
    key = house.new_key(environment=Environment.TEST)
    for _ in range(3):
        answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key))
        assert answer.status_code == 201
        assert answer.headers["Compression-Count"] == "0"
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key))
    assert "sandbox" in answer.json()["message"]


def test_disabled_key_and_suspended_account(house: House) -> None:
    """A disabled key is the same 401 as any; a suspended account is told so, with the operator's contact."""
    key = house.new_key()
    account_id = house.account_of(key)
    house.services.accounts.set_status(account_id, Status.SUSPENDED)
    suspended = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key))
    assert (suspended.status_code, suspended.json()["error"]) == (403, "AccountSuspended")
    key_id = next(iter(house.services.accounts.read(account_id).keys))
    house.services.accounts.set_key_enabled(account_id, key_id, False)
    for content in (PHOTO_JPEG, b"", b"no image"):
        disabled = house.client.post("/shrink", content=content, auth=("api", key))
        assert disabled.status_code == 401
        assert "Compression-Count" not in disabled.headers


def test_suspended_account_learns_whom_to_ask(make_house: MakeHouse) -> None:
    """Where the operator set a contact, a suspended account is told it."""
    house: House = make_house(support_contact="help@example.com")
    key = house.new_key()
    house.services.accounts.set_status(house.account_of(key), Status.SUSPENDED)
    assert "help@example.com" in house.client.post("/shrink", content=b"", auth=("api", key)).json()["message"]


def test_last_image_taken_meanwhile(make_house: MakeHouse) -> None:
    """When another request takes the last image during the work, the result is deleted and refused."""

    def take_the_rest() -> None:
        house.services.accounts.set_plan(next(iter(house.keys.values())), house.services.plans.named("none"))

    plans = {**SMALL_PLANS, "none": Plan("none", free_images=0, max_bytes=MIB)}
    house: House = make_house(InterruptedEngine(take_the_rest), plans=plans)
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", house.new_key()))
    assert answer.json()["error"] == "AccountLimitReached"
    folder = house.settings.data_folder / "results"
    assert not [path for path in folder.rglob("*") if path.is_file()]


def test_fault_is_not_told(make_house: MakeHouse) -> None:
    """A fault of ours is a 500 with a request id and none of the exception's text; nothing is counted."""

    def fail() -> None:
        raise RuntimeError("secret detail")

    house: House = make_house(InterruptedEngine(fail))
    key = house.new_key()
    answer = house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key), headers={"X-Request-Id": "request-77"})
    assert (answer.status_code, answer.json()["error"]) == (500, "InternalServerError")
    assert answer.json()["request_id"] == "request-77"
    assert answer.headers["Compression-Count"] == "0"
    assert "secret" not in answer.text
    account = house.services.accounts.read(house.account_of(key))
    assert (account.seq, account.keys[next(iter(account.keys))].leases) == (0, {})


def test_engine_refusal_releases(make_house: MakeHouse) -> None:
    """A refusal from the engine gives the place back."""

    def refuse() -> None:
        raise DecodeError

    house: House = make_house(InterruptedEngine(refuse))
    key = house.new_key()
    for _ in range(5):
        assert house.client.post("/shrink", content=PHOTO_JPEG, auth=("api", key)).status_code == 422
    account = house.services.accounts.read(house.account_of(key))
    assert account.keys[next(iter(account.keys))].leases == {}
