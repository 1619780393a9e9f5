"""What HTTP costs: the service against a trivial endpoint of its own and against the bare engine, side by side.

Absolute times are this machine's; what matters is what the service adds to the engine, and that memory stays flat.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from benchmarks.http.load import HttpClient, Job, Load, request_bytes, run
from benchmarks.http.pictures import large_jpeg, small_png
from benchmarks.http.service import Service, running

from minipic.domain.options import parse_options
from minipic_engine import EnginePool

CLIENTS = (1, 8, 32)
TARGET_MS = 15.0
SAMPLES = 200
Row = dict[str, Any]


def main() -> None:
    """Measure, and print a table for people or JSON for scripts."""
    parser = argparse.ArgumentParser(prog="make bench-http", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each measurement")
    parser.add_argument("--requests", type=int, default=10_000, help="small ones, while memory is watched")
    parser.add_argument("--children", type=int, default=2, help="engine children")
    chosen = parser.parse_args()
    image = large_jpeg()
    rows = _bare_engine(chosen.children, image, chosen.seconds)
    with running(chosen.children) as service:
        rows += _service(service, image, chosen.seconds)
        memory = _memory(service, chosen.requests)
    engine_ms, service_ms = (_busiest(rows, name)["cpu_ms"] for name in ("engine", "compress"))
    added_ms = round(service_ms - engine_ms, 2)
    report = {"image_bytes": len(image), "rows": rows, "added_cpu_ms": added_ms, "memory": memory}
    print(json.dumps(report, indent=1) if chosen.json else _table(report))
    sys.exit(0 if added_ms <= TARGET_MS else 1)


def _bare_engine(children: int, image: bytes, duration_s: float) -> list[Row]:
    pool = EnginePool(children, max_wait_s=60)
    pool.start()
    options = parse_options("", "", "")

    def job() -> None:
        pool.compress(image, options)

    try:
        run(children, lambda: job, requests=2 * children)
        return [_measured("engine", clients, lambda: job, time.process_time, duration_s) for clients in CLIENTS]
    finally:
        pool.close()


def _service(service: Service, image: bytes, duration_s: float) -> list[Row]:
    rows = []
    for name, request in (
        ("healthz", request_bytes("GET", "/healthz")),
        ("compress", request_bytes("POST", "/v1/compress", service.key, image)),
    ):

        def client(request: bytes = request) -> Job:
            return HttpClient(service.port, request)

        run(2, client, requests=10)
        rows += [_measured(name, clients, client, service.cpu_s, duration_s) for clients in CLIENTS]
    return rows


def _measured(
    name: str, clients: int, make_job: Callable[[], Job], cpu_s: Callable[[], float], duration_s: float
) -> Row:
    before_s = cpu_s()
    load: Load = run(clients, make_job, duration_s=duration_s)
    numbers = {key: round(value, 2) for key, value in asdict(load).items()}
    return {"what": name, **numbers, "cpu_ms": round((cpu_s() - before_s) * 1000 / load.requests, 2)}


def _busiest(rows: list[Row], name: str) -> Row:
    """Return the row with the most requests, whose processor time is known best."""
    return max((row for row in rows if row["what"] == name), key=lambda row: int(row["requests"]))


def _memory(service: Service, requests: int) -> Row:
    """Send many small images, and compare what the server holds in the first and the last quarter."""
    request = request_bytes("POST", "/v1/compress", service.key, small_png())
    every = max(1, requests // CLIENTS[1] // SAMPLES)
    samples_bytes: list[int] = []

    def client() -> Job:
        send, sent = HttpClient(service.port, request), 0

        def job() -> None:
            nonlocal sent
            send()
            sent += 1
            if sent % every == 0:
                samples_bytes.append(service.rss_bytes())

        return job

    load = run(CLIENTS[1], client, requests=requests)
    quarter = max(1, len(samples_bytes) // 4)
    first, last = (statistics.mean(part) / 1024**2 for part in (samples_bytes[:quarter], samples_bytes[-quarter:]))
    return {
        "requests": load.requests,
        "per_second": round(load.per_second, 1),
        "first_quarter_mib": round(first, 1),
        "last_quarter_mib": round(last, 1),
    }


def _table(report: Row) -> str:
    memory = report["memory"]
    return "\n".join(
        [
            f"A JPEG of {report['image_bytes']:,} bytes. CPU: of the server process alone, for each request.",
            "",
            f"{'':10}{'clients':>8}{'requests':>10}{'a second':>10}"
            f"{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'CPU ms':>9}",
            *(_line(row) for row in report["rows"]),
            "",
            f"The service adds {report['added_cpu_ms']} ms of CPU to the engine's (at most {TARGET_MS:g}).",
            f"Memory over {memory['requests']:,} small requests ({memory['per_second']} a second): "
            f"{memory['first_quarter_mib']} MiB in the first quarter, {memory['last_quarter_mib']} MiB in the last.",
        ]
    )


def _line(row: Row) -> str:
    return (
        f"{row['what']:10}{row['clients']:>8}{row['requests']:>10}{row['per_second']:>10.1f}"
        f"{row['p50_ms']:>9.1f}{row['p95_ms']:>9.1f}{row['p99_ms']:>9.1f}{row['cpu_ms']:>9.2f}"
    )


if __name__ == "__main__":
    main()
