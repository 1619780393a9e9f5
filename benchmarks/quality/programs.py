"""Peers that are programs: found in the project's environments, fed by pipe or by file, metered as children."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.quality.corpus import ROOT
from benchmarks.quality.metering import metered

from minipic_engine.sniff import sniff

PEERS_BIN = ROOT / ".venvs" / "peers" / "bin"
_LIMIT_S = 120


@dataclass(frozen=True)
class Program:
    """A program; ``version`` is empty where it is not here."""

    version: str
    run: Callable[[bytes, str], bytes]

    def encode(self, data: bytes, setting: str) -> tuple[bytes, float]:
        """Return its result and the CPU time in seconds; raises OSError where it fails."""
        return metered(lambda: self.run(data, setting))


def pngquant() -> Program:
    """Return pngquant at its default speed."""
    path = PEERS_BIN / "pngquant"
    return Program(
        _version(path, "--version"),
        lambda data, setting: _done([str(path), "--quality", f"0-{setting}", "--strip", "-"], data),
    )


def gifsicle() -> Program:
    """Return gifsicle; the setting is its level of optimisation."""
    path = Path(sys.executable).with_name("gifsicle")
    return Program(
        _version(path, "--version"), lambda data, setting: _done([str(path), "--no-warnings", setting], data)
    )


def caesium(kind: str) -> Program:
    """Return Caesium's program, writing ``kind`` (jpeg, png)."""
    path = PEERS_BIN / "caesiumclt"

    def run(data: bytes, setting: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            own = sniff(data).value
            source, results = Path(folder) / f"in.{own}", Path(folder) / "out"
            source.write_bytes(data)
            how = [
                "--quiet",
                "--threads",
                "1",
                "--format",
                "original" if kind == own else kind,
                "--quality",
                setting,
                "--output",
                str(results),
            ]
            _done([str(path), *how, str(source)], b"")
            (result,) = results.iterdir()
            return result.read_bytes()

    return Program(_version(path, "--version"), run)


def _done(command: list[str], data: bytes) -> bytes:
    done = subprocess.run(command, input=data, capture_output=True, timeout=_LIMIT_S, check=False)
    if done.returncode:
        raise OSError(f"{Path(command[0]).name}: {done.stderr.decode(errors='replace')[:200]}")
    return done.stdout


def _version(path: Path, argument: str) -> str:
    """Return what a program says of its version; empty where it is not here or does not start."""
    try:
        said = subprocess.run([str(path), argument], capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except OSError:
        return ""
    return said.stdout.partition("\n")[0].strip() if said.returncode == 0 else ""
