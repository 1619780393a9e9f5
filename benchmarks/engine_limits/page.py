"""The page that the figures are written to."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.engine_limits.measuring import Measured

PAGE = Path(__file__).parents[2] / "docs" / "engine-limits.md"
MEMORY_LIMIT_MB = 2_600
BUDGET_S = 20.0
FULL_MEGAPIXELS = 25
_HEAD = """\
# What the engine takes

Written by `make bench-limits`; do not edit. Every row is one photo-like picture in a fresh child process, at `smart`
unless the row says otherwise. *Peak* is the most memory that the child held, a helper program included; *CPU* counts
both cores; *result* is the size of the result divided by the input's, or the error. *Effort* is what the result's
header `X-Effort` says.

The promise: every format at 100 megapixels ends within {budget:g} seconds and {memory} MB, with less effort where it
must be; up to {full} megapixels nothing is reduced. Rows that break it are **bold**.

What is known to miss it at 100 megapixels: WebP without loss and WebP with transparency, which libwebp packs without
loss, too, hold 3 GB (some 20 bytes a pixel inside libwebp; the child's limit is 4 GB of address space). AVIF without
loss takes 25 s of one core at the encoder's least effort: where the {budget:g} seconds are over first, it is a 422.

Measured on {machine}, while other work ran beside it: seconds are upper bounds, ratios between rows hold anywhere.
"""
_TABLE = "| job | MP | peak MB | CPU s | wall s | effort | result |\n|---|--:|--:|--:|--:|---|--:|\n"


@dataclass(frozen=True, slots=True)
class Row:
    """One job at one size."""

    job: str
    megapixels: int
    took: Measured


def is_kept(row: Row) -> bool:
    """Tell whether a row keeps the promise."""
    took = row.took
    is_reduced_too_early = took.effort == "reduced" and row.megapixels <= FULL_MEGAPIXELS
    return bool(took.effort) and not is_reduced_too_early and (
        took.peak_mb <= MEMORY_LIMIT_MB and took.wall_s <= BUDGET_S
    )  # fmt: skip


def page(rows: list[Row], largest: int, machine: str) -> str:
    """Return the page of ``rows``: first what is common, by size; then what is hard, at the largest."""
    sizes = {row.job: sum(row.job == other.job for other in rows) for row in rows}
    common = [row for row in rows if sizes[row.job] > 1]
    hard = [row for row in rows if sizes[row.job] == 1]
    broken = [row for row in rows if not is_kept(row)]
    head = _HEAD.format(budget=BUDGET_S, memory=MEMORY_LIMIT_MB, full=FULL_MEGAPIXELS, machine=machine)
    said = f"{len(rows) - len(broken)} of {len(rows)} rows keep it.\n"
    return "\n".join([
        head, said, "## By format and size\n", _TABLE + "\n".join(map(_line, common)),
        f"\n## Harder kinds, at {largest} megapixels\n", _TABLE + "\n".join(map(_line, hard)), "",
    ])  # fmt: skip


def _line(row: Row) -> str:
    took, mark = row.took, "" if is_kept(row) else "**"
    cells = [
        f"{mark}{row.job}{mark}", str(row.megapixels), str(took.peak_mb), f"{took.cpu_s:.1f}", f"{took.wall_s:.1f}",
        took.effort or "-", took.result,
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"
