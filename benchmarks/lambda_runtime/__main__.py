"""Run what `sam build` makes under Lambda's own runtime, measure it, and write docs/lambda-runtime.md.

Starts are compared with those of an empty FastAPI handler in the same session, turn by turn, by CPU time.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.lambda_runtime.emulator import Event, Place, running
from benchmarks.lambda_runtime.events import addressed, read_events
from benchmarks.lambda_runtime.measuring import Started, least_start, restored, started, warm
from benchmarks.lambda_runtime.page import PAGE, Row, misses, page
from benchmarks.lambda_runtime.places import BUILD_FOLDER, PEER, build, built_places, running_stores, without_bytecode

BARE = ("shrink", "usage")  # whose starts without bytecode are shown


def main() -> int:
    """Measure, print what goals are missed, write the page; return 1 when one is missed."""
    parser = argparse.ArgumentParser(prog="make bench-lambda", description=__doc__)
    parser.add_argument("--starts", type=int, default=11, help="of each function; the least counts")
    parser.add_argument("--requests", type=int, default=25, help="warm ones to each function")
    parser.add_argument("--only", default="", help="functions, by comma; then no page is written")
    parser.add_argument("--built", action="store_true", help="take what the last run has built")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    chosen = parser.parse_args()
    if not (chosen.built and BUILD_FOLDER.exists()):
        build()
    with running_stores() as stores, tempfile.TemporaryDirectory(dir=BUILD_FOLDER) as folder:
        places = built_places(stores.variables)
        names = [name for name in places if name != PEER and (not chosen.only or name in chosen.only.split(","))]
        events = _events(places, stores.key, Path(folder))
        starts = _starts({name: places[name] for name in (PEER, *names)}, chosen.starts, Path(folder))
        bare = _starts(
            {
                name: without_bytecode(places[name], Path(folder) / "bare")
                for name in (PEER, *BARE)
                if name in (PEER, *names)
            },
            chosen.starts, Path(folder),
        )  # fmt: skip
        rows = [
            _row(name, places[name], starts[name], events.get(name), bare.get(name), chosen.requests, Path(folder))
            for name in names
        ]
    peer = starts[PEER]
    if chosen.json:
        sys.stdout.write(json.dumps({"peer": asdict(peer), "rows": [asdict(row) for row in rows]}) + "\n")
    text = page(rows, peer, bare[PEER].init_cpu_ms, f"{os.cpu_count()} cores, Python {platform.python_version()}")
    if chosen.only:
        sys.stdout.write(text)
    else:
        PAGE.write_text(text)
    missed = misses(rows, peer)
    sys.stdout.write("".join(f"{miss}\n" for miss in missed))
    return 1 if missed else 0


def _events(places: dict[str, Place], key: str, folder: Path) -> dict[str, Event]:
    """Return the first event of each function, with a key and a result that are there."""
    found = read_events(name for name in places if name != PEER)
    with running(places["shrink"], "shrink", folder) as runtime:
        answer = runtime.invoke(addressed(found["shrink"]["shrink"], key)).answer
    result_id = answer["headers"]["Location"].rpartition("/")[2].partition("?")[0]
    return {name: addressed(events[name], key, result_id) for name, events in found.items() if name in events}


def _starts(places: dict[str, Place], times: int, folder: Path) -> dict[str, Started]:
    """Start each so many times, in turns: what else the machine does meets all alike."""
    for name, place in places.items():
        started(place, name, folder)  # the first one reads the files from the disk
    turns = [{name: started(place, name, folder) for name, place in places.items()} for _ in range(times)]
    return {name: least_start([turn[name] for turn in turns]) for name in places}


def _row(
    name: str, place: Place, start: Started, event: Event | None, bare: Started | None, requests: int, folder: Path
) -> Row:
    is_http = event is not None and "httpMethod" in event
    return Row(
        name,
        start,
        warm(place, name, folder, event, requests) if event is not None and is_http else None,
        restored(place, name, folder, event) if event is not None and is_http else None,
        None if bare is None else bare.init_cpu_ms,
    )


if __name__ == "__main__":
    sys.exit(main())
