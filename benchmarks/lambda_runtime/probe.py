"""A function's handler with a meter: what it took until the function was there, and what its processes hold.

Runs inside of the runtime, in the function's own folder, with nothing but the function's layers: no import of ours.
"""

import importlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_app: Any = importlib.import_module("app")  # what is measured
INIT_CPU_S = time.process_time()  # from the start of the process: Python itself and the runtime's client as well
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

_handler: Callable[[dict[str, Any], Any], Any] = _app.handler


def handler(event: dict[str, Any], context: Any) -> Any:  # noqa: ANN401 - the runtime's own objects
    """Answer the event, or the meter's own."""
    return _metered() if event.get("probe") else _handler(event, context)


def _metered() -> dict[str, float]:
    state = getattr(getattr(_app, "app", None), "state", None)
    make_engine = getattr(_app, "engine", None)  # a worker's, which has no app
    engine = getattr(state, "engine", None) if make_engine is None else make_engine()
    if engine is not None:
        engine.get_ready()
    children = _descendants(os.getpid())
    return {
        "init_cpu_s": INIT_CPU_S,
        "cpu_s": time.process_time(),
        "child_cpu_s": sum(map(_cpu_s, children)),
        "peak_mb": _peak_mb(os.getpid()),
        "child_peak_mb": sum(map(_peak_mb, children)),
    }


def _descendants(parent: int) -> list[int]:
    found: list[int] = []
    with suppress(FileNotFoundError, ProcessLookupError):  # a process that ended meanwhile
        for task in Path(f"/proc/{parent}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # or a thread
                for child in map(int, (task / "children").read_text().split()):
                    found += [child, *_descendants(child)]
    return found


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def _peak_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
