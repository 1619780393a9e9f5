import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.e2e.equipped import Equipped
from tests.e2e.server import running, wait_until
from tests.e2e.wire import METERED, Connection, basic, call, count, head, shrink
from tests.pictures import photo_jpeg, tiny_png

TWO_IMAGES = json.dumps({"free": {"free_images": 2, "max_bytes": 5 * 1024**2}})


def test_a_burst_is_limited(full: Equipped) -> None:
    """Of 45 requests at once those above the limits are 429 with Retry-After, and exactly the others are counted."""
    image, key = tiny_png(), full.new_key("bursts")
    request = head("POST", "/v1/compress", [basic(key), ("Content-Length", str(len(image)))])
    connections = [Connection(full) for _ in range(45)]
    try:
        for connection in connections:
            connection.send(request, image)
        replies = [connection.reply() for connection in connections]
    finally:
        for connection in connections:
            connection.close()
    refused = [reply for reply in replies if reply.status != 200]
    assert refused
    for reply in refused:
        assert (reply.status, reply.error) == (429, "TooManyRequests")
        assert int(reply["Retry-After"]) >= 1
        assert reply.names >= METERED
    assert len(replies) - len(refused) >= 20
    assert count(full, key) == len(replies) - len(refused)


def test_one_keys_burst_is_not_anothers(tmp_path: Path) -> None:
    """A key that used up its rate is refused while another key of the same account is served."""
    plans = {"free": {"free_images": 500, "max_bytes": 5 * 1024**2, "rate_per_second": 1, "burst": 1}}
    with running(tmp_path, MINIPIC_PLANS=json.dumps(plans), MINIPIC_ENGINE_CHILDREN="1") as server:
        account = server.new_account()
        keys = [server.new_key(account=account) for _ in range(2)]
        slow_to_refill = [call(server, "POST", "/v1/compress", keys[0], body=tiny_png()).status for _ in range(10)]
        assert 429 in slow_to_refill
        assert call(server, "POST", "/v1/compress", keys[1], body=tiny_png()).status == 200


def test_an_exhausted_quota(tmp_path: Path) -> None:
    """The third image of a plan of two is 429 AccountLimitReached, in the words that clients search for."""
    with running(tmp_path, MINIPIC_PLANS=TWO_IMAGES, MINIPIC_ENGINE_CHILDREN="1") as server:
        key = server.demo_key
        locations = [shrink(server, key, tiny_png(seed))["Location"] for seed in range(2)]
        reply = call(server, "POST", "/shrink", key, body=tiny_png())
        assert (reply.status, reply.error) == (429, "AccountLimitReached")
        assert "Your monthly limit has been exceeded" in reply.json["message"]
        assert reply.json["upgrade_url"].startswith("http")
        assert "Retry-After" not in reply.names
        assert reply.names >= METERED
        assert (reply["Compression-Count"], reply["Compression-Count-Remaining"]) == ("2", "0")
        assert call(server, "GET", locations[0], key).status == 200


def test_simultaneous_requests_never_draw_more_than_there_is(tmp_path: Path) -> None:
    """Of ten requests at once on a plan of two images exactly two succeed."""
    upgrade_url = "https://shop.example/packs"
    with running(tmp_path, MINIPIC_PLANS=TWO_IMAGES, MINIPIC_UPGRADE_URL=upgrade_url) as server:
        key = server.demo_key
        with ThreadPoolExecutor(10) as threads:
            calls = [threads.submit(call, server, "POST", "/shrink", key, (), tiny_png(seed)) for seed in range(10)]
            replies = [one.result() for one in calls]
        assert sorted(reply.status for reply in replies) == [201] * 2 + [429] * 8
        assert {reply.json["upgrade_url"] for reply in replies if reply.status == 429} == {upgrade_url}
        assert count(server, key) == 2


def test_link_mode_location(tmp_path: Path) -> None:
    """With MINIPIC_LINK_MODE=location the token is in Location as well, which then opens without a key."""
    with running(tmp_path, MINIPIC_LINK_MODE="location", MINIPIC_ENGINE_CHILDREN="1") as server:
        reply = shrink(server, server.demo_key, photo_jpeg())
        assert "?link=" in reply["Location"]
        assert reply.json["output"]["url"] == "http://localhost" + reply["Location"]
        assert call(server, "GET", reply["Location"]).status == 200


def test_link_mode_off(tmp_path: Path) -> None:
    """With MINIPIC_LINK_MODE=off no token is handed out, and only the account's key opens a result."""
    with running(tmp_path, MINIPIC_LINK_MODE="off", MINIPIC_ENGINE_CHILDREN="1") as server:
        reply = shrink(server, server.demo_key, photo_jpeg())
        assert b"link=" not in reply.body
        assert "link=" not in reply["Location"]
        for query in ("", "?link=", "?link=guess"):
            assert call(server, "GET", reply["Location"] + query).error == "Unauthorized"
        assert call(server, "GET", reply["Location"], server.demo_key).status == 200


def test_a_public_url_is_what_clients_are_told(tmp_path: Path) -> None:
    """With MINIPIC_PUBLIC_URL under https, Location is absolute and both addresses begin with it, path included."""
    public_url = "https://images.example/mini"
    with running(tmp_path, MINIPIC_PUBLIC_URL=f"{public_url}/", MINIPIC_ENGINE_CHILDREN="1") as server:
        reply = shrink(server, server.demo_key, tiny_png())
        assert reply["Location"].startswith(f"{public_url}/output/")
        assert reply.json["output"]["url"].startswith(f"{reply['Location']}?link=")
        assert public_url in server.output


def test_links_of_earlier_days_close_when_links_are_switched_off(tmp_path: Path) -> None:
    """A link that was handed out before no longer opens once the service runs with MINIPIC_LINK_MODE=off."""
    with running(tmp_path, MINIPIC_ENGINE_CHILDREN="1") as server:
        url = shrink(server, server.demo_key, tiny_png()).json["output"]["url"]
        target = url.removeprefix("http://localhost")
        assert call(server, "GET", target).status == 200
        server.end()
        server.settings["MINIPIC_LINK_MODE"] = "off"
        server.start()
        assert call(server, "GET", target).error == "Unauthorized"


def test_a_result_expires(tmp_path: Path) -> None:
    """With MINIPIC_RESULT_TTL=1 a result is soon 404 OutputExpired, to its key and by its link."""
    with running(tmp_path, MINIPIC_RESULT_TTL="1", MINIPIC_ENGINE_CHILDREN="1") as server:
        key = server.demo_key
        reply = shrink(server, key, tiny_png())
        url = reply.json["output"]["url"].removeprefix("http://localhost")
        wait_until(lambda: call(server, "GET", reply["Location"], key).status != 200, "an expired result")
        for gone in (call(server, "GET", reply["Location"], key), call(server, "GET", url)):
            assert (gone.status, gone.error) == (404, "OutputExpired")
