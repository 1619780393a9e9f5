"""The metric checked once against another implementation: PyPI's ssimulacra2, which is far too slow to search with."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.quality.cache import Cache
from benchmarks.quality.corpus import ROOT
from benchmarks.quality.images import as_png, pixels_of
from benchmarks.quality.measuring import Observed

_PYTHON = ROOT / ".venvs" / "peers" / "bin" / "python"
_PROGRAM = "import sys, ssimulacra2; print(ssimulacra2.compute_ssimulacra2(sys.argv[1], sys.argv[2]))"
_PICTURES = 3
_MAX_PIXELS = 500_000
_LIMIT_S = 120


def checked(observed: Sequence[Observed], records: Cache) -> str:
    """Return a line that says how far the two are apart on three results."""
    if not _PYTHON.is_file():
        return "The metric was not checked: its other implementation is not here."
    small = [(one, point) for one in observed for point in list(one.points.values())[:1]
             if one.source.pixels <= _MAX_PIXELS and one.kind in ("jpeg", "webp", "avif")]  # fmt: skip
    chosen = small[:: max(1, len(small) // _PICTURES)][:_PICTURES]
    told = []
    for one, point in chosen:
        key = ("oracle", one.source.sha256, point.made.file)
        record = records.read(*key) or records.write(
            {"score": _score(one.source.data, records.file(point.made.file))}, *key
        )
        told.append(f"{point.score:.2f} ({point.score - record['score']:+.2f})")
    return f"The metric, and its difference from PyPI's ssimulacra2: {', '.join(told) or 'no picture small enough'}."


def _score(original: bytes, made: bytes) -> float:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("before.png", "after.png")]
        for path, data in zip(paths, (original, made), strict=True):
            path.write_bytes(as_png(pixels_of(data)))
        done = subprocess.run(
            [str(_PYTHON), "-c", _PROGRAM, *map(str, paths)],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=True,
        )
    return float(done.stdout)
