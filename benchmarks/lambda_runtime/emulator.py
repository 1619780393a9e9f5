"""A built function under Lambda's own runtime client, behind AWS's runtime interface emulator."""

import contextlib
import json
import os
import platform
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.aws_stack.template import PROJECT_FOLDER
from tests.loopback import free_port

Event = dict[str, Any]

PYTHON = PROJECT_FOLDER / ".venvs" / "lambda" / "bin" / "python"
PROBE_FOLDER = Path(__file__).parent
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}
_INVOKE_PATH = "/2015-03-31/functions/function/invocations"
_TIMEOUT_S = 60
_START_TIMEOUT_S = 10


def emulator_path() -> Path:
    """Return where the emulator is; it comes with aws-sam-cli."""
    name = f"samcli/local/rapid/aws-lambda-rie-{_MACHINES[platform.machine()]}"
    (found,) = (PROJECT_FOLDER / ".venvs" / "sam" / "lib").glob(f"python*/site-packages/{name}")
    return found


@dataclass(frozen=True)
class Place:
    """A function's folder as built, the ``python`` folders of its layers, and its variables."""

    folder: Path
    layers: tuple[Path, ...]
    variables: Mapping[str, str]


@dataclass(frozen=True)
class Invoked:
    """What came back, and how long it took."""

    answer: Any
    wall_ms: float


class Runtime:
    """One execution environment. It starts with its first invocation, and takes one at a time."""

    def __init__(self, port: int, log_path: Path) -> None:
        self._url = f"http://127.0.0.1:{port}{_INVOKE_PATH}"
        self._log_path = log_path

    def invoke(self, event: Event) -> Invoked:
        """Return the function's answer; what it raised is an answer too, with an ``errorType``."""
        request = urllib.request.Request(self._url, json.dumps(event).encode())
        started_s = time.perf_counter()
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            body = response.read()
        return Invoked(json.loads(body or b"null"), (time.perf_counter() - started_s) * 1000)

    def log_lines(self) -> list[dict[str, Any]]:
        """Return the function's log so far: its lines that are JSON."""
        lines: list[dict[str, Any]] = []
        for line in self._log_path.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    lines.append(found)
        return lines

    def log_text(self) -> str:
        """Return everything that was written, the emulator's own lines too."""
        return self._log_path.read_text(errors="replace")


def runtime_environment(place: Place, name: str) -> dict[str, str]:
    """Return the variables that Lambda gives a function's process."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/tmp",
        "PYTHONPATH": os.pathsep.join(map(str, (*place.layers, PROBE_FOLDER))),
        "PYTHONDONTWRITEBYTECODE": "1",  # /opt and /var/task can't be written
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "29",
        "LAMBDA_TASK_ROOT": str(place.folder),
        **place.variables,
    }


@contextmanager
def running(place: Place, name: str, folder: Path, handler: str = "probe.handler") -> Iterator[Runtime]:
    """Yield an execution environment of the function; ``folder`` takes its log."""
    port, api_port = free_port(), free_port()
    log_path = folder / f"{name}.log"
    command = [
        str(emulator_path()), "--log-level", "error",
        "--runtime-interface-emulator-address", f"127.0.0.1:{port}", "--runtime-api-address", f"127.0.0.1:{api_port}",
        str(PYTHON), "-m", "awslambdaric", handler,
    ]  # fmt: skip
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=place.folder, env=runtime_environment(place, name), stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(port, process)
        yield Runtime(port, log_path)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError("the emulator did not start")
