import pytest

from tests.deployed.asking import METERED, Client, assert_error
from tests.deployed.homes import Home
from tests.e2e.equipped import UPGRADE_URL
from tests.pictures import padded_png, photo_jpeg, tiny_png, too_large_png, truncated_jpeg

MIB = 1024**2
UNKNOWN = "a" * 32


@pytest.mark.parametrize(
    ("target", "body", "status", "code"),
    [
        ("/shrink", b"", 400, "InputMissing"),
        ("/v1/compress?quality=banana", tiny_png(), 400, "BadRequest"),
        ("/shrink", b"neither picture nor promise", 415, "UnsupportedMediaType"),
        ("/shrink", truncated_jpeg(), 422, "DecodeError"),
        ("/v1/compress", too_large_png(), 422, "ImageTooComplex"),
        (f"/output/{UNKNOWN}", b'{"preserve":["copyright"]}', 404, "OutputExpired"),
        ("/output/nonsense", b'{"preserve":["copyright"]}', 404, "NotFound"),
        (f"/output/{UNKNOWN}", b'{"store":{"service":"s3"}}', 501, "NotImplemented"),
    ],
)
def test_a_refusal_is_metered_and_free(client: Client, target: str, body: bytes, status: int, code: str) -> None:
    """Every error behind a good key has its code, a message, a request id, the metered headers, and costs nothing."""
    answer = client.send("POST", target, body)
    assert_error(answer, status, code)
    assert {name for name in METERED if name in answer.headers} == METERED
    assert answer.headers["Compression-Count"] == "0"


@pytest.mark.parametrize("key", ["", "wrong", "mp_live_" + "A" * 36])
def test_without_a_good_key_all_answers_are_one(home: Home, key: str) -> None:
    """No key, a malformed one and an unknown one are told the same, everywhere."""
    with Client(home, key) as client:
        answers = [client.send("POST", "/shrink", tiny_png()), client.send("GET", "/v1/usage")]
        answers += [client.send("GET", f"/output/{UNKNOWN}"), client.send("POST", "/v1/uploads", json={"size": 1})]
        answers += [client.send("POST", f"/output/{UNKNOWN}", json={}), client.send("POST", "/v1/compress", b"")]
    fields = [assert_error(answer, 401, "Unauthorized") for answer in answers]
    assert len({answer["message"] for answer in fields}) == 1
    assert {answer.headers["WWW-Authenticate"] for answer in answers} == {'Basic realm="API key"'}


@pytest.mark.parametrize("way", ["Bearer", "X-API-Key"])
def test_other_ways_of_authenticating(home: Home, stranger: Client, way: str) -> None:
    """A key goes as a bearer token or in a header of its own as well."""
    key = home.new_key()
    headers = {"X-API-Key": key} if way == "X-API-Key" else {"Authorization": f"bearer {key}"}
    assert stranger.send("GET", "/v1/usage", headers=headers).status_code == 200


def test_a_body_above_what_can_be_carried(home: Home, client: Client) -> None:
    """A body above the plan's size, or above what the gateway carries, is 413 in our JSON and says where to go."""
    answer = client.send("POST", "/shrink", padded_png(5 * MIB + 300_000))
    fields = assert_error(answer, 413, "PayloadTooLarge")
    if home.is_gateway:
        assert fields["upload_url"].endswith("/v1/uploads")
    else:
        assert fields["max_bytes"] == 5 * MIB


def test_a_wrong_method_and_an_unknown_path(home: Home, stranger: Client) -> None:
    """Both are answered in our JSON; the gateway knows no 405."""
    assert_error(stranger.send("GET", "/nowhere"), 404, "NotFound")
    refused = stranger.send("DELETE", "/shrink")
    if home.is_gateway:
        assert_error(refused, 404, "NotFound")
    else:
        assert_error(refused, 405, "MethodNotAllowed")


def test_a_suspended_account(home: Home) -> None:
    """A suspended account is 403 to a good key, and works again when it is resumed."""
    account = home.admin("accounts", "create", "--name", "suspended", "--plan", "free")["account"]
    with Client(home, home.new_key(account=account)) as client:
        home.admin("accounts", "suspend", account)
        assert_error(client.send("POST", "/shrink", tiny_png()), 403, "AccountSuspended")
        home.admin("accounts", "resume", account)
        client.shrink(tiny_png())


def test_too_many_at_once(home: Home) -> None:
    """Above the plan's rate it is 429 with Retry-After of at least a second."""
    with Client(home, home.new_key("slow")) as client:
        answers = [client.send("POST", "/shrink", tiny_png(seed)) for seed in range(4)]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert refused
    assert_error(refused[0], 429, "TooManyRequests")
    assert int(refused[0].headers["Retry-After"]) >= 1


def test_nothing_left(home: Home) -> None:
    """An account with nothing left is told where to get more."""
    with Client(home, home.new_key("spent")) as client:
        fields = assert_error(client.send("POST", "/v1/compress", tiny_png()), 429, "AccountLimitReached")
    assert fields["upgrade_url"] == UPGRADE_URL


def test_nobody_sees_anothers_result(home: Home, client: Client) -> None:
    """Another account's result is as good as none, to download and to derive from."""
    location = client.location(client.shrink(photo_jpeg(64, 48)))
    with Client(home, home.new_key()) as other:
        assert_error(other.send("GET", location), 404, "OutputExpired")
        operations = {"resize": {"method": "scale", "width": 4}}
        assert_error(other.send("POST", location, json=operations), 404, "OutputExpired")
