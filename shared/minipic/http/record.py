"""What is known of one request while it is answered: the source of the access log and of all metrics."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

RECORD = "minipic.record"  # in the scope: also a request that one app hands to another is one request
NO_OPERATION = "none"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(slots=True)
class Record:
    """One request. ``operation`` is the route's template: a path itself may hold secrets, and is never kept."""

    request_id: str
    method: str
    operation: str = NO_OPERATION
    status: int = 0
    error: str = ""
    account_id: str = ""
    key_id: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    bytes_saved: int = 0
    score: float | None = None
    trials: int = 0
    is_gone: bool = False
    stages_ms: dict[str, float] = field(default_factory=dict)
    started_s: float = field(default_factory=time.perf_counter)
    duration_ms: float = 0.0

    @property
    def outcome(self) -> str:
        """What came of it: ok, refused, busy, failed, or gone when the client did not wait for the answer."""
        if self.is_gone or not self.status:
            return "gone"
        if self.status < 400:
            return "ok"
        if self.status < 500:
            return "refused"
        return "busy" if self.status == 503 else "failed"

    def add_stage(self, name: str, started_s: float) -> None:
        """Count the time since ``started_s`` as spent in this stage."""
        spent_ms = (time.perf_counter() - started_s) * 1000
        self.stages_ms[name] = self.stages_ms.get(name, 0.0) + spent_ms

    def answered(self) -> None:
        """Stop the clock."""
        self.duration_ms = (time.perf_counter() - self.started_s) * 1000


Observer = Callable[[Record], None]

_current: ContextVar[Record | None] = ContextVar("record", default=None)


def current_record() -> Record | None:
    """Return the record of the request that this thread or task works on."""
    return _current.get()


@contextmanager
def recording(record: Record) -> Iterator[None]:
    """Make this the record of what is done in the block, and in the threads that it asks."""
    token = _current.set(record)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the time of the block as this stage of the request that is worked on, if any."""
    record = _current.get()
    if record is None:
        yield
        return
    started_s = time.perf_counter()
    try:
        yield
    finally:
        record.add_stage(name, started_s)
