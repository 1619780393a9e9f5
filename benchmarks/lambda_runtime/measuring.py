"""What one function takes: its start, its first answer, its warm answers, its memory; and around a snapshot."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lambda_runtime.emulator import Event, Place, Runtime, running
from benchmarks.lambda_runtime.snapshots import held_before_snapshot

_PROBE: Event = {"probe": True}
_STORES = ("auth", "admit", "settle", "store")
_MS = 1000.0


@dataclass(frozen=True)
class Started:
    """Milliseconds of CPU: the function's process, and its engine's child."""

    init_cpu_ms: float
    child_cpu_ms: float


@dataclass(frozen=True)
class Warm:
    """The quickest of several warm requests, in milliseconds. ``rest_ms`` is what neither engine nor stores took."""

    first_ms: float
    wall_ms: float
    engine_ms: float
    stores_ms: float
    cpu_ms: float
    peak_mb: float
    child_peak_mb: float

    @property
    def rest_ms(self) -> float:
        """What the runtime's client, the emulator and HTTP's layers took."""
        return self.wall_ms - self.engine_ms - self.stores_ms


@dataclass(frozen=True)
class Restored:
    """Milliseconds after a restore: the hooks, then the first answer."""

    hooks_ms: float
    first_ms: float


def started(place: Place, name: str, folder: Path) -> Started:
    """Start the function once in an environment of its own."""
    with running(place, name, folder) as runtime:
        told = runtime.invoke(_PROBE).answer
    return Started(told["init_cpu_s"] * _MS, told["child_cpu_s"] * _MS)


def least_start(starts: Sequence[Started]) -> Started:
    """Return the least of several starts: whatever else the machine does only adds."""
    return Started(min(start.init_cpu_ms for start in starts), min(start.child_cpu_ms for start in starts))


def warm(place: Place, name: str, folder: Path, event: Event, requests: int) -> Warm:
    """Send the event cold, then ``requests`` times warm."""
    with running(place, name, folder) as runtime:
        first = _answered(runtime, event)
        before = runtime.invoke(_PROBE).answer
        walls = [_answered(runtime, event) for _ in range(requests)]
        after = runtime.invoke(_PROBE).answer
        lines = [line["stages_ms"] for line in runtime.log_lines() if line.get("message") == "request"][1:]
    wall_ms, stages = min(zip(walls, lines, strict=True), key=lambda request: request[0])
    return Warm(
        first_ms=first,
        wall_ms=wall_ms,
        engine_ms=stages.get("engine", 0.0),
        stores_ms=sum(stages.get(stage, 0.0) for stage in _STORES),
        cpu_ms=(after["cpu_s"] - before["cpu_s"]) * _MS / requests,
        peak_mb=after["peak_mb"],
        child_peak_mb=after["child_peak_mb"],
    )


def restored(place: Place, name: str, folder: Path, event: Event) -> Restored:
    """Start the function as SnapStart does, stop it at its snapshot, go on, and send the event."""
    with held_before_snapshot(place, name, folder) as runtime:
        runtime.wait_until_held()
        time.sleep(0.2)
        hooks_ms = runtime.restore()
        invoked = runtime.invoke(event)
    _check(invoked.answer)
    return Restored(hooks_ms, invoked.wall_ms)


def _answered(runtime: Runtime, event: Event) -> float:
    invoked = runtime.invoke(event)
    _check(invoked.answer)
    return invoked.wall_ms


def _check(answer: object) -> None:
    if isinstance(answer, dict) and ("errorType" in answer or answer.get("statusCode", 200) >= 400):
        raise RuntimeError(f"the function answered {answer}")
