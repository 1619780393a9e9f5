"""How a function starts on Lambda, and what it does around SnapStart's snapshot.

A snapshot holds the memory of all processes, the engine's child among them, and many environments start from the same
one. Before it everything gets ready; after it nothing random, no connection and no answer of a store may be left in it.
What draws from the operating system (``secrets``, ``os.urandom``) is fresh by itself. Generators that keep a state are
seeded again.
"""

import gc
import importlib
import logging
import os
import random
import ssl
import sys
from collections.abc import Callable
from typing import Any, Protocol

from minipic import wiring
from minipic.http.logs import set_up_logs
from minipic.service import Services
from minipic.settings import SettingError

log = logging.getLogger("minipic.priming")

_SEED_BYTES = 32


class ReadyEngine(Protocol):
    """An engine that was started without waiting."""

    def get_ready(self) -> None:
        """Return when it is ready for work; raises when that cannot be."""


def start_on_lambda(start: Callable[[], None]) -> None:
    """Set up the log and call ``start`` where this is a function's process, else do nothing.

    Lambda tells of a failure in its own words and form; here it is a line like all others, too.
    """
    if not wiring.on_lambda():
        return
    try:
        level = wiring.settings().log_level
    except SettingError:  # ``start`` comes upon it as well
        level = "INFO"
    set_up_logs(level, sys.stdout)
    try:
        start()
    except Exception:
        log.exception("the function could not start")
        raise
    finally:
        gc.freeze()
        gc.enable()  # ``early`` held it back


def hook_snapshot(
    services: Services | None = None,
    engine: ReadyEngine | None = None,
    rehearse: Callable[[], None] = lambda: None,
) -> None:
    """Have the runtime call ``get_ready`` before a snapshot and ``make_fresh`` after each restore.

    Does nothing where no snapshot is taken.
    """
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") != "snap-start":
        return
    hooks: Any = importlib.import_module("snapshot_restore_py")  # a part of Lambda's runtime, and of nothing else
    hooks.register_before_snapshot(get_ready, services, engine, rehearse)
    hooks.register_after_restore(make_fresh, services)


def get_ready(services: Services | None, engine: ReadyEngine | None, rehearse: Callable[[], None]) -> None:
    """Wait for the engine, and do without a network what a first request would wait for.

    An engine that does not start fails the version, which is then never published. A rehearsal that fails costs the
    first request some time, no more.
    """
    if engine is not None:
        engine.get_ready()
    try:
        with wiring.rehearsing():
            if services is not None:
                services.accounts.ping()
                services.results.ping()
            rehearse()
    except Exception:
        log.exception("the rehearsal failed")
    _forget(services)
    gc.collect()
    gc.freeze()  # a collector that looks at everything makes a private copy of every page of the snapshot


def make_fresh(services: Services | None) -> None:
    """Seed what keeps a random state, drop connections, and forget what stores said."""
    random.seed()
    ssl.RAND_add(os.urandom(_SEED_BYTES), _SEED_BYTES)
    wiring.close_connections()
    _forget(services)


def _forget(services: Services | None) -> None:
    if services is not None:
        services.owners.clear()
        services.too_fast.clear()
