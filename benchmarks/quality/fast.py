"""Compare what ``smart`` makes of a few pictures with what was recorded; fail where it is larger or worse.

The generated pictures are always compared, those of the corpus where it is here. Less than a minute of CPU.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.quality import corpus, generated
from benchmarks.quality.aims import AIMS, FORMATS, SMART
from benchmarks.quality.judging import score_of
from benchmarks.quality.rate_distortion import geometric_mean

from minipic.domain.image import Options
from minipic_engine import pipeline

BASELINE = Path(__file__).with_name("baseline.json")
LARGER_LIMIT = 1.02
_BELOW_TARGET = 0.5
_WORSE = 0.25
_CORPUS = {
    "jpeg": ("photos/kodak/1.png", "photos/kodak/7.png", "photos/cid22", "photos/camera_jpeg_small"),
    "webp": ("photos/kodak/1.png", "photos/cid22"),
    "avif": ("photos/cid22",),
    "png": ("graphics/diagrams", "graphics/emoji_alpha", "graphics/logos", "graphics/libimagequant_like"),
    "gif": ("animated/gif_screen/rich-progress.gif",),
    "gif → webp": ("animated/gif_screen/rich-progress.gif",),
}


@dataclass(frozen=True, slots=True)
class Result:
    """What ``smart`` made of a picture."""

    size_bytes: int
    score: float


Results = Mapping[str, Result]
"""By case: the kind of result, then the picture."""


def main() -> None:
    """Measure, compare or record, and say what was found."""
    parser = argparse.ArgumentParser(prog="make bench-fast", description=__doc__)
    parser.add_argument("--write", action="store_true", help="record what is measured")
    chosen = parser.parse_args()
    results = {f"{kind}: {name}": _result(kind, data) for name, kind, data in _cases()}
    baseline = read(BASELINE)
    if chosen.write:
        # Without the corpus its records stay.
        write(BASELINE, {**(baseline if not corpus.is_here() else {}), **results})
        print(f"Recorded {len(results)} results.")
        return
    faults = compared(results, baseline)
    for line in told(results, baseline):
        print(line)
    if not corpus.is_here():
        print("The corpus is not here: only generated pictures were compared.")
    print(*faults, sep="\n", end="\n" if faults else "")
    sys.exit(1 if faults else 0)


def _cases() -> Iterator[tuple[str, str, bytes]]:
    yield from generated.cases()
    if corpus.is_here():
        for kind, names in _CORPUS.items():
            for name in names:
                path = corpus.CORPUS / name
                path = path if path.is_file() else min(path.iterdir(), key=_lot)
                yield str(path.relative_to(corpus.CORPUS)), kind, path.read_bytes()


def _lot(path: Path) -> str:
    return hashlib.sha256(path.name.encode()).hexdigest()


def _result(kind: str, data: bytes) -> Result:
    made = pipeline.compress(data, Options(formats=(FORMATS[kind],)))
    return Result(made.size_bytes, round(score_of(data, made.data), 2))


def _target(kind: str) -> float | None:
    return next(aim.score for aim in AIMS[kind] if aim.name == SMART)


def _kind(case: str) -> str:
    return case.partition(":")[0]


def ratios(results: Results, baseline: Results) -> dict[str, float]:
    """Return, by kind, the geometric mean of new bytes divided by recorded ones; of cases that both have."""
    shared = [case for case in results if case in baseline]
    by_kind = {kind: [results[case].size_bytes / baseline[case].size_bytes for case in shared if _kind(case) == kind]
               for kind in dict.fromkeys(map(_kind, shared))}  # fmt: skip
    return {kind: geometric_mean(found) or 1.0 for kind, found in by_kind.items()}


def compared(results: Results, baseline: Results) -> list[str]:
    """Return what became worse, a line each: more bytes, a score below the promise, or a case without a record.

    A score that was recorded below the promise may stay, not fall.
    """
    faults = [f"{case}: not recorded; `make bench-fast ARGS=--write`" for case in results if case not in baseline]
    faults += [f"{kind}: {ratio:.3f} of the recorded bytes, more than {LARGER_LIMIT:g}"
               for kind, ratio in ratios(results, baseline).items() if ratio > LARGER_LIMIT]  # fmt: skip
    for case, result in results.items():
        target = _target(_kind(case))
        recorded = baseline[case].score if case in baseline else 100.0
        if target is not None and result.score < min(target - _BELOW_TARGET, recorded - _WORSE):
            faults.append(f"{case}: score {result.score:.2f}, promised {target:g}, recorded {recorded:.2f}")
    return faults


def told(results: Results, baseline: Results) -> list[str]:
    """Return a line for each case and each kind."""
    lines = []
    for case, result in results.items():
        before = baseline.get(case)
        ratio = f"{result.size_bytes / before.size_bytes:.3f} of the recorded" if before else "not recorded"
        lines.append(f"{case:60} {result.size_bytes:>9} bytes, score {result.score:6.2f}, {ratio}")
    return lines + [f"{kind}: {ratio:.3f} of the recorded bytes" for kind, ratio in ratios(results, baseline).items()]


def read(path: Path) -> dict[str, Result]:
    """Return what was recorded; nothing where nothing was."""
    return {case: Result(**one) for case, one in json.loads(path.read_text()).items()} if path.is_file() else {}


def write(path: Path, results: Results) -> None:
    """Record ``results``."""
    path.write_text(json.dumps({case: asdict(one) for case, one in sorted(results.items())}, indent=1) + "\n")


if __name__ == "__main__":
    main()
