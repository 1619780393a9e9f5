"""Check a deployment from outside, as a client sees it; costs five images of the key's account.

MINIPIC_KEY=mp_live_… python -m tools.smoke https://img.example.com [--json]

A line for each check, `ok` or `FAILED`; exit code 0 when all hold, 1 when one does not, 2 when it was not understood.
The account must not be used by others meanwhile: its count is compared. The key is never printed.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from typing import Any

from tools.smoke_client import Service, Wrong, expect, expect_status, picture

IMAGES = 5
PATIENCE_S = 60  # for what happens later: a job, a line of the ledger
ABOVE_GATEWAY_BYTES = 10 * 1024 * 1024 + 1  # API Gateway takes no more than 10 MiB
JSON = {"Content-Type": "application/json"}
OPERATIONS = {"resize": {"method": "fit", "width": 32, "height": 32}, "convert": {"type": "image/webp"}}


@dataclass(frozen=True)
class Check:
    """What one check found."""

    name: str
    is_ok: bool
    details: str
    took_ms: int


@dataclass
class Smoke:
    """The service, what was found so far, and what later checks need of earlier ones."""

    service: Service
    tells: Callable[[Check], None]
    checks: list[Check] = field(default_factory=list)
    count_before: int = 0
    shrunk: dict[str, Any] = field(default_factory=dict)
    location: str = ""

    @contextmanager
    def check(self, name: str) -> Iterator[list[str]]:
        """Record whether what happens inside holds; details can be added to what is yielded."""
        details: list[str] = []
        start_s = time.monotonic()
        is_ok = False
        try:
            yield details
            is_ok = True
        except Wrong as wrong:
            details.append(str(wrong))
        except (OSError, HTTPException) as error:
            details.append(f"no answer: {type(error).__name__}: {error}")
        except (LookupError, TypeError, ValueError) as error:
            details.append(f"the answer lacks what it must have: {type(error).__name__}: {error}")
        found = Check(name, is_ok, "; ".join(details), round(1000 * (time.monotonic() - start_s)))
        self.checks.append(found)
        self.tells(found)


def check_doors(it: Smoke) -> None:
    """Knock with and without a key."""
    with it.check("health"):
        answer = it.service.ask("GET", "/healthz", has_key=False)
        expect_status(answer, 200)
        expect(answer.json == {"status": "ok"}, str(answer.json))
    with it.check("no key is 401 in our words"):
        answer = it.service.ask("POST", "/shrink", picture(), has_key=False)
        expect_status(answer, 401)
        expect(answer.json["error"] == "Unauthorized" and bool(answer.json["request_id"]), str(answer.json))
    with it.check("a wrong method is refused in our words"):
        answer = it.service.ask("DELETE", "/shrink")
        expect_status(answer, 404, 405)
        expect(answer.json["error"] in ("NotFound", "MethodNotAllowed"), str(answer.json))
    with it.check("the key is good") as details:
        usage = it.service.ask("GET", "/v1/usage")
        expect_status(usage, 200)
        it.count_before = usage.json["count"]
        remaining = usage.headers["compression-count-remaining"]
        details.append(f"plan {usage.json['plan']}, {remaining} images left")


def check_results(it: Smoke) -> None:
    """Compress, download by key and by link, derive."""
    image = picture()
    with it.check("shrink") as details:
        answer = it.service.ask("POST", "/shrink", image)
        expect_status(answer, 201)
        it.shrunk = answer.json["output"]
        it.location = answer.headers["location"].removeprefix(it.service.base_url)
        expect(it.shrunk["size"] <= len(image), "the result is larger")
        details.append(f"{len(image)} to {it.shrunk['size']} bytes")
    for name, target in (("the key", it.location), ("output.url", it.shrunk.get("url", "")),
                         ("download_url", it.shrunk.get("download_url", ""))):  # fmt: skip
        with it.check(f"download by {name}"):
            expect(bool(target), "there is no result")
            answer = it.service.ask("GET", target)
            expect_status(answer, 200)
            expect(len(answer.body) == it.shrunk["size"], f"{len(answer.body)} bytes")
    with it.check("no download without key or link"):
        expect_status(it.service.ask("GET", it.location or "/output/none", has_key=False), 401)
    with it.check("derive: resized, as WebP"):
        answer = it.service.ask("POST", it.location, json.dumps(OPERATIONS).encode(), JSON)
        expect_status(answer, 200)
        expect((answer.body[:4], answer.body[8:12]) == (b"RIFF", b"WEBP"), "no WebP")
        expect(answer.headers["image-width"] == "32", f"{answer.headers['image-width']} pixels wide")
    with it.check("compress"):
        answer = it.service.ask("POST", "/v1/compress?quality=lossless", image)
        expect_status(answer, 200)
        expect(answer.body.startswith(image[:8]) and len(answer.body) <= len(image), "no smaller PNG")


def check_sizes(it: Smoke) -> None:
    """Send what is too large for one request, and go the way round."""
    with it.check("a body above the gateway's limit is refused in our words") as details:
        answer = it.service.ask("POST", "/shrink", bytes(ABOVE_GATEWAY_BYTES))
        if (
            answer.status == 415
            and it.service.ask("GET", "/v1/usage").json["limits"]["max_bytes"] >= ABOVE_GATEWAY_BYTES
        ):
            details.append("there is no such limit here")
        else:
            expect_status(answer, 413)
            expect(answer.json["error"] == "PayloadTooLarge", str(answer.json))
            details.append("asks for " + answer.json["upload_url"] if "upload_url" in answer.json else "by the plan")
    with it.check("an upload to the storage, then shrink"):
        image = picture()
        offer = it.service.ask("POST", "/v1/uploads", json.dumps({"size": len(image)}).encode(), JSON)
        expect_status(offer, 201)
        expect_status(it.service.post_form(offer.json["url"], offer.json["fields"], image), 201, 204)
        source = {"source": {"upload": offer.json["upload"]}}
        expect_status(it.service.ask("POST", "/shrink", json.dumps(source).encode(), JSON), 201)


def check_jobs(it: Smoke) -> None:
    """Have an image compressed in the background, and ask the other face for the year."""
    image = picture()
    job: dict[str, Any] = {}
    with it.check("optimize takes an image in"):
        answer = it.service.post_form("/api/optimize", {"quality": "80"}, image, file_field="image")
        expect_status(answer, 200)
        job = answer.json["data"]
    with it.check("the job ends") as details:
        deadline_s = time.monotonic() + PATIENCE_S
        while (job := _job(it, job["image_id"]))["status"] == "processing":
            expect(time.monotonic() < deadline_s, f"not within {PATIENCE_S} s")
            time.sleep(1)
        expect(job["status"] == "completed", str(job["error"]))
        details.append(f"{job['original_size']} to {job['optimized_size']} bytes")
    for name, size in (("original", "original_size"), ("optimized", "optimized_size")):
        with it.check(f"download the job's {name} file without a key"):
            answer = it.service.ask("GET", job[f"{name}_url"], has_key=False)
            if answer.status == 302:
                answer = it.service.ask("GET", answer.headers["location"])
            expect_status(answer, 200)
            expect(len(answer.body) == job[size], f"{len(answer.body)} bytes")
    with it.check("the year's usage"):
        answer = it.service.ask("GET", "/api/v1/usage")
        expect_status(answer, 200)
        expect(len(answer.json["data"]["monthly_trend"]) == 12, "not twelve months")


def _job(it: Smoke, image_id: int) -> dict[str, Any]:
    answer = it.service.ask("GET", f"/api/status/{image_id}")
    expect_status(answer, 200)
    job: dict[str, Any] = answer.json["data"]
    return job


def check_books(it: Smoke) -> None:
    """Compare what was charged with what was done, and look for its line in the ledger."""
    with it.check("the count rose by exactly what was done") as details:
        expected = 0 if it.service.key.startswith("mp_test_") else IMAGES
        rose = it.service.ask("GET", "/v1/usage").json["count"] - it.count_before
        expect(rose == expected, f"by {rose} instead of {expected}")
        details.append(f"by {rose}")
    with it.check("the ledger has the line"):
        result = it.location.partition("?")[0].rpartition("/")[2]
        deadline_s = time.monotonic() + PATIENCE_S
        while not any(line["result"] == result for line in _last_lines(it)):
            expect(time.monotonic() < deadline_s, f"not within {PATIENCE_S} s")
            time.sleep(1)


def _last_lines(it: Smoke) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    target: str | None = "/v1/ledger"
    while target:
        answer = it.service.ask("GET", target)
        expect_status(answer, 200)
        lines += answer.json["lines"]
        target = f"/v1/ledger?cursor={answer.json['cursor']}" if answer.json["cursor"] else None
    return lines


def _tell(check: Check) -> None:
    print(f"{'ok' if check.is_ok else 'FAILED':<8}{check.name}" + (f": {check.details}" if check.details else ""))


def main() -> int:
    """Run every check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("base_url", help="such as https://a1b2c3.execute-api.eu-central-1.amazonaws.com/live")
    parser.add_argument("--json", action="store_true", help="an object for scripts instead of lines")
    wanted = parser.parse_args()
    key = os.environ.get("MINIPIC_KEY", "")
    if not key or not wanted.base_url.startswith(("http://", "https://")):
        parser.error("a base URL and, in MINIPIC_KEY, a key are needed: make smoke BASE_URL=https://… KEY=mp_live_…")
    it = Smoke(Service(wanted.base_url.rstrip("/"), key), (lambda _: None) if wanted.json else _tell)
    if not wanted.json:
        print(f"Checking {it.service.base_url}; this costs {IMAGES} images.")
    for checks in (check_doors, check_results, check_sizes, check_jobs, check_books):
        checks(it)
    failed = [check for check in it.checks if not check.is_ok]
    if wanted.json:
        print(json.dumps({"is_ok": not failed, "images": IMAGES, "checks": [asdict(check) for check in it.checks]}))
    else:
        print(f"{len(it.checks) - len(failed)} of {len(it.checks)} hold.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
