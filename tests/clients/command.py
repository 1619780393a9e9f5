"""The command `minipic` as people have it: installed, in a process of its own."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from minipic.settings import PROJECT_FOLDER
from tests.e2e.equipped import Equipped
from tests.e2e.wire import count

VENV_FOLDER = PROJECT_FOLDER / ".venvs" / "clients" / "bin"
COMMAND = str(VENV_FOLDER / "minipic")
FOREIGN = ("MINIPIC_", "XDG_", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy", "NO_PROXY")
PATIENCE_S = 60
# A shell that runs tests in the background has its programs ignore Ctrl-C, and theirs do so, too.
INTERRUPTIBLE = ["env", "--default-signal=INT"]


class Command:
    """A home folder, a working folder and an environment to run programs in."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.home = folder / "home"
        self.folder = folder / "work"
        self.home.mkdir()
        self.folder.mkdir()
        self.variables = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"} | variables

    def environment(self) -> dict[str, str]:
        """Return the variables that programs get."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        return inherited | {"HOME": str(self.home)} | self.variables

    def start(self, *arguments: str | bytes | Path) -> subprocess.Popen[bytes]:
        """Start `minipic` and do not wait."""
        return subprocess.Popen(
            [*INTERRUPTIBLE, COMMAND, *arguments], cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *arguments: str | bytes | Path, stdin: bytes = b"", program: list[str] | None = None) -> "Done":
        """Run `minipic` to its end."""
        words = [*(program or [COMMAND]), *arguments]
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment(), input=stdin, capture_output=True, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def run_json(self, *arguments: str | bytes | Path) -> dict[str, Any]:
        """Run `minipic --json`; return its answer."""
        done = self.run(*arguments, "--json")
        answer: dict[str, Any] = json.loads(done.out)
        assert answer["exit_code"] == done.code
        return answer

    def write(self, name: str, data: bytes) -> Path:
        """Put a file into the working folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def files(self) -> set[str]:
        """Return the names of all files in the working folder."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if not path.is_dir()}


class Done:
    """How a program ended."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def text(self) -> str:
        """All that was printed."""
        return (self.out + self.err).decode()


def statuses(answer: dict[str, Any]) -> dict[str, str]:
    """Return what came of each file of a `--json` answer."""
    return {file["file"]: file["status"] for file in answer["files"]}


def counted(service: Equipped, key: str) -> int:
    """Return how many images were counted for the key's account."""
    return count(service, key)
