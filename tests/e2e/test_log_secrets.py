import re
from pathlib import Path

from tests.e2e.equipped import equipped, hosting
from tests.e2e.wire import Connection, basic, call, shrink
from tests.pictures import tiny_png, truncated_jpeg

KEY = re.compile(r"mp_(?:live|test)_[A-Za-z0-9]+")
LINK = re.compile(r"link=[a-z2-7]{8,}")
REPEAT_KEY = "4b0c6c1e-7d0a-4f7e-9d5f-1f2f9d1f8a55"
RESIZE = b'{"resize":{"method":"scale","width":4}}'


def test_no_secret_reaches_the_log(tmp_path: Path) -> None:
    """Keys and link tokens in paths, queries and headers stay out of the log at its most talkative, faults included."""
    with hosting() as host, equipped(tmp_path, host, MINIPIC_LOG_LEVEL="DEBUG", MINIPIC_ENGINE_CHILDREN="1") as server:
        announced = KEY.findall(server.output)
        key, sandbox = server.new_key(), server.new_key(test=True)
        reply = shrink(server, key, tiny_png())
        location, link = reply["Location"], reply.json["output"]["url"].partition("?link=")[2]
        call(server, "GET", f"{location}?link={link}")
        call(server, "GET", f"{location}?link={link}x", key)
        call(server, "POST", location, key, body=RESIZE)
        call(server, "GET", location, key, body=RESIZE)
        for repeat_key, image in ((REPEAT_KEY, tiny_png()), (REPEAT_KEY, tiny_png(5)), (f"{REPEAT_KEY} x", tiny_png())):
            call(server, "POST", "/shrink", key, [("Idempotency-Key", repeat_key)], image)
        for target in (f"/keys/{key}", f"/keys/{key}x", f"/nowhere/{key}?key={sandbox}", f"/v1/usage?api_key={key}"):
            call(server, "GET", target, key)
            call(server, "GET", target, fields=[("X-API-Key", sandbox), ("Referer", f"http://x/?link={link}")])
        call(server, "POST", "/shrink", fields=[("Authorization", f"Bearer {key}")], body=truncated_jpeg())
        with Connection(server) as connection:
            connection.send(f"GET /keys/{key} HTTP/9.9\r\nno colon {key}\r\n\r\n".encode())
            connection.rest()
        for path in (server.data_folder / "results").glob("*/*"):
            path.write_bytes(f"broken by {key} {link}".encode())
        assert call(server, "GET", f"{location}?link={link}", key).status == 500
        log = server.output
    assert "request" in log
    assert "Traceback" in log
    assert KEY.findall(log) == announced
    assert not LINK.search(log)
    for secret in (link, REPEAT_KEY, key[8:], sandbox[8:], basic(key)[1].removeprefix("Basic ")):
        assert secret not in log
