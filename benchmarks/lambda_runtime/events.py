"""The events of events/: which function each is for, and what a running service puts into them."""

import base64
import copy
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.lambda_runtime.emulator import Event
from tests.aws_stack.template import PROJECT_FOLDER

EVENTS_FOLDER = PROJECT_FOLDER / "events"


def read_events(functions: Iterable[str], folder: Path = EVENTS_FOLDER) -> dict[str, dict[str, Event]]:
    """Return the events of each function by their file's name: ``shrink.json``, ``shrink_options.json`` are shrink's.

    KeyError for a file whose name begins with no function's.
    """
    found: dict[str, dict[str, Event]] = {name: {} for name in functions}
    for path in sorted(folder.glob("*.json")):
        owners = [name for name in found if path.stem == name or path.stem.startswith(f"{name}_")]
        if not owners:
            raise KeyError(f"{path.name}: no function has this name")
        found[max(owners, key=len)][path.stem] = json.loads(path.read_text())
    return found


def addressed(event: Event, key: str, result_id: str = "") -> Event:
    """Return the event with this key in place of the one that it was written with, and with this result's id."""
    filled = copy.deepcopy(event)
    if "httpMethod" not in filled:
        return filled
    credential = "Basic " + base64.b64encode(f"api:{key}".encode()).decode()
    if "Authorization" in filled["headers"]:
        filled["headers"]["Authorization"] = credential
        filled["multiValueHeaders"]["Authorization"] = [credential]
    parameters: dict[str, Any] = filled["pathParameters"] or {}
    for name, value in (("key", key), ("id", result_id)):
        if name in parameters and value:
            parameters[name] = value
            filled["path"] = filled["resource"].replace(f"{{{name}}}", value)
            filled["requestContext"]["path"] = "/live" + filled["path"]
    return filled
