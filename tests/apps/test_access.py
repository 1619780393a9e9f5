"""Keys and how they are presented, through the app."""

import base64

import pytest

from minipic.domain.keys import KeyOwner
from minipic.service import access
from minipic.stores import Accounts
from tests.apps.conftest import House


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_every_way_of_presenting_a_key(house: House) -> None:
    """Basic with any user name, Bearer, X-API-Key, in any case of the scheme: all are let in."""
    key = house.new_key()
    for headers in (
        {"Authorization": basic(f"api:{key}")},
        {"Authorization": basic(f"somebody:{key}").replace("Basic", "basic")},
        {"Authorization": basic(f":{key}").replace("Basic", "BASIC")},
        {"Authorization": f"Bearer {key}"},
        {"Authorization": f"bearer  {key}"},
        {"X-API-Key": key},
    ):
        assert house.client.post("/shrink", headers=headers).status_code == 400, headers


def test_every_bad_key_gets_the_same_answer(house: House) -> None:
    """Missing, malformed, mistyped and unknown keys, and bad headers: one status, one body, one set of headers."""
    key = house.new_key()
    unknown = "mp_live_0000000000000000000000000000009zNShN"
    answers = [
        house.client.post("/shrink", headers={**headers, "X-Request-Id": "same-for-all"})
        for headers in (
            {},
            {"Authorization": ""},
            {"Authorization": "Basic"},
            {"Authorization": "Basic !!!"},
            {"Authorization": basic("no colon")},
            {"Authorization": basic(f"{key}:")},
            {"Authorization": "Basic " + base64.b64encode(b"api:\xff\xfe").decode()},
            {"Authorization": f"Digest {key}"},
            {"Authorization": f"Bearer {key}x"},
            {"Authorization": f"Bearer {unknown}"},
            {"X-API-Key": key[:-1]},
            {"X-API-Key": ""},
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted((k, v) for k, v in a.headers.items() if k != "date")) for a in answers}) == 1


def test_owner_is_looked_up_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose a key is, is asked of the store once in 30 seconds."""
    asked = []
    accounts = type(house.services.accounts)
    find_key = accounts.find_key

    def counted(self: Accounts, key_hash: str) -> KeyOwner | None:
        asked.append(key_hash)
        return find_key(self, key_hash)

    monkeypatch.setattr(accounts, "find_key", counted)
    key = house.new_key()
    for _ in range(3):
        house.client.post("/shrink", auth=("api", key))
    assert len(asked) == 1
    house.clock.now_ms += access.OWNER_CACHE_MS
    house.client.post("/shrink", auth=("api", key))
    assert len(asked) == 2


def test_memory_of_owners_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many keys call, no more than a fixed number of owners is remembered."""
    monkeypatch.setattr(access, "OWNER_CACHE_ENTRIES", 2)
    for _ in range(5):
        house.client.post("/shrink", auth=("api", house.new_key()))
    assert len(house.services.owners) <= 2
