"""The engine's own results: each job in a process of its own, which tells its CPU time and its peak memory."""

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, Self

from benchmarks.quality.cache import Cache
from benchmarks.quality.corpus import ROOT, Source
from benchmarks.quality.judging import engine_version

from minipic.domain.image import ImageFormat, Options, Quality


@dataclass(frozen=True, slots=True)
class Made:
    """What the engine made of a file, and what it took; ``told_score`` is the engine's own word.

    ``yardstick_cpu_s`` is another tool's CPU time on the same file, measured in the same process right after.
    """

    size_bytes: int
    file: str
    cpu_s: float
    peak_bytes: int
    trials: int | None
    told_score: float | None
    reduced: bool
    yardstick_cpu_s: float | None


class Engine:
    """Runs the engine's entry points in forked processes, and remembers what they made."""

    def __init__(self, records: Cache) -> None:
        self._records = records
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End the process that was started, if one was."""
        if self._process is not None:
            self._process.communicate()

    def compress(
        self, source: Source, target: ImageFormat, quality: Quality, score: float | None = None, yardstick: str = "",
        *, is_careful: bool = False,
    ) -> Made | None:  # fmt: skip
        """Return ``source`` compressed by a preset or number, or aimed at ``score``; None where the engine refuses.

        ``is_careful``: as an operator gets it who chose fewer bytes for more CPU.
        """
        key = _key(source, target, quality, score, yardstick, is_careful=is_careful)
        record = self._records.read(*key)
        if record is None:
            record = self._run(source, target, quality, score, yardstick, is_careful=is_careful)
            if "died" in record:  # a fault, which the process has told of, and no fact to remember
                return None
            self._records.write(record, *key)
        return None if "error" in record else Made(**record)

    def is_known(
        self, source: Source, target: ImageFormat, quality: Quality, score: float | None = None, yardstick: str = ""
    ) -> bool:
        """Tell whether that was measured before."""
        return self._records.read(*_key(source, target, quality, score, yardstick)) is not None

    def _run(
        self, source: Source, target: ImageFormat, quality: Quality, score: float | None, yardstick: str,
        *, is_careful: bool,
    ) -> dict[str, Any]:  # fmt: skip
        self._process = self._process or _started()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        out = self._records.unfinished("ours")
        options = Options(quality=quality, formats=(target,))
        job = {
            "source": str(source.path), "options": options.to_json(), "target": score, "yardstick": yardstick,
            "out": str(out), "care": "best" if is_careful else "",
        }  # fmt: skip
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "size_bytes" in answer:
            answer["file"] = self._records.keep(out.read_bytes())
            out.unlink()
        return answer


def _key(
    source: Source, target: ImageFormat, quality: Quality, score: float | None, yardstick: str,
    *, is_careful: bool = False,
) -> tuple[object, ...]:  # fmt: skip
    """Return what a result depends on."""
    key = ("ours", engine_version(), source.sha256, target, quality, score, yardstick)
    return (*key, "careful") if is_careful else key


def _started() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.quality.child"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
