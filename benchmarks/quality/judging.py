"""Scores of results against what they were made from, by the project's metric and by Butteraugli."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from functools import cache, lru_cache
from pathlib import Path
from statistics import fmean

from benchmarks.quality.cache import Cache
from benchmarks.quality.corpus import ROOT
from benchmarks.quality.images import alike, as_png, frames_of, on_white, pixels_of, shown_at

from minipic_engine.ssimulacra2 import Reference

_METRIC = ("native/ssimulacra2.c", "native/clones.h", "minipic_engine/ssimulacra2.py")
_NORM = re.compile(r"3-norm: ([0-9.]+)")
_BUTTERAUGLI = "butteraugli_main"
_LIMIT_S = 120


class Judge:
    """Scores files against the file that they were made from, each pair once."""

    def __init__(self, records: Cache, has_butteraugli: bool) -> None:
        self._records = records
        self._has_butteraugli = has_butteraugli
        self._metric = _hash_of(*(ROOT / "layers" / "codecs" / name for name in _METRIC))

    def score(self, original: bytes, name: str, file: str) -> float:
        """Return SSIMULACRA2 of the kept ``file`` against ``original``, whose hash is ``name``.

        Of a film: the mean over moments spread evenly. Raises ValueError where the sizes differ.
        """
        record = self._records.read("score", self._metric, name, file)
        if record is None:
            value = score_of(original, self._records.file(file))
            record = self._records.write({"score": value}, "score", self._metric, name, file)
        return float(record["score"])

    def butteraugli(self, original: bytes, name: str, file: str) -> float | None:
        """Return Butteraugli's 3-norm of the kept ``file``, on white; None where it is not asked or gives up."""
        if not self._has_butteraugli:
            return None
        record = self._records.read("butteraugli", name, file)
        if record is None:
            norm = _three_norm(original, self._records.file(file))
            record = self._records.write({"norm": norm}, "butteraugli", name, file)
        return None if record["norm"] is None else float(record["norm"])


def score_of(original: bytes, made: bytes) -> float:
    """Return SSIMULACRA2 of one file against another; of a GIF's film: the mean over moments spread evenly.

    Raises ValueError where the sizes differ, OSError for what cannot be read.
    """
    return _film_score(original, made) if original.startswith(b"GIF8") else _still_score(original, made)


@lru_cache(maxsize=2)
def _reference(original: bytes) -> tuple[Reference, int]:
    pixels = pixels_of(original)
    return Reference(pixels), pixels.shape[-1]


def _still_score(original: bytes, made: bytes) -> float:
    reference, channels = _reference(original)
    pixels = pixels_of(made)
    return reference.score(pixels if channels == 4 else pixels[..., :3])


@lru_cache(maxsize=1)
def _film(original: bytes) -> list[Reference]:
    return [Reference(frame) for frame in shown_at(*frames_of(original))]


def _film_score(original: bytes, made: bytes) -> float:
    shown = shown_at(*frames_of(made))
    return fmean(reference.score(frame) for reference, frame in zip(_film(original), shown, strict=True))


@cache
def has_butteraugli() -> bool:
    """Tell whether Butteraugli's program is here (Debian: libjxl-devtools)."""
    return shutil.which(_BUTTERAUGLI) is not None


def _three_norm(original: bytes, made: bytes) -> float | None:
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.png", Path(folder) / "after.png"
        pixels = pixels_of(original)
        before.write_bytes(as_png(on_white(pixels)))
        after.write_bytes(as_png(on_white(alike(pixels, pixels_of(made)))))
        done = subprocess.run(
            [_BUTTERAUGLI, str(before), str(after)], capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    found = _NORM.search(done.stdout)
    return float(found[1]) if found else None


def _hash_of(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


@cache
def engine_version() -> str:
    """Return a hash of the engine's sources and of what it is built with: another one, another engine."""
    codecs = ROOT / "layers" / "codecs"
    parts = sorted([*codecs.glob("minipic_engine/*.py"), *codecs.glob("native/*"), *codecs.glob("*.txt")])
    return _hash_of(*(path for path in parts if path.is_file()))
