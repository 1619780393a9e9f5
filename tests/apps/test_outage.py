"""A store that stops answering in the middle of a request."""

from contextlib import closing
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from minipic.domain.account import Account
from minipic.errors import ServiceUnavailable
from minipic.local import build_app
from minipic.service import Engine
from minipic.service.administration import set_overrides
from minipic.stores.local.accounts import SqliteAccounts
from tests.apps.conftest import House
from tests.pictures import tiny_png, truncated_jpeg


class Silent(SqliteAccounts):
    """A store some of whose methods do not answer."""

    def __init__(self, store: SqliteAccounts, *methods: str) -> None:
        super().__init__(store._database)
        for method in methods:
            setattr(self, method, self._fail)

    def _fail(self, *_arguments: object, **_options: object) -> Account:
        raise ServiceUnavailable


def client_of(house: House, engine: Engine, *methods: str) -> TestClient:
    """Return a client of the house whose accounts do not answer these methods."""
    accounts = house.services.accounts
    assert isinstance(accounts, SqliteAccounts)
    services = replace(house.services, accounts=Silent(accounts, *methods))
    app, _ = build_app(house.settings, services, engine)
    return TestClient(app, base_url="http://testserver", raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/shrink", "/v1/usage"])
def test_an_outage_is_503_with_a_time_to_wait(house: House, engine: Engine, path: str) -> None:
    """When the store does not answer, a known key gets 503 with Retry-After, not a fault of ours."""
    with closing(client_of(house, engine, "read", "admit")) as client:
        auth = ("api", house.new_key())
        answer = client.post(path, content=tiny_png(), auth=auth) if path == "/shrink" else client.get(path, auth=auth)
    assert (answer.status_code, answer.json()["error"]) == (503, "ServiceUnavailable")
    assert answer.headers["Retry-After"] == "1"


def test_a_refusal_is_told_without_the_account(house: House, engine: Engine) -> None:
    """A refusal that needs no store is told although its headers cannot be found out."""
    with closing(client_of(house, engine, "read", "admit")) as client:
        answer = client.post("/shrink", content=b"hello", auth=("api", house.new_key()))
    assert (answer.status_code, answer.json()["error"]) == (415, "UnsupportedMediaType")
    assert "Compression-Count" not in answer.headers


def test_a_place_that_cannot_be_given_back_hides_no_error(house: House, engine: Engine) -> None:
    """A broken image is told as one, also when the store is down by then: the place is free by itself later."""
    key = house.new_key()
    with closing(client_of(house, engine, "release")) as client:
        answer = client.post("/shrink", content=truncated_jpeg(), auth=("api", key))
    assert (answer.status_code, answer.json()["error"]) == (422, "DecodeError")
    (lease_key,) = house.services.accounts.read(house.account_of(key)).keys.values()
    assert len(lease_key.leases) == 1


def test_a_key_that_is_too_fast_is_not_asked_for(house: House, engine: Engine) -> None:
    """Once refused for its rate, a key is refused without the store until the very moment its rate opens again."""
    key = house.new_key(plan="paid")
    set_overrides(house.services, house.account_of(key), {"burst": 1, "rate_per_second": 2})
    statuses = [house.client.post("/shrink", content=tiny_png(), auth=("api", key)).status_code for _ in range(2)]
    assert statuses == [201, 429]
    with closing(client_of(house, engine, "admit")) as client:
        for waited_ms, status in ((499, 429), (1, 503)):
            house.clock.now_ms += waited_ms
            answer = client.post("/shrink", content=tiny_png(), auth=("api", key))
            assert (answer.status_code, answer.headers["Retry-After"]) == (status, "1")
            assert answer.headers["Compression-Count"] == "1"
