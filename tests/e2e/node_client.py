"""The official Node client, installed once from its lock file into a folder that git does not see."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.server import PROJECT_FOLDER

SCRIPTS = Path(__file__).with_name("node")
INSTALLED = PROJECT_FOLDER / ".cache" / "node-tinify"
MANIFESTS = ("package.json", "package-lock.json")
INSTALL = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]


def is_available() -> bool:
    """Tell whether this machine has Node and its package manager."""
    return shutil.which("node") is not None and shutil.which("npm") is not None


def install() -> Path:
    """Return the folder with the client as the lock file pins it; whoever comes first installs it."""
    INSTALLED.parent.mkdir(exist_ok=True)
    with INSTALLED.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.sha256(b"".join((SCRIPTS / name).read_bytes() for name in MANIFESTS)).hexdigest()
        stamp = INSTALLED / "installed"
        if not stamp.exists() or stamp.read_text() != wanted:
            _install_afresh()
            stamp.write_text(wanted)
    return INSTALLED


def _install_afresh() -> None:
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir()
    for name in MANIFESTS:
        shutil.copy(SCRIPTS / name, INSTALLED)
    done = subprocess.run(INSTALL, cwd=INSTALLED, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True)
class NodeClient:
    """Runs scripts of the ``node`` folder against one endpoint; ``ca`` is the file of the authority to trust."""

    folder: Path
    endpoint: str
    ca: Path

    def run(self, script: str, key: str, **variables: str) -> dict[str, Any]:
        """Run a script and return what it printed."""
        proxies = {"http_proxy", "https_proxy", "all_proxy"}
        environment = {name: value for name, value in os.environ.items() if name.lower() not in proxies} | {
            "CLIENT_FOLDER": str(self.folder),
            "ENDPOINT": self.endpoint,
            "NODE_EXTRA_CA_CERTS": str(self.ca),
            "KEY": key,
        }
        done = subprocess.run(
            ["node", "--throw-deprecation", str(SCRIPTS / script)], env=environment | variables, capture_output=True,
            text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


if __name__ == "__main__" and is_available():
    install()
