"""Measure what the engine takes at the limits of what it accepts, and write the table of docs/engine-limits.md.

Each row is one job in a fresh child. Rows that were measured before stay, unless ``--only`` or ``--sizes`` name them
again; ``--fresh`` forgets them all.
"""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.engine_limits.measuring import Measured, measured
from benchmarks.engine_limits.page import PAGE, Row, is_kept, page
from benchmarks.engine_limits.pictures import CACHE, FORMAT_OF, MAKERS, SIZES, file_of

from minipic.domain.image import ImageFormat, Options, Preset, Resize, ResizeMethod

ROWS = CACHE / "rows.json"
LARGEST = max(SIZES)
PLAIN = [kind for kind in MAKERS if "-" not in kind]
_SMALL = Resize(ResizeMethod.FIT, 1_600, 1_600)
JOBS: dict[str, tuple[str, Options]] = {
    **{f"{kind} → own format": (kind, Options()) for kind in PLAIN},
    **{
        f"jpeg → {target}": ("jpeg", Options(formats=(target,)))
        for target in (ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.GIF, ImageFormat.TIFF)
    },
    "png → jpeg": ("png", Options(formats=(ImageFormat.JPEG,))),
}
HARD_JOBS: dict[str, tuple[str, Options]] = {
    **{f"{kind} → own format": (kind, Options()) for kind in MAKERS if kind not in PLAIN},
    "png-alpha → webp": ("png-alpha", Options(formats=(ImageFormat.WEBP,))),
    "png-alpha → avif": ("png-alpha", Options(formats=(ImageFormat.AVIF,))),
    "png-16-bit → tiff, lossless": ("png-16-bit", Options(quality=Preset.LOSSLESS, formats=(ImageFormat.TIFF,))),
    "png → avif, lossless": ("png", Options(quality=Preset.LOSSLESS, formats=(ImageFormat.AVIF,))),
    "png → webp, lossless": ("png", Options(quality=Preset.LOSSLESS, formats=(ImageFormat.WEBP,))),
    "png → own format, lossless": ("png", Options(quality=Preset.LOSSLESS)),
    "jpeg → own format, lossless": ("jpeg", Options(quality=Preset.LOSSLESS)),
    "jpeg → own format, 1 600 px": ("jpeg", Options(resize=_SMALL)),
    "png-alpha → own format, 1 600 px": ("png-alpha", Options(resize=_SMALL)),
    "heic → avif, webp, jpeg, png": (
        "heic", Options(formats=(ImageFormat.AVIF, ImageFormat.WEBP, ImageFormat.JPEG, ImageFormat.PNG)),
    ),
}  # fmt: skip


def main() -> None:
    """Measure what is asked, say how it went, and write the page."""
    parser = argparse.ArgumentParser(prog="make bench-limits", description=__doc__)
    parser.add_argument("--only", default="", help="measure again the jobs whose name holds this")
    parser.add_argument("--sizes", default="", help="and these megapixels, such as 1,100")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured")
    chosen = parser.parse_args()
    wanted = {int(size) for size in chosen.sizes.split(",") if size} or set(SIZES)
    rows = {} if chosen.fresh else _stored()
    for job, megapixels in _all_jobs():
        name = f"{job} at {megapixels}"
        is_named = chosen.only in job and megapixels in wanted and (chosen.only or chosen.sizes)
        if name not in rows or is_named:
            if (chosen.only or chosen.sizes) and not is_named:
                continue
            rows[name] = Row(job, megapixels, _measure(job, megapixels))
            print(f"{name:50} {rows[name].took}", flush=True)
            _store(rows)
    ordered = [rows[f"{job} at {size}"] for job, size in _all_jobs() if f"{job} at {size}" in rows]
    PAGE.write_text(page(ordered, LARGEST, _machine()))
    sys.exit(0 if all(map(is_kept, ordered)) else 1)


def _all_jobs() -> list[tuple[str, int]]:
    return [(job, size) for job in JOBS for size in SIZES] + [(job, LARGEST) for job in HARD_JOBS]


def _measure(job: str, megapixels: int) -> Measured:
    kind, options = (JOBS | HARD_JOBS)[job]
    assert kind in FORMAT_OF
    return measured(file_of(kind, megapixels), options)


def _stored() -> dict[str, Row]:
    if not ROWS.is_file():
        return {}
    return {name: Row(one["job"], one["megapixels"], Measured(**one["took"]))
            for name, one in json.loads(ROWS.read_text()).items()}  # fmt: skip


def _store(rows: dict[str, Row]) -> None:
    ROWS.parent.mkdir(parents=True, exist_ok=True)
    ROWS.write_text(json.dumps({name: asdict(row) for name, row in rows.items()}, indent=1))


def _machine() -> str:
    names = [line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")]  # fmt: skip
    return f"{os.cpu_count()} cores ({names[0] if names else platform.machine()}), Python {platform.python_version()}"


if __name__ == "__main__":
    main()
