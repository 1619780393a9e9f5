"""The page that the figures are written to."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.lambda_runtime.measuring import Restored, Started, Warm

PAGE = Path(__file__).parents[2] / "docs" / "lambda-runtime.md"
PIXELS_RATIO = 1.5
OTHERS_RATIO = 1.3
REST_MS = 10.0
_HEAD = """\
# The functions under Lambda's runtime

Written by `make bench-lambda`; do not edit. Each function's folder, as `sam build` made it with its layers (for this
machine), runs under Lambda's own runtime client (`awslambdaric`) behind AWS's runtime interface emulator, with a
stand-in for DynamoDB and S3. What counts are ratios: milliseconds are those of {machine}, with all of a core.
Of several runs in turns the least counts: other work on the machine only adds.

- *Start* is the CPU of the function's process until the runtime asks for the first event: Python, the runtime's client
  and all imports. *Ratio* is to the same of the least handler that FastAPI and Mangum can be, with the same layers, in
  the same session: {peer:.0f} ms. The goal is at most {pixels} for functions with an engine, {others} for the others.
- *Child* is the CPU of the engine's child until it has loaded and used its codecs. It starts with the function, which
  does not wait for it: the first image does, or the snapshot.
- *Rest* is a warm request without its engine and its stores: the runtime's client, the emulator, HTTP's layers. The
  goal is at most {rest:.0f} ms. *CPU* is what the function's own process takes for one, its calls of stores included.
- *Memory* is the most that the function's process and the child held with a small picture. Large ones:
  [engine-limits.md](engine-limits.md).

{said}

| function | start ms | ratio | child ms | first answer ms | warm ms | engine | stores | rest | CPU ms | memory MB |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
"""
_BYTECODE = """
## Bytecode

The layers bring bytecode where `python3.13` was found when they were built (Lambda cannot write any). Start with and
without, in milliseconds of CPU:

| function | with | without | times |
|---|--:|--:|--:|
"""
_SNAPSHOTS = """
## Snapshots

SnapStart stops a published version after its start, and every execution environment begins there: the start above is
paid when a version is published. What is left for the first request, with the same client of the runtime and a
stand-in for the snapshot (the process waits in the call in which it is stopped on AWS):

| function | hooks after the restore ms | first answer ms | first answer without a snapshot ms |
|---|--:|--:|--:|
"""
_TAIL = """
Before the snapshot the engine's child has loaded its codecs, the app has answered one request that nobody sent, and the
clients of DynamoDB and S3 have built a call each, without a network: no connection and no answer is in the snapshot.
After a restore Python's and OpenSSL's generators are seeded again, connections are closed and what was remembered of
keys is forgotten. Identifiers and tokens come from the operating system, and are fresh anyway. The credentials are
those that Lambda's agent gives, and are asked for again when they are old. What a restore on AWS costs beside this is
in [unproven-without-aws.md](unproven-without-aws.md).

## What keeps a start short

Bytecode in the layers; botocore's descriptions cut to the services that are called, and unpacked; clients by botocore
without boto3, from one session, those of S3 and SQS made at their first use; the engine's child beside the function
instead of before it; the collector of garbage held back while modules are loaded (`minipic.http.early`, the first
import of every function). What is left above the peer is mostly botocore with urllib3 (a third), PynamoDB, Powertools
and some 60 modules of the service, none of which takes more than 2 %.

## Memory

Lambda gives a whole core from 1 769 MB on, and the share grows with the memory. Functions with an engine have 3 008 MB:
1.7 cores, which the engine's threads use, and room for what 100 megapixels take in most formats. Less memory makes them
slower in proportion, and no cheaper. The others have 512 MB and use an eighth
of it. That is 0.29 of a core: what the CPU column says takes 3.5 times as long there. Less memory would make that more,
and save little beside what the stores cost.
"""


@dataclass(frozen=True)
class Row:
    """What was measured of one function; None where it has no answer to time."""

    name: str
    started: Started
    warm: Warm | None
    restored: Restored | None
    cold_without_bytecode_ms: float | None


def ratio(row: Row, peer: Started) -> float:
    """Return a function's start by the peer's."""
    return row.started.init_cpu_ms / peer.init_cpu_ms


def misses(rows: list[Row], peer: Started) -> list[str]:
    """Return which goal is missed by which function."""
    found = []
    for row in rows:
        limit = PIXELS_RATIO if row.started.child_cpu_ms else OTHERS_RATIO
        if ratio(row, peer) > limit:
            found.append(f"{row.name} starts in {ratio(row, peer):.2f} of the peer's time, above {limit}")
        if row.warm is not None and row.warm.rest_ms > REST_MS:
            found.append(f"{row.name} adds {row.warm.rest_ms:.1f} ms to a warm request, above {REST_MS:.0f}")
    return found


def page(rows: list[Row], peer: Started, peer_without_bytecode_ms: float, machine: str) -> str:
    """Return the page."""
    missed = misses(rows, peer)
    said = "Missed: " + "; ".join(missed) + "." if missed else "All functions keep all goals."
    head = _HEAD.format(
        machine=machine, peer=peer.init_cpu_ms, pixels=PIXELS_RATIO, others=OTHERS_RATIO, rest=REST_MS, said=said
    )
    cold = [("the peer", peer.init_cpu_ms, peer_without_bytecode_ms)]
    cold += [
        (f"`{row.name}`", row.started.init_cpu_ms, row.cold_without_bytecode_ms)
        for row in rows
        if row.cold_without_bytecode_ms is not None
    ]
    return "".join([
        head, *(_line(row, peer) for row in rows),
        _BYTECODE, *(f"| {name} | {warm:.0f} | {bare:.0f} | {bare / warm:.1f} |\n" for name, warm, bare in cold),
        _SNAPSHOTS, *map(_snapshot_line, rows), _TAIL,
    ])  # fmt: skip


def _line(row: Row, peer: Started) -> str:
    child = f"{row.started.child_cpu_ms:.0f}" if row.started.child_cpu_ms else "-"
    start = f"| `{row.name}` | {row.started.init_cpu_ms:.0f} | {ratio(row, peer):.2f} | {child} |"
    if row.warm is None:
        return f"{start} - | - | - | - | - | - | - |\n"
    warm = row.warm
    times = " | ".join(
        f"{value:.1f}" for value in (warm.wall_ms, warm.engine_ms, warm.stores_ms, warm.rest_ms, warm.cpu_ms)
    )
    beside = f" + {warm.child_peak_mb:.0f}" if warm.child_peak_mb else ""
    return f"{start} {warm.first_ms:.0f} | {times} | {warm.peak_mb:.0f}{beside} |\n"


def _snapshot_line(row: Row) -> str:
    if row.restored is None or row.warm is None:
        return ""
    return f"| `{row.name}` | {row.restored.hooks_ms:.1f} | {row.restored.first_ms:.0f} | {row.warm.first_ms:.0f} |\n"
