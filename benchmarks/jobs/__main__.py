"""What the queue costs: jobs a second against the same images sent to be answered at once, and how long jobs wait.

Absolute times are this machine's; what matters is the ratio, and that a job of an idle service is begun at once.
"""

import argparse
import http.client
import json
import statistics
import time
from typing import Any

from benchmarks.http.load import HttpClient, request_bytes, run
from benchmarks.http.pictures import large_jpeg
from benchmarks.http.service import Service, running

from minipic.domain.jobs import Job, State
from minipic.stores.local.database import Database
from minipic.stores.local.jobs import SqliteJobs

BATCH = 20
BOUNDARY = "a-boundary"
Report = dict[str, Any]


def main() -> None:
    """Measure, and print lines for people or JSON for scripts."""
    parser = argparse.ArgumentParser(prog="make bench-jobs", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--jobs", type=int, default=100, help="in one go, in forms of 20")
    parser.add_argument("--single", type=int, default=20, help="one after the other, on an idle service")
    parser.add_argument("--children", type=int, default=2, help="engine children")
    chosen = parser.parse_args()
    image = large_jpeg()
    with running(chosen.children) as service:
        jobs = SqliteJobs(Database(service.data_folder / "minipic.sqlite3"))
        request = request_bytes("POST", "/v1/compress?quality=80", service.key, image)
        run(chosen.children, lambda: HttpClient(service.port, request), requests=2 * chosen.children)
        at_once = run(chosen.children, lambda: HttpClient(service.port, request), requests=chosen.jobs)
        report = {
            "image_bytes": len(image),
            "at_once_per_second": round(at_once.per_second, 1),
            **_many(service, jobs, image, chosen.jobs),
            **_single(service, jobs, image, chosen.single),
        }
    report["jobs_to_at_once"] = round(report["jobs_per_second"] / report["at_once_per_second"], 2)
    print(json.dumps(report, indent=1) if chosen.json else _lines(report))


def _many(service: Service, jobs: SqliteJobs, image: bytes, number: int) -> Report:
    started_s = time.perf_counter()
    ids = [job_id for _ in range(number // BATCH) for job_id in _send(service, [image] * BATCH)]
    sent_s = time.perf_counter() - started_s
    done = _wait(jobs, ids)
    spent_s = time.perf_counter() - started_s
    waits_ms = sorted(job.started_ms - job.created_ms for job in done)
    return {
        "jobs": len(done),
        "jobs_per_second": round(len(done) / spent_s, 1),
        "taken_in_per_second": round(len(done) / sent_s, 1),
        "last_job_waited_ms": waits_ms[-1],
    }


def _single(service: Service, jobs: SqliteJobs, image: bytes, number: int) -> Report:
    waits_ms, answers_ms = [], []
    for _ in range(number):
        before_s = time.perf_counter()
        (job_id,) = _send(service, [image])
        answers_ms.append((time.perf_counter() - before_s) * 1000)
        (job,) = _wait(jobs, [job_id])
        waits_ms.append(job.started_ms - job.created_ms)
    return {
        "idle_wait_p50_ms": statistics.median(waits_ms),
        "idle_wait_max_ms": max(waits_ms),
        "answered_p50_ms": round(statistics.median(answers_ms), 1),
    }


def _send(service: Service, images: list[bytes]) -> list[int]:
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'.encode()
    body = b"".join(part + image + b"\r\n" for image in images) + f"--{BOUNDARY}--\r\n".encode()
    headers = {"X-API-Key": service.key, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    connection.request("POST", "/api/optimize", body, headers)
    answer = json.load(connection.getresponse())
    connection.close()
    data = answer["data"]
    return [image["image_id"] for image in (data if isinstance(data, list) else [data])]


def _wait(jobs: SqliteJobs, ids: list[int]) -> list[Job]:
    done: list[Job] = []
    for job_id in ids:
        while (job := jobs.read(job_id)) is None or job.state is State.PROCESSING:
            time.sleep(0.02)
        if job.state is not State.COMPLETED:
            raise RuntimeError(f"job {job.id}: {job.error} {job.message}")
        done.append(job)
    return done


def _lines(report: Report) -> str:
    return (
        f"A JPEG of {report['image_bytes']:,} bytes at quality 80, {report['jobs']} times.\n"
        f"Jobs: {report['jobs_per_second']} a second, answered at once: {report['at_once_per_second']}; "
        f"ratio {report['jobs_to_at_once']}.\n"
        f"Taken in: {report['taken_in_per_second']} a second; the last job began {report['last_job_waited_ms']} ms "
        "after it was sent.\n"
        f"On an idle service the answer takes {report['answered_p50_ms']} ms, and a job is begun "
        f"{report['idle_wait_p50_ms']:g} ms after it was taken in (at most {report['idle_wait_max_ms']} ms)."
    )


if __name__ == "__main__":
    main()
