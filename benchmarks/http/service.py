"""The measured service: a process of its own with a data folder of its own, and what /proc tells of it."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minipic.settings import PROJECT_FOLDER

START_S = 60.0
_PLAN = {"free_images": 10**9, "max_bytes": 64 * 1024**2, "rate_per_second": 1000, "burst": 10**6, "concurrency": 90}
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    port: int
    pid: int
    key: str
    data_folder: Path

    def cpu_s(self) -> float:
        """Return how long the server process has worked, without its children."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def rss_bytes(self) -> int:
        """Return the memory that the server process holds."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(children: int) -> Iterator[Service]:
    """Yield a service with this number of engine children and limits that nobody reaches."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MINIPIC_", "AWS_"))}
        variables = {
            "MINIPIC_DATA": folder,
            "MINIPIC_PLANS": json.dumps({"free": _PLAN}),
            "MINIPIC_ENGINE_CHILDREN": str(children),
            "PORT": str(port),
        }
        log_path = Path(folder) / "service.log"
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "minipic.local"], cwd=PROJECT_FOLDER, env=kept | variables,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            _wait_for(port, process, log_path)
            (key,) = set(re.findall(r"mp_live_[A-Za-z0-9]+", log_path.read_text()))
            yield Service(port, process.pid, key, Path(folder))
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline_s = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline_s:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the service did not start: {log_path.read_text()}")
