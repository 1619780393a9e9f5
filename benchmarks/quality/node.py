"""sharp, as Node has it: one process that stays, so that its start is not counted."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from benchmarks.quality.cache import FOLDER

_MANIFESTS = Path(__file__).with_name("peers-npm")
_SERVER = _MANIFESTS / "server.mjs"
_INSTALL = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]


class Sharp:
    """npm's sharp; ``version`` is empty where it could not be installed."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.version = self._ask({"format": "version"}, b"")[0].decode() if folder else ""

    @staticmethod
    @cache
    def installed() -> "Sharp":
        """Return sharp, installed from its lock file if it was not yet."""
        return Sharp(_installed())

    def encoder(self, kind: str) -> Callable[[bytes, str], tuple[bytes, float]]:
        """Return an encoder into ``kind``, with sharp's defaults but for the quality."""
        return lambda data, setting: self._ask({"format": kind, "quality": int(setting)}, data)

    def _ask(self, request: dict[str, object], data: bytes) -> tuple[bytes, float]:
        """Return the result and the CPU time in seconds; raises OSError with sharp's own words."""
        process = self._process = self._process or _started(self._folder)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({**request, "size": len(data)}).encode() + b"\n" + data)
        process.stdin.flush()
        answer = json.loads(process.stdout.readline() or b'{"error": "sharp has died"}')
        if "error" in answer:
            raise OSError(f"sharp: {answer['error']}")
        return process.stdout.read(answer["size"]), answer["cpu_s"]


def _installed() -> Path | None:
    if not (shutil.which("node") and shutil.which("npm")):
        return None
    names = ("package.json", "package-lock.json")
    wanted = hashlib.sha256(b"".join((_MANIFESTS / name).read_bytes() for name in names)).hexdigest()[:12]
    folder = FOLDER / f"npm-{wanted}"
    if not (folder / "installed").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name in names:
            shutil.copy(_MANIFESTS / name, folder)
        if subprocess.run(_INSTALL, cwd=folder, capture_output=True, check=False).returncode:
            return None
        (folder / "installed").touch()
    return folder


def _started(folder: Path | None) -> subprocess.Popen[bytes]:
    assert folder is not None
    return subprocess.Popen(
        ["node", str(_SERVER), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
