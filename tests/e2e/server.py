"""A server process of its own for tests: started on a free port of the loopback, ended whatever happens."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.loopback import free_port

PROJECT_FOLDER = Path(__file__).resolve().parents[2]
SERVER = [sys.executable, "-m", "minipic.local"]
ADMIN = str(Path(sys.executable).with_name("minipic-admin"))
PATIENCE_S = 60
FOREIGN = ("MINIPIC_", "AWS_", "PYTHONUNBUFFERED")  # unbuffered output would hide a missing flush


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Return as soon as ``holds()``; fails with ``what`` if it never does."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, f"waited in vain for: {what}"
        time.sleep(0.01)


def guarded(command: list[str]) -> list[str]:
    """Return the command so that it ends with this process, even if this one is killed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *command] if setpriv else command


class Server:
    """A service with a data folder of its own; ``settings`` are variables such as ``MINIPIC_LINK_MODE``."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.data_folder = folder / "data"
        self.log_path = folder / "server.log"
        self.settings = settings
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def base_url(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The server process."""
        assert self._process is not None
        return self._process.pid

    @property
    def output(self) -> str:
        """What the server printed and logged since it was last started."""
        return self.log_path.read_bytes()[self._log_start :].decode()

    @property
    def demo_key(self) -> str:
        """The key that the first start printed."""
        log = self.log_path.read_text()
        return log[log.index("mp_live_") :].split(maxsplit=1)[0]

    def environment(self) -> dict[str, str]:
        """Return the variables of the server and of the admin command."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return inherited | {"MINIPIC_DATA": str(self.data_folder), "PORT": str(self.port)} | self.settings

    def launch(self) -> None:
        """Start the process, and do not wait."""
        with self.log_path.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                guarded(SERVER), cwd=PROJECT_FOLDER, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def start(self) -> None:
        """Start the process, and return when the port answers."""
        self.launch()
        wait_until(lambda: self._answers() or self.exit_code() is not None, "an answering port")
        assert self.exit_code() is None, self.output

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def exit_code(self) -> int | None:
        """Return how the process ended, None while it runs."""
        return None if self._process is None else self._process.poll()

    def wait(self) -> int:
        """Wait for the process to end by itself; return its exit code."""
        assert self._process is not None
        return self._process.wait(PATIENCE_S)

    def signal(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; return the exit code."""
        os.kill(self.pid, number)
        return self.wait()

    def end(self) -> None:
        """End the process, gently first."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def admin(self, *arguments: str) -> dict[str, Any]:
        """Run the admin command on the server's data; return what it printed."""
        done = self._run_admin(arguments)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def admin_error(self, *arguments: str) -> str:
        """Run the admin command, which must refuse; return what it said."""
        done = self._run_admin(arguments)
        assert done.returncode == 1, done
        return str(json.loads(done.stderr)["error"])

    def _run_admin(self, arguments: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
        command = [ADMIN, *arguments, "--json"]
        return subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)

    def new_account(self, plan: str = "free") -> str:
        """Return the id of a fresh account."""
        return str(self.admin("accounts", "create", "--name", "tests", "--plan", plan)["account"])

    def new_key(self, plan: str = "free", test: bool = False, account: str = "") -> str:
        """Return a fresh key, of a fresh account unless one is named: no test sees another's counts and limits."""
        kind = ["--test"] if test else []
        return str(self.admin("keys", "create", account or self.new_account(plan), *kind)["key"])


@contextmanager
def running(folder: Path, **settings: str) -> Iterator[Server]:
    """Yield a running server that is ended afterwards."""
    server = Server(folder, **settings)
    try:
        server.start()
        yield server
    finally:
        server.end()
