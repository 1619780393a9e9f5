from concurrent.futures import ThreadPoolExecutor

from tests.deployed.asking import Client, assert_error
from tests.deployed.homes import Home
from tests.pictures import graphic_png, photo_jpeg, tiny_png

PHOTO = photo_jpeg(160, 120)
SCALE = {"resize": {"method": "scale", "width": 40}}


def test_the_ledger_says_what_was_done(home: Home) -> None:
    """A session of an operator's account: every billed image and purchase has its line, and usage is their sum."""
    account = home.admin("accounts", "create", "--name", "session", "--plan", "three")["account"]
    key = home.admin("keys", "create", account, "--name", "k")["key"]
    with Client(home, key) as client:
        first = client.shrink(PHOTO)
        derived = client.send("POST", client.location(first), json=SCALE)
        compressed = client.send("POST", "/v1/compress", graphic_png(40, 40))
        assert (derived.status_code, compressed.status_code) == (200, 200)
        refused = client.send("POST", "/shrink", tiny_png())
        assert "Your monthly limit has been exceeded" in assert_error(refused, 429, "AccountLimitReached")["message"]
        home.admin("packs", "grant", account, "10", "--reference", "invoice-7")
        client.shrink(tiny_png())
        assert_error(client.send("POST", "/shrink", b"no picture"), 415, "UnsupportedMediaType")
        lines = client.ledger(5)
        usage = client.usage()
    assert [line["operation"] for line in lines] == ["shrink", "derive", "compress", "purchase", "shrink"]
    assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["images"] for line in lines] == [1, 1, 1, 0, 1]
    assert [line["free_remaining"] for line in lines] == [2, 1, 0, 0, 0]
    assert lines[-1]["credits_remaining"] == usage["credits"]["remaining"] == 9
    assert usage["count"] == 4
    assert usage["by_operation"] == {"shrink": 2, "derive": 1, "compress": 1}
    assert usage["bytes_in"] == sum(line["bytes_in"] for line in lines)
    assert home.admin("ledger", "verify", account)["lines"] == 5


def test_the_ledger_as_a_table(client: Client) -> None:
    """The ledger is CSV for who asks for that."""
    client.shrink(tiny_png())
    client.ledger(1)
    answer = client.send("GET", "/v1/ledger", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    header, line = answer.text.splitlines()
    assert header.startswith("seq,")
    assert line.startswith("1,")


def test_an_idempotency_key_is_counted_once(client: Client) -> None:
    """A repeat has the first answer and costs nothing; with another image it is refused."""
    repeat = {"Idempotency-Key": "order-17"}
    first, second = (client.send("POST", "/shrink", PHOTO, headers=repeat) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert client.location(first) == client.location(second)
    assert first.json()["output"]["size"] == second.json()["output"]["size"]
    assert client.usage()["count"] == 1
    assert_error(client.send("POST", "/shrink", tiny_png(), headers=repeat), 409, "IdempotencyConflict")


def test_an_idempotency_key_brings_the_same_bytes(client: Client) -> None:
    """A repeat of /v1/compress and of a derived operation brings the first answer's bytes."""
    repeat = {"Idempotency-Key": "order-18"}
    first, second = (client.send("POST", "/v1/compress", PHOTO, headers=repeat) for _ in range(2))
    assert (first.status_code, first.content) == (200, second.content)
    location = client.location(client.shrink(tiny_png()))
    again = {"Idempotency-Key": "order-19"}
    once, twice = (client.send("POST", location, json=SCALE, headers=again) for _ in range(2))
    assert (once.status_code, once.content) == (200, twice.content)
    assert client.usage()["count"] == 3


def test_concurrent_requests_draw_no_more_than_there_is(home: Home) -> None:
    """Five at once on three free images: three are made, two refused, and the count is three."""
    with Client(home, home.new_key("three")) as client:
        with ThreadPoolExecutor(5) as threads:
            statuses = sorted(
                threads.map(lambda seed: client.send("POST", "/shrink", tiny_png(seed)).status_code, range(5))
            )
        assert statuses == [201, 201, 201, 429, 429]
        assert client.usage()["free"]["remaining"] == 0
        assert len(client.ledger(3)) == 3


def test_a_sandbox_key_is_not_billed(home: Home) -> None:
    """A sandbox key runs the whole way; its call is a line of 0 images."""
    with Client(home, home.new_key(test=True)) as client:
        assert client.shrink(tiny_png()).headers["Compression-Count"] == "0"
        assert [line["images"] for line in client.ledger(1)] == [0]


def test_a_key_is_rotated(home: Home) -> None:
    """After a rotation the new key works, and the old one has the same 401 as any wrong key."""
    account = home.new_account()
    made = home.admin("keys", "create", account, "--name", "k")
    (listed,) = home.admin("keys", "list", account)["keys"]
    rotated = home.admin("keys", "rotate", listed["id"])["key"]
    with Client(home, made["key"]) as old, Client(home, rotated) as new, Client(home, "wrong") as wrong:
        assert new.usage()["count"] == 0
        refused = assert_error(old.send("GET", "/v1/usage"), 401, "Unauthorized")
        assert refused["message"] == wrong.send("GET", "/v1/usage").json()["message"]


def test_plugins_ask_for_a_key(home: Home, client: Client, key: str) -> None:
    """GET /keys/{key} is 200 for the caller's own, with what a plugin shows, and 404 for another."""
    answer = client.send("GET", f"/keys/{key}")
    assert (answer.status_code, answer.headers["Paying-State"]) == (200, "free")
    assert_error(client.send("GET", f"/keys/{home.new_key()}"), 404, "NotFound")
