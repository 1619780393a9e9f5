"""What happens to an account, a key or a pack while a request is in work."""

from collections.abc import Callable

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from minipic.domain.account import Plan, Status
from minipic.domain.keys import Environment
from minipic.domain.metering import LEASE_MS
from minipic.service import administration as admin
from minipic.settings import MIB
from tests.apps.conftest import SMALL_PLANS, House, InterruptedEngine, MakeHouse
from tests.pictures import tiny_png

Meanwhile = Callable[[House, str], object]


def shrink(client: TestClient, key: str) -> Response:
    return client.post("/shrink", content=tiny_png(), auth=("api", key))


def interrupted(make_house: MakeHouse, meanwhile: Meanwhile) -> tuple[House, str]:
    """Return the service and a key; ``meanwhile`` happens during that key's next request."""
    house: House = make_house(InterruptedEngine(lambda: meanwhile(house, key)))
    key = house.new_key(plan="paid")
    return house, key


@pytest.mark.parametrize(
    ("meanwhile", "next_status"),
    [
        (lambda house, key: admin.set_key_enabled(house.services, key, False), 401),
        (lambda house, key: admin.delete_key(house.services, key), 401),
        (lambda house, key: admin.rotate_key(house.services, key), 401),
        (lambda house, key: admin.delete_account(house.services, house.account_of(key)), 401),
        (lambda house, key: admin.set_status(house.services, house.account_of(key), Status.SUSPENDED), 403),
    ],
    ids=["key disabled", "key deleted", "key rotated", "account deleted", "account suspended"],
)
def test_work_in_flight_is_charged_and_answered(make_house: MakeHouse, meanwhile: Meanwhile, next_status: int) -> None:
    """Work that was admitted is answered and charged once, whatever happens to its key; the next request is refused."""
    house, key = interrupted(make_house, meanwhile)
    answer = shrink(house.client, key)
    assert answer.status_code == 201
    assert answer.headers["Compression-Count"] == "1"
    account = house.services.accounts.read(house.account_of(key))
    assert (account.seq, list(account.images.values())) == (1, [1])
    assert all(not each.leases for each in account.keys.values())
    assert shrink(house.client, key).status_code == next_status


def test_the_month_ends_during_the_work(make_house: MakeHouse) -> None:
    """Work that begins in one month and ends in the next is the next one's first image."""

    def midnight(house: House, key: str) -> None:
        house.clock.now_ms = 1_796_083_200_000  # 1 December

    house, key = interrupted(make_house, midnight)
    house.clock.now_ms = 1_796_083_200_000 - 1
    assert shrink(house.client, key).headers["Compression-Count"] == "1"
    assert house.services.accounts.read(house.account_of(key)).images == {202612: 1}


def test_work_that_outlives_its_place_is_not_charged(make_house: MakeHouse) -> None:
    """A request whose lease expired while it worked is 503 with Retry-After, uncharged, and leaves no result."""

    def too_long(house: House, key: str) -> None:
        house.clock.now_ms += LEASE_MS

    house, key = interrupted(make_house, too_long)
    answer = shrink(house.client, key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert house.services.accounts.read(house.account_of(key)).seq == 0
    folder = house.settings.data_folder
    assert not [path for name in ("results", "originals") for path in (folder / name).rglob("*") if path.is_file()]


def test_an_override_is_what_the_api_says(make_house: MakeHouse) -> None:
    """Size and rates of one account's own are enforced, told in the headers and shown by /v1/usage."""
    house = make_house()
    key = house.new_key()
    changes: dict[str, int | None] = {"max_bytes": 50, "rate_per_second": 1, "burst": 2, "concurrency": 1}
    admin.set_overrides(house.services, house.account_of(key), changes | {"free_images": 9})
    usage = house.client.get("/v1/usage", auth=("api", key))
    limits = usage.json()["limits"]
    assert {name: limits[name] for name in changes} == changes
    assert usage.json()["free"]["limit"] == 9
    assert usage.headers["X-RateLimit-Limit"] == "2"
    refused = shrink(house.client, key)
    assert (refused.status_code, refused.json()["max_bytes"]) == (413, 50)
    admin.set_overrides(house.services, house.account_of(key), {"max_bytes": None})
    assert [shrink(house.client, key).status_code for _ in range(3)] == [201, 201, 429]


def test_a_sandbox_key_stops_at_its_own_limit(make_house: MakeHouse) -> None:
    """Sandbox calls that were admitted together are not more than the free plan's number in the end."""
    plans = SMALL_PLANS | {"free": Plan("free", free_images=1, max_bytes=MIB)}
    others = iter(range(1))

    def another() -> None:
        for _ in others:
            assert shrink(house.client, key).status_code == 201

    house: House = make_house(InterruptedEngine(another), plans=plans)
    key = house.new_key(environment=Environment.TEST)
    assert shrink(house.client, key).status_code == 429
    account = house.services.accounts.read(house.account_of(key))
    assert (account.seq, list(account.sandbox_used.values()), account.images) == (1, [1], {})
