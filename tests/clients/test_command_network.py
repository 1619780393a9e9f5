"""The command when the service is slow, full, elsewhere or hostile; where the key goes, and where it never does."""

import base64
import json
import signal
import time
from pathlib import Path

import pytest

from tests.clients.command import COMMAND, PATIENCE_S, Command, counted, statuses
from tests.clients.front import Front, Says, described, result
from tests.e2e.equipped import UPGRADE_URL, Equipped
from tests.pictures import opened, padded_png, photo_jpeg, tiny_png

PHOTO = photo_jpeg(96, 64)
SMALL = b"\xff\xd8\xffsmaller"
SECRET = "mp_live_verysecretverysecretverysecret"
OFTEN = Says(429, b'{"error":"TooManyRequests","message":"Too many."}', {"Retry-After": "1"})


@pytest.fixture
def fronted(front: Front, tmp_path: Path) -> Command:
    """The command with a picture, a secret key and the stand-in as its service."""
    command = Command(tmp_path, MINIPIC_URL=front.url, MINIPIC_API_KEY=SECRET)
    command.write("a.jpg", PHOTO)
    return command


def test_a_full_service_is_waited_for(front: Front, fronted: Command) -> None:
    """After 429 the command waits as long as Retry-After says, and sends the same request under the same name again."""
    front.answers = [OFTEN, Says(503, b"", {"Retry-After": "1"}), result(SMALL, len(PHOTO))]
    begun_s = time.monotonic()
    assert fronted.run("a.jpg", "--in-place").code == 0
    assert time.monotonic() - begun_s >= 2
    assert len({asked.headers["Idempotency-Key"] for asked in front.asked}) == 1
    assert [asked.body for asked in front.asked] == [PHOTO] * 3


def test_a_narrow_service(service: Equipped, tmp_path: Path) -> None:
    """Against a real limit of one request a second, with no burst, every image gets through, the last one, too."""
    command = Command(tmp_path, MINIPIC_URL=service.base_url, MINIPIC_API_KEY=service.new_key("slow"))
    for number in range(12):
        command.write(f"{number}.png", tiny_png(number))
    assert set(statuses(command.run_json(".", "--in-place", "--jobs", "12")).values()) <= {"compressed", "kept"}


def test_a_long_wait_is_refused(front: Front, fronted: Command) -> None:
    """Who is told to wait for longer than two minutes gives up: exit code 6."""
    front.answers = [Says(503, b'{"error":"ServiceUnavailable","message":"Closed."}', {"Retry-After": "3600"})]
    done = fronted.run("a.jpg", "--in-place")
    assert done.code == 6
    assert "Closed." in done.text


def test_a_broken_service_is_tried_again(front: Front, fronted: Command) -> None:
    """A 500 and a broken gateway are tried again; a third time is a failure."""
    front.answers = [Says(502), Says(500), result(SMALL, len(PHOTO))]
    assert fronted.run("a.jpg", "--output", "-").out == SMALL
    front.answers = [Says(500, b'{"error":"InternalServerError","message":"Oh.","request_id":"r-1"}')]
    answer = fronted.run_json("a.jpg", "--output", "out/")
    assert (answer["exit_code"], answer["files"][0]["error"]["request_id"]) == (3, "r-1")


def test_nobody_there(tmp_path: Path) -> None:
    """Where nobody answers it is exit code 6, and the images after the first are not tried."""
    command = Command(tmp_path, MINIPIC_URL="http://127.0.0.1:9", MINIPIC_API_KEY=SECRET)
    for name in ("a.jpg", "b.jpg"):
        command.write(name, PHOTO)
    answer = command.run_json(".", "--in-place", "--jobs", "1")
    assert (answer["exit_code"], statuses(answer)) == (6, {"a.jpg": "failed", "b.jpg": "not tried"})
    assert "127.0.0.1:9 does not answer" in answer["files"][0]["note"]
    assert command.run("usage").code == 6


@pytest.mark.parametrize("status", [302, 303])
def test_a_redirect_never_takes_the_key(front: Front, fronted: Command, status: int) -> None:
    """A result that lies elsewhere is fetched there, without the key."""
    front.answers = [
        Says(status, b"", {"Location": f"{front.other_host_url}/stored?signed", **described(SMALL, len(PHOTO))}),
        Says(200, SMALL, {"Content-Type": "image/jpeg"}),
    ]
    assert fronted.run("a.jpg", "--in-place").code == 0
    assert (fronted.folder / "a.jpg").read_bytes() == SMALL
    first, second = front.asked
    assert (first.headers["Authorization"], second.method) == (f"Bearer {SECRET}", "GET")
    assert SECRET not in f"{second.path} {second.headers} {second.body!r}"


@pytest.mark.parametrize("status", [301, 307, 308])
def test_a_service_that_moved(front: Front, fronted: Command, status: int) -> None:
    """A redirect that would take the image and the key along is refused, naming the host."""
    front.answers = [Says(status, b"", {"Location": "http://elsewhere.example/v1/compress"})]
    done = fronted.run("a.jpg", "--in-place")
    assert (done.code, len(front.asked)) == (6, 1)
    assert "redirects to elsewhere.example" in done.text


def test_redirects_that_are_not_followed(front: Front, fronted: Command) -> None:
    """Neither a redirect to another kind of address nor an endless row of them is followed."""
    headers = described(SMALL, len(PHOTO))
    front.answers = [Says(303, b"", headers | {"Location": "ftp://127.0.0.1/x"})]
    assert "not secure" in fronted.run("a.jpg", "--in-place").text
    front.answers = [Says(303, b"", headers | {"Location": "/again"})]
    assert "redirects too often" in fronted.run("a.jpg", "--in-place").text
    assert (fronted.folder / "a.jpg").read_bytes() == PHOTO


def test_a_large_image_goes_through_an_upload(minipic: Command) -> None:
    """What one request cannot carry on AWS is sent through the real service's upload form by itself."""
    minipic.write("large.png", padded_png(4_600_000))
    answer = minipic.run_json("large.png", "--in-place")
    assert statuses(answer) == {"large.png": "compressed"}
    assert opened((minipic.folder / "large.png").read_bytes()).size == (8, 8)


def test_uploads_where_the_route_is_too_narrow(front: Front, fronted: Command) -> None:
    """A 413 that names the upload form leads there; the form gets its fields and the file, and not the key."""
    offer = {"upload": "u-1", "url": f"{front.other_host_url}/form", "fields": {"policy": "p"}, "expires_in": 600}
    front.answers = [
        Says(413, b'{"error":"PayloadTooLarge","message":"No.","upload_url":"x"}'),
        Says(201, json.dumps(offer).encode()),
        Says(204),
        result(SMALL, len(PHOTO)),
    ]
    assert fronted.run("a.jpg", "--in-place").code == 0
    refused, offered, form, used = front.asked
    assert (offered.path, json.loads(offered.body)) == ("/v1/uploads", {"size": len(PHOTO)})
    assert form.body.index(b'name="policy"') < form.body.index(b'name="file"') < form.body.index(PHOTO)
    assert SECRET not in str(form.headers) + repr(form.body)
    assert json.loads(used.body) == {"source": {"upload": "u-1"}}
    assert refused.headers["Idempotency-Key"] != used.headers["Idempotency-Key"]


def test_an_upload_is_remembered_by_the_next_run(front: Front, fronted: Command) -> None:
    """What became of the first answer is not known: the same upload is sent again, so that it is the same request."""
    narrow = Says(413, b'{"error":"PayloadTooLarge","message":"No.","upload_url":"x"}')
    offer = {"upload": "u-1", "url": f"{front.url}/form", "fields": {}}
    front.answers = [narrow, Says(201, json.dumps(offer).encode()), Says(204), Says(422, b'{"error":"DecodeError"}')]
    assert fronted.run("a.jpg", "--in-place").code == 3
    front.answers = [narrow, result(SMALL, len(PHOTO))]
    assert fronted.run("a.jpg", "--in-place").code == 0
    first, second = (request for request in front.asked if b"u-1" in request.body)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert [request.path.partition("?")[0] for request in front.asked].count("/v1/uploads") == 1


@pytest.mark.parametrize(
    "answers",
    [
        [Says(200, b"<html>a login page</html>")],
        [Says(200, SMALL, described(SMALL + b"and more", 5))],
        [Says(200, b"", described(b"", 5))],
        [Says(200, SMALL, described(SMALL, 5) | {"Image-Width": "wide"})],
        [result(SMALL, len(PHOTO) - 1)],
        [result(b"<html>a login page</html>", len(PHOTO))],
        [result(SMALL, len(PHOTO), **{"Content-Type": "text/html"})],
        [result(SMALL, len(PHOTO), **{"Content-Type": "image/avif"})],
        [result(SMALL, len(PHOTO), **{"X-Quality-Score": "nan"})],
    ],
    ids=["no service", "cut", "empty", "nonsense", "another's", "no image", "a page", "another type", "no score"],
)
def test_answers_that_are_no_results(front: Front, fronted: Command, answers: list[Says]) -> None:
    """An answer that is not wholly a result is none: the original stays, exit code 6."""
    front.answers = answers
    assert fronted.run("a.jpg", "--in-place").code == 6
    assert (fronted.folder / "a.jpg").read_bytes() == PHOTO


@pytest.mark.parametrize("answer", [b"[]", b"no JSON", b"{}"])
def test_odd_answers_of_other_routes(front: Front, fronted: Command, answer: bytes) -> None:
    """An upload form or a usage that is none is said to be no answer of the service."""
    front.answers = [Says(413, b'{"upload_url":"x"}'), Says(201, answer)]
    assert fronted.run("a.jpg", "--in-place").code == 6
    front.answers = [Says(200, answer)]
    assert fronted.run("usage").code == 6


def test_an_output_that_knows_few_characters(front: Front, fronted: Command) -> None:
    """Where the output is ASCII alone the work is done all the same, and the table and the JSON are shown."""
    fronted.variables |= {"PYTHONIOENCODING": "ascii"}
    fronted.write("ä.jpg", PHOTO)
    front.answers = [result(SMALL, len(PHOTO))]
    done = fronted.run(".", "--output", "out")
    assert (done.code, "Traceback" in done.text) == (0, False)
    assert b"out/?.jpg" in done.out
    assert statuses(fronted.run_json("ä.jpg", "--output", "more/")) == {"ä.jpg": "compressed"}


def test_a_message_that_is_no_text(front: Front, fronted: Command) -> None:
    """Half a character in the service's message is shown as U+FFFD."""
    front.answers = [Says(400, b'{"error":"Bad","message":"half \\ud83d, \\udfff"}')]
    done = fronted.run("a.jpg", "--in-place")
    assert (done.code, "half \ufffd, \ufffd" in done.text) == (3, True)
    assert fronted.run_json("a.jpg", "--in-place")["files"][0]["note"] == "half \ufffd, \ufffd"


def test_an_output_that_is_full(front: Front, fronted: Command) -> None:
    """A report that cannot be written is a sentence and exit code 3; the image is done."""
    front.answers = [result(SMALL, len(PHOTO))]
    program = ["sh", "-c", '"$0" "$@" > /dev/full', COMMAND]
    done = fronted.run("a.jpg", "--in-place", "--json", program=program)
    assert (done.code, done.err) == (3, b"minipic: no space left on device\n")
    assert (fronted.folder / "a.jpg").read_bytes() == SMALL


def test_a_refused_key(service: Equipped, tmp_path: Path) -> None:
    """A wrong key is exit code 4 after one request; the other images are not tried."""
    command = Command(tmp_path, MINIPIC_URL=service.base_url, MINIPIC_API_KEY=SECRET)
    for name in ("a.jpg", "b.jpg"):
        command.write(name, PHOTO)
    answer = command.run_json(".", "--in-place", "--jobs", "1")
    assert (answer["exit_code"], statuses(answer)) == (4, {"a.jpg": "failed", "b.jpg": "not tried"})
    assert command.run("usage").code == 4


def test_one_reason_is_told_once(service: Equipped, tmp_path: Path) -> None:
    """Of images in work at once that one refusal ended, the first row says why and the others point to it."""
    command = Command(tmp_path, MINIPIC_URL=service.base_url, MINIPIC_API_KEY=SECRET)
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        command.write(name, PHOTO)
    _, first, *others = command.run(".", "--in-place", "--jobs", "3").text.splitlines()[:4]
    assert first.startswith("a.jpg")
    assert "failed: " in first
    assert "as above" not in first
    assert [line.split("failed: ")[1].strip() for line in others] == ["as above"] * 2


def test_nothing_left(service: Equipped, tmp_path: Path) -> None:
    """When the month's images are used up it is exit code 5, with the address where to get more; done is done."""
    key = service.new_key("three")
    command = Command(tmp_path, MINIPIC_URL=service.base_url, MINIPIC_API_KEY=key)
    for number in range(5):
        command.write(f"{number}.jpg", photo_jpeg(48, 32, seed=number))
    answer = command.run_json(".", "--in-place", "--jobs", "1")
    assert answer["exit_code"] == 5
    assert list(statuses(answer).values()) == ["compressed"] * 3 + ["failed", "not tried"]
    assert answer["files"][3]["error"]["upgrade_url"] == UPGRADE_URL
    assert counted(service, key) == 3


@pytest.mark.parametrize("bad", ["mp_live_\nX-Evil: 1", "short", "mp_live_ümlaut", "mp live with blanks"])
def test_what_cannot_be_a_key(fronted: Command, front: Front, bad: str) -> None:
    """What cannot be a key is refused before anything is sent, and not repeated."""
    fronted.variables["MINIPIC_API_KEY"] = bad
    done = fronted.run("a.jpg", "--in-place")
    assert (done.code, front.asked) == (2, [])
    assert "This cannot be a key" in done.text
    assert bad not in done.text


@pytest.mark.parametrize("bad", ["img.example.org", "ftp://x", "https://user:pw@x", "https://x:port", "http://x?y"])
def test_what_cannot_be_an_address(fronted: Command, bad: str) -> None:
    """What cannot be the service's address is refused, and not repeated: it may hold a password."""
    fronted.variables["MINIPIC_URL"] = bad
    done = fronted.run("a.jpg", "--in-place")
    assert done.code == 2
    assert "must look like https://img.example.com" in done.text
    assert bad not in done.text


def test_the_key_is_never_shown(front: Front, fronted: Command) -> None:
    """Neither a service that repeats the key nor a file named like it brings it into the table or into JSON."""
    fronted.write(f"{SECRET}.jpg", PHOTO)
    front.answers = [Says(400, json.dumps({"error": SECRET, "message": f"Bad key {SECRET}."}).encode())]
    for options in ([], ["--json"]):
        done = fronted.run(".", "--in-place", *options)
        assert done.code == 3
        assert SECRET not in done.text
        assert ("\\u2026" if options else "…") in done.text


def test_a_fault_shows_no_key(front: Front, fronted: Command) -> None:
    """Even a fault of the command itself, told with a traceback, shows no key."""
    fronted.write("sitecustomize.py", f"import os\nos.fstat = lambda _: {SECRET!r}\n".encode())
    fronted.variables["PYTHONPATH"] = str(fronted.folder)
    front.answers = [result(SMALL, len(PHOTO))]
    done = fronted.run("a.jpg", "--in-place")
    assert done.code == 3
    assert "Traceback" in done.text
    assert SECRET not in done.text


def test_a_proxy(front: Front, fronted: Command) -> None:
    """The environment's proxy is used, with its name and password, and left out for hosts of no_proxy."""
    front.answers = [result(SMALL, len(PHOTO))]
    proxy = front.url.replace("http://", "http://me:p%40ss@")
    fronted.variables |= {"MINIPIC_URL": "http://img.example", "http_proxy": proxy}
    assert fronted.run("a.jpg", "--output", "-").out == SMALL
    assert front.asked[0].path == "http://img.example/v1/compress"
    assert front.asked[0].headers["proxy-authorization"] == f"Basic {base64.b64encode(b'me:p@ss').decode()}"
    fronted.variables |= {"MINIPIC_URL": front.url, "http_proxy": "http://127.0.0.1:9", "no_proxy": "127.0.0.1"}
    assert fronted.run("a.jpg", "--output", "-", "--no-cache").out == SMALL


def test_an_interrupted_wait(front: Front, fronted: Command) -> None:
    """Ctrl-C ends a long wait at once: exit code 130, the original as it was, and the table of what was done."""
    front.answers = [Says(429, b'{"error":"TooManyRequests"}', {"Retry-After": "100"})]
    process = fronted.start("a.jpg", "--in-place")
    while not front.asked:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert b"1 not tried" in out
    assert (fronted.folder / "a.jpg").read_bytes() == PHOTO


def test_somebody_else_changes_the_file(front: Front, fronted: Command) -> None:
    """A file that changes while the service works on it is left as it is now."""
    front.answers = [OFTEN, result(SMALL, len(PHOTO))]
    process = fronted.start("a.jpg", "--in-place")
    while not front.asked:
        time.sleep(0.01)
    fronted.write("a.jpg", b"somebody's new picture")
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 3
    assert b"changed by somebody else" in out
    assert (fronted.folder / "a.jpg").read_bytes() == b"somebody's new picture"


def test_somebody_else_is_faster(front: Front, fronted: Command) -> None:
    """Neither an original that vanished meanwhile nor a result's name that was taken meanwhile is written over."""
    for options in (["--in-place"], ["--output", "out/"]):
        asked = len(front.asked)
        fronted.write("a.jpg", PHOTO)
        front.answers = [OFTEN, result(SMALL, len(PHOTO))]
        process = fronted.start("a.jpg", *options)
        while len(front.asked) == asked:
            time.sleep(0.01)
        if options == ["--in-place"]:
            (fronted.folder / "a.jpg").unlink()
        else:
            fronted.write("out/a.jpg", b"somebody's")
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 3
    assert fronted.files() == {"a.jpg", "out/a.jpg"}
    assert (fronted.folder / "out/a.jpg").read_bytes() == b"somebody's"
