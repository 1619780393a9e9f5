"""The TinyJPG-style face through the apps: images are taken in at once, worked on later, and counted when done."""

import hashlib
from typing import Any

import pytest

from minipic.domain.account import Status
from minipic.domain.image import ImageFormat, Options
from minipic.domain.jobs import LIFETIME_MS, MAX_ID
from minipic.domain.keys import Environment
from minipic.domain.metering import LEASE_MS, month_of
from minipic.domain.screening import parse_screening_list
from minipic.errors import DecodeError, SourceNotFound
from minipic.service.job_work import work_on
from minipic.settings import LinkMode
from minipic.stores.local.jobs import SqliteJobs
from minipic_engine import EnginePool, sniff
from tests.apps.conftest import House, InterruptedEngine, MakeHouse
from tests.pictures import graphic_png, opened, photo_jpeg, photo_png, photo_webp, tiny_png, truncated_jpeg

JPEG = photo_jpeg()
Answer = dict[str, Any]


class Everywhere:
    """Every address has the same image, unless it has none."""

    def __init__(self, image: bytes) -> None:
        self.image = image

    def fetch(self, url: str, max_bytes: int) -> bytes:
        """Return it."""
        if "missing" in url:
            raise SourceNotFound
        return self.image


def drain(house: House, engine: EnginePool) -> int:
    """Work on all jobs that are due; return how many tries that were."""
    jobs = house.services.jobs
    assert isinstance(jobs, SqliteJobs)
    tries = 0
    while (job_id := jobs.take_due(house.clock())) is not None:
        tries += 1
        house.clock.now_ms += 1000
        if not work_on(house.services, engine, job_id):
            jobs.bring_again(job_id, house.clock())
    return tries


def send(house: House, key: str, *images: bytes, **fields: str) -> Any:
    """Post a form."""
    files = [("image", (f"photo {number}.jpg", image)) for number, image in enumerate(images)]
    return house.client.post("/api/optimize", files=files, data=fields, headers={"X-API-Key": key})


def ask(house: House, key: str, path: str) -> Any:
    """Get what only a key opens."""
    return house.client.get(path, headers={"X-API-Key": key})


def status_of(house: House, key: str, queued: Answer) -> Answer:
    """Return what is known of an image."""
    answer: Answer = ask(house, key, f"/api/status/{queued['image_id']}").json()["data"]
    return answer


def images_of(house: House, key: str) -> int:
    """Return how many images the key's account was charged for this month."""
    account = house.services.accounts.read(house.account_of(key))
    return account.images.get(month_of(house.clock()), 0)


def test_an_image_is_taken_in_and_made_smaller(house: House, engine: EnginePool) -> None:
    """At once there is an id and both addresses; later the result, its sizes, and one image counted."""
    key = house.new_key()
    answer = send(house, key, JPEG, quality="70")
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert answer.headers["Compression-Count"] == "0"
    queued = answer.json()["data"]
    assert queued["status"] == "processing"
    assert queued["original_size"] == len(JPEG)
    assert 0 < queued["estimated_optimized_size"] <= len(JPEG)
    pending = ask(house, key, f"/api/status/{queued['image_id']}")
    assert pending.headers["Retry-After"] == "2"
    assert pending.json()["data"]["optimized_size"] is None
    assert drain(house, engine) == 1
    done = status_of(house, key, queued)
    result = house.client.get(done["optimized_url"])
    assert done["status"] == "completed"
    assert done["optimized_size"] == len(result.content) < len(JPEG)
    assert done["compression_ratio"] == round((1 - len(result.content) / len(JPEG)) * 100, 2)
    assert done["processing_time"] == 0  # the clock of this test stands still while a job is worked on
    assert (done["filename"], done["error"]) == ("photo 0.jpg", None)
    assert opened(result.content).size == opened(JPEG).size
    assert images_of(house, key) == 1
    assert ask(house, key, "/v1/usage").json()["by_operation"] == {"optimize": 1}


def test_the_files_are_downloaded_without_a_key(house: House, engine: EnginePool) -> None:
    """Both files come under the name that was sent, as what they are, and nobody's browser guesses otherwise."""
    key = house.new_key()
    queued = send(house, key, JPEG).json()["data"]
    original = house.client.get(queued["original_url"])
    assert original.content == JPEG
    waiting = house.client.get(queued["optimized_url"])
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (202, "2")
    assert waiting.json()["data"]["status"] == "processing"
    drain(house, engine)
    for file in (original, house.client.get(queued["optimized_url"])):
        assert file.headers["Content-Type"] == "image/jpeg"
        assert file.headers["Content-Disposition"] == "inline; filename=\"photo 0.jpg\"; filename*=UTF-8''photo%200.jpg"
        assert file.headers["X-Content-Type-Options"] == "nosniff"
    head = house.client.head(queued["optimized_url"])
    assert (head.content, head.headers["Content-Length"]) == (b"", str(status_of(house, key, queued)["optimized_size"]))


def test_a_file_is_named_after_what_it_is(house: House) -> None:
    """A PNG that was sent as photo.jpg is downloaded as photo.png; folders and quotes of a name are not kept."""
    key = house.new_key()
    for name, kept in (("photo.jpg", "photo.png"), ("../a/b:c.png", "b_c.png"), ("ü.PNG", "ü.PNG"), ("x", "x.png")):
        files = {"image": (name, tiny_png())}
        queued = house.client.post("/api/optimize", files=files, headers={"X-API-Key": key}).json()["data"]
        assert (
            bytes(house.client.get(queued["original_url"]).url.raw_path)
            .decode()
            .endswith("/" + kept.replace("ü", "%C3%BC"))
        )
        house.clock.now_ms += 1000


def test_a_token_opens_one_file(house: House, engine: EnginePool) -> None:
    """The token of the original does not open the result, and a changed one nothing: each is a 404."""
    queued = send(house, house.new_key(), JPEG).json()["data"]
    drain(house, engine)
    url = queued["optimized_url"]
    assert house.client.get(url).status_code == 200
    token = url.split("/")[-2]
    changed = token[:-1] + ("a" if token[-1] != "a" else "b")
    for wrong in (queued["original_url"].replace("/original/", "/optimized/"), url.replace(token, changed)):
        answer = house.client.get(wrong)
        assert (answer.status_code, answer.json()["success"]) == (404, False)
    assert house.client.get("/direct-file/optimized/short/a.jpg").status_code == 404
    assert house.client.get(f"/direct-file/thumbnail/{token}/a.jpg").status_code == 404


def test_files_expire_and_jobs_are_forgotten(house: House, engine: EnginePool) -> None:
    """Files live as long as any result; what came of an image can be asked for a week."""
    key = house.new_key()
    queued = send(house, key, JPEG).json()["data"]
    drain(house, engine)
    house.clock.now_ms += house.settings.result_ttl_s * 1000
    for url in (queued["original_url"], queued["optimized_url"]):
        assert house.client.get(url).status_code == 404
    known = status_of(house, key, queued)
    assert (known["status"], known["original_url"], known["optimized_url"]) == ("completed", None, None)
    house.clock.now_ms += LIFETIME_MS
    assert ask(house, key, f"/api/status/{queued['image_id']}").status_code == 404
    assert ask(house, key, "/api/jobs").json()["data"]["jobs"] == []


def test_links_that_are_off_want_the_key_too(make_house: MakeHouse, engine: EnginePool) -> None:
    """Where the operator switched links off, a token opens a file only for the account's own key."""
    house = make_house(link_mode=LinkMode.OFF)
    key, other = house.new_key(), house.new_key("other")
    url = send(house, key, JPEG).json()["data"]["original_url"]
    assert house.client.get(url).status_code == 401
    assert ask(house, other, url).status_code == 404
    assert ask(house, key, url).content == JPEG


def test_a_key_that_is_off_opens_nothing(make_house: MakeHouse) -> None:
    """A key that was switched off is a 401 at a file, too, with a good token beside it or not."""
    for mode in (LinkMode.OFF, LinkMode.URL):
        house = make_house(link_mode=mode)
        key = house.new_key()
        url = send(house, key, JPEG).json()["data"]["original_url"]
        (key_id,) = house.services.accounts.read(house.account_of(key)).keys
        house.services.accounts.set_key_enabled(house.account_of(key), key_id, False)
        assert ask(house, key, url).status_code == 401


def test_a_job_that_nobody_worked_on_ends(house: House) -> None:
    """When its files expire a job that is still waiting is told of as failed: it will never be completed."""
    key = house.new_key()
    queued = send(house, key, JPEG).json()["data"]
    house.clock.now_ms += house.settings.result_ttl_s * 1000 + LEASE_MS
    assert status_of(house, key, queued)["error"]["code"] == "OutputExpired"
    assert len(ask(house, key, "/api/jobs?status=failed").json()["data"]["jobs"]) == 1


def test_only_its_account_can_ask(house: House) -> None:
    """Another account's id, one that never was, and what is no id are the same 404."""
    key, other = house.new_key(), house.new_key("other")
    queued = send(house, key, JPEG).json()["data"]
    assert ask(house, key, f"/api/status/{queued['image_id']}").status_code == 200
    for asked, path in ((other, queued["image_id"]), (key, queued["image_id"] + 1), (key, "x"), (key, MAX_ID + 1)):
        answer = ask(house, asked, f"/api/status/{path}")
        assert (answer.status_code, answer.json()["errors"]) == (404, {})
    assert house.client.get(f"/api/status/{queued['image_id']}").status_code == 401


def test_ids_are_whole_numbers_that_tell_nothing(house: House) -> None:
    """Ids stay below 2^53, and the next one is not the last one and one."""
    key = house.new_key(plan="paid")
    ids = [send(house, key, tiny_png()).json()["data"]["image_id"] for _ in range(3)]
    assert all(0 < image_id <= MAX_ID for image_id in ids)
    assert all(abs(first - second) > 1 for first in ids for second in ids if first is not second)


def test_a_batch_is_taken_in_whole(house: House, engine: EnginePool) -> None:
    """Several images of one form are a list of jobs; one that is none refuses all."""
    key = house.new_key()
    answer = send(house, key, JPEG, graphic_png(), photo_webp())
    queued = answer.json()["data"]
    assert [image["original_size"] for image in queued] == [len(JPEG), len(graphic_png()), len(photo_webp())]
    assert drain(house, engine) == 3
    assert {status_of(house, key, image)["status"] for image in queued} == {"completed"}
    assert images_of(house, key) == 3
    refused = send(house, house.new_key("two"), JPEG, b"no image at all")
    assert (refused.status_code, list(refused.json()["errors"])) == (415, ["image"])
    assert drain(house, engine) == 0


def test_a_batch_beyond_what_is_left_is_refused_whole(house: House, engine: EnginePool) -> None:
    """Four images with three left: 403, none is taken, and a smaller batch still is."""
    key = house.new_key()
    answer = send(house, key, *[tiny_png(seed) for seed in range(4)])
    assert answer.status_code == 403
    assert "Your monthly limit has been exceeded" in answer.json()["message"]
    assert drain(house, engine) == 0
    assert send(house, key, *[tiny_png(seed) for seed in range(3)]).status_code == 200


def test_more_images_than_a_batch_takes(house: House) -> None:
    """Twenty-one images are too many: a 422 that names the field."""
    answer = send(house, house.new_key(plan="paid"), *[tiny_png()] * 21)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["image"])


def test_raw_bytes_and_json_sources(make_house: MakeHouse, engine: EnginePool) -> None:
    """The image may be the body, or at an address; `quality` is in the query, or beside the source."""
    house = make_house(sources=Everywhere(photo_png()))
    headers = {"X-API-Key": house.new_key(plan="paid")}
    raw = house.client.post("/api/optimize?quality=30", content=JPEG, headers=headers)
    assert raw.json()["data"]["original_size"] == len(JPEG)
    source = {"source": {"url": "https://example.com/a.png"}, "quality": 30}
    fetched = house.client.post("/api/optimize", json=source, headers=headers)
    assert fetched.json()["data"]["original_size"] == len(photo_png())
    assert drain(house, engine) == 2
    missing = {"source": {"url": "https://example.com/missing"}}
    answer = house.client.post("/api/optimize", json=missing, headers=headers)
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["image"])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"quality": "0"}, {"quality"}),
        ({"quality": "101"}, {"quality"}),
        ({"quality": "best"}, {"quality"}),
        ({"webhook_url": "http://example.com/hook"}, {"webhook_url"}),
        ({"webhook_url": "https://example.com/hook", "webhook_secret": "short"}, {"webhook_secret"}),
        ({"webhook_secret": "whsec_" + "a" * 32}, {"webhook_secret"}),
        ({"quality": "0", "webhook_url": "ftp://x"}, {"quality", "webhook_url"}),
    ],
)
def test_wrong_fields_are_named(house: House, engine: EnginePool, fields: dict[str, str], named: set[str]) -> None:
    """Every field that is wrong is named with what it takes, and nothing is taken in."""
    answer = send(house, house.new_key(), JPEG, **fields)
    body = answer.json()
    assert (answer.status_code, body["success"], set(body["errors"])) == (422, False, named)
    assert drain(house, engine) == 0


@pytest.mark.parametrize("body", ["[]", "{", "{}", '{"source": 3}', '{"source": {"url": "https://a.b/"}, "x": 1}'])
def test_json_that_says_no_source(house: House, body: str) -> None:
    """JSON that is none, or names no source, or more than there is, is refused with what it takes."""
    headers = {"X-API-Key": house.new_key(), "Content-Type": "application/json"}
    answer = house.client.post("/api/optimize", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["success"] is False


def test_an_image_is_required(house: House) -> None:
    """A form without one, an empty file, a text in its place, and no body at all: 422 by field."""
    headers = {"X-API-Key": house.new_key()}
    forms: list[dict[str, Any]] = [
        {"data": {"quality": "80"}, "files": {"other": ("a", b"")}},
        {"files": {"image": ("a.jpg", b"")}},
        {"data": {"image": "text"}, "files": {"other": ("a", b"x")}},
        {},
    ]
    for form in forms:
        answer = house.client.post("/api/optimize", headers=headers, **form)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["image"])


def test_other_formats_are_refused(house: House) -> None:
    """BMP is an image, but none of this address: a 415 that says which are."""
    bmp = b"BM" + bytes(12) + (40).to_bytes(4, "little") + bytes(60)
    assert sniff(bmp) is ImageFormat.BMP
    answer = send(house, house.new_key(), bmp)
    assert answer.status_code == 415
    assert "JPEG, PNG, GIF and WebP" in answer.json()["message"]


def test_too_large_images_are_refused(house: House) -> None:
    """Above the plan's size it is a 413, in a form, as body, and together."""
    key = house.new_key()
    large = JPEG + bytes(2 * 1024 * 1024)
    assert send(house, key, large).status_code == 413
    assert house.client.post("/api/optimize", content=large, headers={"X-API-Key": key}).status_code == 413


def test_what_is_announced_is_refused_before_it_is_read(house: House) -> None:
    """A request that says it is larger than it may be is refused at once, as a form and as an image."""
    key = house.new_key()
    for fields in ({"Content-Type": "multipart/form-data; boundary=x"}, {"Content-Type": "image/jpeg"}):
        headers = {"X-API-Key": key, "Content-Length": "190000000", **fields}
        answer = house.client.post("/api/optimize", content=b"--x", headers=headers)
        assert (answer.status_code, list(answer.json()["errors"])) == (413, ["image"])


@pytest.mark.parametrize("charset", ["undefined", "punycode", "no-such"])
def test_forms_in_odd_charsets(house: House, charset: str) -> None:
    """A form whose charset is none is refused or read, and no fault of ours."""
    headers = {"X-API-Key": house.new_key(), "Content-Type": f"multipart/form-data; boundary=x; charset={charset}"}
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    for path in ("/api/optimize", "/v1/compress"):
        assert house.client.post(path, content=body, headers=headers).status_code in (400, 415, 422)


def test_names_of_fields_that_no_text_holds(house: House) -> None:
    """A field named by half a character is refused like any other that is not known."""
    headers = {"X-API-Key": house.new_key(), "Content-Type": "application/json"}
    body = b'{"source": {"url": "https://a.b/"}, "\\ud800": 1}'
    answer = house.client.post("/api/optimize", content=body, headers=headers)
    assert (answer.status_code, answer.json()["success"]) == (422, False)


def test_a_form_may_begin_with_an_empty_line(house: House) -> None:
    """A preamble before the first boundary, and Boundary in capitals, are a form as well."""
    body = (
        b'\r\n--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n' + JPEG + b"\r\n--x--\r\n"
    )
    headers = {"X-API-Key": house.new_key(), "Content-Type": "multipart/form-data; Boundary=x"}
    assert house.client.post("/api/optimize", content=body, headers=headers).status_code == 200


def test_a_broken_image_fails_uncounted(house: House, engine: EnginePool) -> None:
    """An image that cannot be decoded is failed at the first try, says why, and costs nothing."""
    key = house.new_key()
    queued = send(house, key, truncated_jpeg()).json()["data"]
    assert drain(house, engine) == 1
    failed = status_of(house, key, queued)
    assert (failed["status"], failed["error"]["code"], failed["optimized_url"]) == ("failed", DecodeError.code, None)
    answer = house.client.get(queued["optimized_url"])
    assert answer.status_code == 404
    assert failed["error"]["message"] in answer.json()["message"]
    assert house.client.get(queued["original_url"]).status_code == 404
    assert images_of(house, key) == 0


def test_a_quota_that_is_gone_meanwhile(house: House, engine: EnginePool) -> None:
    """Jobs taken in while images were left fail with that reason when none is, and what was there is all drawn."""
    key = house.new_key()
    queued = [send(house, key, tiny_png(seed)).json()["data"] for seed in range(5)]
    assert send(house, key, *[tiny_png()] * 4).status_code == 403
    drain(house, engine)
    ended = [status_of(house, key, image) for image in queued]
    assert sorted(image["status"] for image in ended) == ["completed"] * 3 + ["failed"] * 2
    assert {image["error"]["code"] for image in ended if image["error"]} == {"AccountLimitReached"}
    assert images_of(house, key) == 3
    answer = send(house, key, tiny_png())
    assert (answer.status_code, "upgrade_url" in answer.json()) == (403, True)


def test_the_rate_holds_for_calls_not_for_jobs(house: House, engine: EnginePool) -> None:
    """The 21st call at once is a 429 with Retry-After, and the 20 that were taken in are all worked on."""
    key = house.new_key(plan="paid")
    house.services.accounts.grant(house.account_of(key), "p", 100, house.clock(), house.services.plans)
    answers = [send(house, key, tiny_png()) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [200] * 20 + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    drain(house, engine)
    assert images_of(house, key) == 20


@pytest.mark.parametrize("change", ["off", "suspended"])
def test_a_key_that_was_switched_off_meanwhile(house: House, engine: EnginePool, change: str) -> None:
    """Jobs of a key that was switched off, or of an account that was suspended, fail uncounted."""
    key = house.new_key()
    account_id = house.account_of(key)
    send(house, key, JPEG)
    if change == "off":
        (key_id,) = house.services.accounts.read(account_id).keys
        house.services.accounts.set_key_enabled(account_id, key_id, False)
    else:
        house.services.accounts.set_status(account_id, Status.SUSPENDED)
    assert drain(house, engine) == 1
    assert images_of(house, key) == 0


def test_a_sandbox_key_runs_the_real_thing(house: House, engine: EnginePool) -> None:
    """Its jobs are worked on and never billed."""
    key = house.new_key(environment=Environment.TEST)
    queued = send(house, key, JPEG).json()["data"]
    drain(house, engine)
    assert status_of(house, key, queued)["status"] == "completed"
    assert images_of(house, key) == 0


def test_screening_refuses_what_it_knows_by_its_bytes(make_house: MakeHouse) -> None:
    """Such an image is never taken in."""
    house = make_house(screening=parse_screening_list(f"sha256:{hashlib.sha256(JPEG).hexdigest()}"))
    answer = send(house, house.new_key(), JPEG)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["image"])


def test_screening_deletes_what_it_knows_by_its_look(make_house: MakeHouse, engine: EnginePool) -> None:
    """Such an image is found out by the job, which fails uncounted, and the upload goes with it."""
    picture = graphic_png(400, 300)
    look = engine.compress(picture, Options().with_fingerprint()).fingerprint
    house = make_house(screening=parse_screening_list(f"pdq:{look}"))
    key = house.new_key()
    queued = send(house, key, picture).json()["data"]
    drain(house, engine)
    assert status_of(house, key, queued)["error"]["code"] == "ContentBlocked"
    assert house.client.get(queued["original_url"]).status_code == 404
    assert images_of(house, key) == 0


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), OSError("a disk")])
def test_a_fault_of_ours_is_tried_three_times(
    make_house: MakeHouse, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """What the image is not to blame for is tried again; after the third time the job fails, uncounted."""

    def happens() -> None:
        raise fault

    broken = InterruptedEngine(happens)
    house = make_house(broken)
    key = house.new_key()
    queued = send(house, key, JPEG).json()["data"]
    tries = 0
    while status_of(house, key, queued)["status"] == "processing":
        tries += drain(house, broken)
        house.clock.now_ms += 5000
    assert tries == 3
    assert status_of(house, key, queued)["error"]["code"] == "InternalServerError"
    assert "JOB_GIVEN_UP" in caplog.text
    assert images_of(house, key) == 0
    assert "a bug" not in str(status_of(house, key, queued))


def test_an_upload_that_waited_too_long(house: House, engine: EnginePool) -> None:
    """A job whose upload is there no more fails, and says what to do."""
    key = house.new_key()
    queued = send(house, key, JPEG).json()["data"]
    job = house.services.jobs.read(queued["image_id"])
    assert job is not None
    house.services.results.delete_original(job.original_id)
    drain(house, engine)
    assert status_of(house, key, queued)["error"]["code"] == "OutputExpired"


def test_jobs_are_listed(house: House, engine: EnginePool) -> None:
    """The newest first, of one's own account only, by status, in pages that a cursor leads through."""
    key, other = house.new_key(plan="paid"), house.new_key("other")
    house.services.accounts.grant(house.account_of(key), "p", 100, house.clock(), house.services.plans)
    send(house, other, JPEG)
    for _ in range(3):
        send(house, key, *[tiny_png()] * 20)
        house.clock.now_ms += 5000
    first = ask(house, key, "/api/jobs").json()["data"]
    second = ask(house, key, f"/api/jobs?cursor={first['cursor']}").json()["data"]
    ids = [image["image_id"] for image in first["jobs"] + second["jobs"]]
    assert (len(first["jobs"]), len(ids), second["cursor"]) == (50, 60, None)
    assert ids == sorted(set(ids), reverse=True)
    assert ask(house, key, "/api/jobs?status=completed").json()["data"]["jobs"] == []
    for path in ("/api/jobs?status=done", "/api/jobs?cursor=x"):
        assert ask(house, key, path).status_code == 422


def test_keys_in_their_own_header_come_first(house: House) -> None:
    """Where two keys are sent this face takes that of X-API-Key; the others take Authorization's."""
    key = house.new_key()
    assert house.client.get("/api/jobs", headers={"X-API-Key": key}, auth=("api", "mp_live_wrong")).status_code == 200
    assert house.client.get("/v1/usage", headers={"X-API-Key": key}, auth=("api", "mp_live_wrong")).status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/optimize", 405), ("GET", "/api/nothing", 404), ("PUT", "/api/jobs", 405)],
)
def test_what_is_not_there_has_the_shape_of_this_face(house: House, method: str, path: str, status: int) -> None:
    """An address or a method that this face does not have is refused in its own words."""
    answer = house.client.request(method, path)
    assert (answer.status_code, answer.json()["success"]) == (status, False)
    assert house.client.request(method, "/v1/nothing").json()["error"] == "NotFound"


def test_a_fault_has_the_shape_of_this_face(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 500 says neither what failed nor where, in this face's own words."""
    house = make_house()
    key = house.new_key()

    def fails(*_: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr("minipic.stores.local.jobs.SqliteJobs.page", fails)
    answer = ask(house, key, "/api/jobs")
    assert answer.status_code == 500
    assert set(answer.json()) == {"success", "message", "errors", "request_id"}
    assert "inside" not in answer.text
