"""Fuzz the engine, one target after the other, each for a bounded time; ends with 1 if anything was found.

What was found lies in ``.cache/fuzz/findings``, one input and one text each; what made the engine take new ways, in
``.cache/fuzz/corpus``, where the next run begins.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from fuzz import seeds
from fuzz.names import NAMES

FOLDER = Path(__file__).parents[1] / ".cache" / "fuzz"
SECONDS_EACH = 15
MAX_RESTARTS = 20
MAX_INPUT_BYTES = 65_536
HANG_S = 20
MEMORY_MB = 2_600


def main() -> None:
    """Fuzz the targets that are named, or all of them."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", help=", ".join(NAMES))
    parser.add_argument("--seconds-each", type=int, default=SECONDS_EACH)
    chosen = parser.parse_args()
    unknown = [name for name in chosen.targets if name not in NAMES]
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such target. There are {', '.join(NAMES)}.")
    found = 0
    for name in chosen.targets or NAMES:
        findings = _fuzzed(name, chosen.seconds_each)
        found += len(findings)
        print(f"{name:16} {len(findings)} findings  {_last_words(name)}", flush=True)
        for path in findings:
            print(f"    {path}", flush=True)
    sys.exit(1 if found else 0)


def _fuzzed(name: str, seconds: int) -> list[Path]:
    """Return the inputs that this run found something with; a crash costs a restart, not the rest of the time."""
    findings, own, begin = (FOLDER / place / name for place in ("findings", "corpus", "seeds"))
    for folder in (findings, own):
        folder.mkdir(parents=True, exist_ok=True)
    words = seeds.write(name, begin)
    before = set(findings.iterdir())
    ends_s = time.monotonic() + seconds
    with _log(name).open("wb") as log:
        for _ in range(MAX_RESTARTS):
            left_s = int(ends_s - time.monotonic())
            if left_s <= 0:
                break
            command = [
                sys.executable, "-m", "fuzz.one", name, str(findings), str(own), str(begin), f"-dict={words}",
                f"-max_total_time={left_s}", f"-max_len={MAX_INPUT_BYTES}", f"-timeout={HANG_S}",
                f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={findings}/", "-print_final_stats=1",
            ]  # fmt: skip
            if subprocess.run(command, stdout=log, stderr=log, check=False).returncode == 0:
                break
            _forget(findings, own, begin)
    return sorted(path for path in set(findings.iterdir()) - before if path.suffix != ".txt")


def _log(name: str) -> Path:
    return FOLDER / f"{name}.log"


def _last_words(name: str) -> str:
    """Return how many inputs were tried, as libFuzzer says it."""
    lines = _log(name).read_text(errors="replace").splitlines()
    return next((line for line in reversed(lines) if "number_of_executed_units" in line), "it never came to an end")


def _forget(findings: Path, *folders: Path) -> None:
    """Take what brought the process down out of the seeds, where it would do so again at once."""
    guilty = {path.read_bytes() for path in findings.iterdir() if path.suffix != ".txt"}
    for folder in folders:
        for path in folder.iterdir():
            if path.read_bytes() in guilty:
                path.unlink()


if __name__ == "__main__":
    main()
