"""One job in a fresh child of the engine, with what it took: memory, CPU, time."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from minipic.domain.image import Options
from minipic.errors import MiniPicError
from minipic_engine import EngineFault, EnginePool

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_LOOK_S = 0.05
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What one job took; ``peak_mb`` is the most memory that the child and its helpers held together."""

    peak_mb: int
    cpu_s: float
    wall_s: float
    effort: str
    result: str


def measured(data: bytes, options: Options) -> Measured:
    """Return what ``data`` takes in a child that has done nothing before."""
    pool = EnginePool(1)
    pool.start()
    try:
        (child,) = pool._children
        pid = child.process.pid
        cpu_before_s, started_s = _cpu_s(pid), time.monotonic()
        with _peak_together(pid) as together:
            effort, result = _outcome(pool, data, options)
            wall_s = time.monotonic() - started_s
        is_alive = child.process.poll() is None
        cpu_s = _cpu_s(pid) - cpu_before_s if is_alive else 0.0
        peak = max(_status(pid, "VmHWM"), together[0])
        return Measured(round(peak / _MEGABYTE), round(cpu_s, 2), round(wall_s, 2), effort, result)
    finally:
        pool.close()


def _outcome(pool: EnginePool, data: bytes, options: Options) -> tuple[str, str]:
    try:
        made = pool.compress(data, options)
    except MiniPicError as error:
        return "", f"{error.status} {error.code}"
    except EngineFault:
        return "", "500"
    return "reduced" if made.reduced_effort else "full", f"{made.size_bytes / len(data):.3f}"


def _cpu_s(pid: int) -> float:
    """Return the CPU time of a process and of the helpers that it waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS_PER_S


def _status(pid: int, name: str) -> int:
    """Return a figure of a process's memory, in bytes; 0 when it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


@contextmanager
def _peak_together(pid: int) -> Iterator[list[int]]:
    """Watch a child and the programs that it starts; the list holds the most memory that they were seen with."""
    found, is_over = [0], threading.Event()

    def look() -> None:
        children = Path(f"/proc/{pid}/task/{pid}/children")
        while not is_over.wait(_LOOK_S):
            with suppress(OSError):
                everybody = [pid, *map(int, children.read_text().split())]
                found[0] = max(found[0], sum(_status(one, "VmRSS") for one in everybody))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        is_over.set()
        watcher.join()
