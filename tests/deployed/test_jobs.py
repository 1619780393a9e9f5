from typing import Any

import httpx2

from tests.deployed.asking import Client, eventually
from tests.deployed.homes import Home
from tests.pictures import opened, photo_jpeg, truncated_jpeg

PHOTO = photo_jpeg()


def _submit(client: Client, image: bytes) -> dict[str, Any]:
    answer = client.send("POST", "/api/optimize", files={"image": ("photo.jpg", image)}, data={"quality": "80"})
    assert (answer.status_code, answer.json()["success"]) == (200, True), answer.text
    queued: dict[str, Any] = answer.json()["data"]
    return queued


def _outcome(client: Client, queued: dict[str, Any]) -> dict[str, Any]:
    def read() -> httpx2.Response:
        return client.send("GET", f"/api/status/{queued['image_id']}")

    answer = eventually(read, lambda found: found.json()["data"]["status"] != "processing")
    outcome: dict[str, Any] = answer.json()["data"]
    return outcome


def test_an_image_is_made_smaller_in_the_background(home: Home, client: Client, stranger: Client) -> None:
    """A job is taken in at once, done by the queue's worker, counted once, and its files open without a key."""
    outcome = _outcome(client, _submit(client, PHOTO))
    assert (outcome["status"], outcome["original_size"]) == ("completed", len(PHOTO))
    original, optimized = (stranger.send("GET", outcome[name]) for name in ("original_url", "optimized_url"))
    assert (original.status_code, original.content) == (200, PHOTO)
    assert (optimized.status_code, len(optimized.content)) == (200, outcome["optimized_size"])
    assert opened(optimized.content).size == opened(PHOTO).size
    assert client.usage()["count"] == 1
    (line,) = client.ledger(1)
    assert (line["images"], line["bytes_out"]) == (1, outcome["optimized_size"])
    with Client(home, home.new_key()) as other:
        assert other.send("GET", f"/api/status/{outcome['image_id']}").status_code == 404


def test_a_broken_image_fails_uncounted(client: Client) -> None:
    """A job that cannot be done fails with a reason, and costs nothing."""
    outcome = _outcome(client, _submit(client, truncated_jpeg()))
    assert (outcome["status"], outcome["error"]["code"]) == ("failed", "DecodeError")
    assert client.usage()["count"] == 0
