"""Results that nobody measured, to see what the bench makes of results."""

import hashlib
from pathlib import Path

from benchmarks.quality.corpus import PHOTOS, Pair, Source
from benchmarks.quality.measuring import Observed, Point
from benchmarks.quality.ours import Made
from benchmarks.quality.pairs import Match
from benchmarks.quality.peers import SHARP_JPEG
from benchmarks.quality.rate_distortion import Rung


def rung(score: float, size_bytes: int, setting: str = "80", file: str = "theirs") -> Rung:
    """A tool's result."""
    return Rung(setting, size_bytes, score, 0.2, file)


def point(score: float, size_bytes: int, target: float | None = 80.0, cpu_s: float = 0.1) -> Point:
    """One of our results, beside a yardstick that takes 0.2 s."""
    made = Made(size_bytes, "ours", cpu_s, 90_000_000, 3, score, reduced=False, yardstick_cpu_s=0.2)
    return Point(made, score, target)


def source(path: Path, data: bytes) -> Source:
    """A file of the corpus; written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Source(PHOTOS, path, 160 * 120, 1)


def observed(path: Path, data: bytes, ours: Point, kind: str = "jpeg") -> Observed:
    """A picture on which one tool's ladder is 1000 bytes at 70, 2000 at 80, 4000 at 90."""
    ladder = [rung(70, 1000, "60"), rung(80, 2000, "80"), rung(90, 4000, "92")]
    return Observed(kind, PHOTOS, source(path, data), {SHARP_JPEG: ladder}, {"smart": ours})


def match(path: Path, data: bytes, their_bytes: int, aimed: Point | None, blind: Point) -> Match:
    """A recorded pair."""
    before = source(path, data)
    return Match(Pair("jpeg", before, before), their_bytes, 80.0, aimed, aimed, blind, 1.02)


def kept(folder: Path, data: bytes, *names: str) -> None:
    """Put ``data`` among a cache's files, under each of ``names``."""
    for name in names:
        (folder / "files" / name).write_bytes(data)


def sha256(data: bytes) -> str:
    """The hash that a cache gives to ``data``."""
    return hashlib.sha256(data).hexdigest()
