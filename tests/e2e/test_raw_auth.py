import base64
import os

import pytest

from minipic.domain.keys import Environment, make_key
from tests.e2e.server import Server
from tests.e2e.wire import METERED, basic, call, shrink
from tests.pictures import tiny_png

RANDOM_BYTES = 21
PER_REQUEST = {"Date", "X-Request-Id"}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Basic {api:KEY}"),
        ("Authorization", "basic {api:KEY}"),
        ("Authorization", "BASIC {somebody else:KEY}"),
        ("Authorization", "Basic {:KEY}"),
        ("authorization", "Basic {api:KEY}"),
        ("Authorization", "Bearer KEY"),
        ("Authorization", "BEARER KEY"),
        ("Authorization", "bearer KEY"),
        ("X-API-Key", "KEY"),
        ("x-api-key", "KEY"),
    ],
)
def test_every_way_to_send_a_key_is_accepted(service: Server, key: str, name: str, value: str) -> None:
    """Basic with any user name, Bearer and X-API-Key open the service, whatever the case of scheme and header."""
    credential = value.replace("KEY", key)
    start, brace, rest = credential.partition("{")
    credential = start + _encoded(rest.removesuffix("}")) if brace else credential
    reply = call(service, "POST", "/shrink", fields=[(name, credential)], body=b"")
    assert (reply.status, reply.error) == (400, "InputMissing")


def _bad_credentials(service: Server) -> dict[str, list[tuple[str, str]]]:
    made = service.admin("keys", "create", service.new_account())
    service.admin("keys", "disable", made["id"])
    key = service.new_key()
    typo = key[:-1] + ("a" if key[-1] != "a" else "b")
    return {
        "missing": [],
        "empty": [basic("")],
        "malformed": [basic("nonsense")],
        "typo": [basic(typo)],
        "unknown": [basic(make_key(Environment.LIVE, os.urandom(RANDOM_BYTES)))],
        "disabled": [basic(made["key"])],
        "key as user name": [basic("", user=key)],
        "other scheme": [("Authorization", f"Digest {key}")],
        "no scheme": [("Authorization", key)],
        "broken base64": [("Authorization", "Basic %%%")],
        "no text": [("Authorization", "Basic " + base64.b64encode(b"\xff:\xfe").decode())],
        "bearer without key": [("Authorization", "Bearer")],
        "empty header": [("X-API-Key", "")],
    }


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/shrink", tiny_png()),
        ("POST", "/shrink", b""),
        ("POST", "/v1/compress?quality=banana", b"no image"),
        ("GET", "/output/" + "a" * 32, None),
    ],
    ids=["shrink", "empty", "compress", "output"],
)
def test_every_bad_key_gets_the_same_401(service: Server, method: str, target: str, body: bytes | None) -> None:
    """Missing, malformed, unknown and disabled keys get one and the same 401, without the metered headers."""
    answers = {}
    for name, fields in _bad_credentials(service).items():
        reply = call(service, method, target, fields=fields, body=body)
        assert (reply.status, reply.error) == (401, "Unauthorized"), name
        assert not reply.names & METERED, name
        masked = reply.body.replace(reply["X-Request-Id"].encode(), b"ID")
        answers[name] = ([field for field in reply.fields if field[0] not in PER_REQUEST], masked)
    assert all(answer == answers["missing"] for answer in answers.values()), answers


@pytest.mark.parametrize(
    ("name", "value"),
    [("Authorization", "Basic é"), ("Authorization", "Bearer é"), ("Authorization", "é"), ("X-API-Key", "mp_live_é")],
)
def test_a_credential_beyond_ascii_is_401(service: Server, name: str, value: str) -> None:
    """A credential with bytes beyond ASCII is a bad key like any other, not a fault of the service."""
    reply = call(service, "POST", "/shrink", fields=[(name, value)], body=tiny_png())
    assert (reply.status, reply.error) == (401, "Unauthorized")


def test_the_same_401_with_a_disabled_key_that_was_just_used(service: Server) -> None:
    """A key that the process has already seen gets, once disabled, the 401 of a key that never was."""
    made = service.admin("keys", "create", service.new_account())
    shrink(service, made["key"], tiny_png())
    service.admin("keys", "disable", made["id"])
    known = call(service, "POST", "/shrink", made["key"], body=b"broken")
    unknown = call(service, "POST", "/shrink", "nonsense", body=b"broken")
    assert [field for field in known.fields if field[0] not in PER_REQUEST] == [
        field for field in unknown.fields if field[0] not in PER_REQUEST
    ]
    assert known.error == unknown.error == "Unauthorized"


def test_a_result_opens_to_its_account_alone(service: Server, key: str) -> None:
    """Another account's result is 404 OutputExpired, also to the account's own second key it is 200."""
    account = service.new_account()
    location = shrink(service, service.new_key(account=account), tiny_png())["Location"]
    assert call(service, "GET", location, service.new_key(account=account)).status == 200
    foreign = call(service, "GET", location, key)
    assert (foreign.status, foreign.error) == (404, "OutputExpired")


def test_a_link_opens_one_result(service: Server, key: str) -> None:
    """The link token opens its result, also to another account's key, and no other result."""
    first, second = (shrink(service, key, tiny_png(seed)) for seed in range(2))
    link = first.json["output"]["url"].partition("?")[2]
    assert call(service, "GET", f"{first['Location']}?{link}").status == 200
    assert call(service, "HEAD", f"{first['Location']}?{link}").status == 200
    assert call(service, "GET", f"{first['Location']}?{link}", service.new_key()).status == 200
    assert call(service, "GET", f"{second['Location']}?{link}").error == "Unauthorized"


@pytest.mark.parametrize("query", ["", "?link=", "?link=wrong", "?link=" + "a" * 32, "?other=1"])
def test_a_wrong_link_is_401(service: Server, key: str, query: str) -> None:
    """Without a key, a missing or wrong link token is 401."""
    location = shrink(service, key, tiny_png())["Location"]
    reply = call(service, "GET", location + query)
    assert (reply.status, reply.error) == (401, "Unauthorized")


def test_a_bad_key_beside_a_good_link_is_401(service: Server, key: str) -> None:
    """An invalid key is 401 even where the link token alone would open the result."""
    reply = shrink(service, key, tiny_png())
    target = reply["Location"] + "?" + reply.json["output"]["url"].partition("?")[2]
    for fields in ([basic("nonsense")], [("X-API-Key", "nonsense")], [("Authorization", "Digest x")]):
        assert call(service, "GET", target, fields=fields).error == "Unauthorized"


@pytest.mark.parametrize("extension", [".jpg", ".png", ".tar.gz"])
def test_an_extension_behind_the_id_is_ignored(service: Server, key: str, extension: str) -> None:
    """A result's id may carry any file extension."""
    location = shrink(service, key, tiny_png())["Location"]
    assert call(service, "GET", location + extension, key)["Content-Type"] == "image/png"


@pytest.mark.parametrize("name", ["x", "a" * 31, "a" * 33, "A" * 32, "1" * 32, "..%2F" + "a" * 32, "a" * 31 + "%00"])
def test_a_malformed_id_is_not_found(service: Server, key: str, name: str) -> None:
    """What never was an id is 404 NotFound."""
    reply = call(service, "GET", f"/output/{name}", key)
    assert (reply.status, reply.error) == (404, "NotFound")


@pytest.mark.parametrize("name", ["a" * 32, "7" * 32])
def test_an_unknown_id_is_expired(service: Server, key: str, name: str) -> None:
    """A well-formed id that names nothing, of the past or of the future, is 404 OutputExpired."""
    reply = call(service, "GET", f"/output/{name}", key)
    assert (reply.status, reply.error) == (404, "OutputExpired")
