"""What is told at the end: a table in Markdown, or JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """What came of an image; sizes in bytes."""

    source: str
    target: str = ""
    before: int | None = None
    after: int | None = None
    note: str = ""
    failed: bool = False


def report(rows: list[Row], key: str, *, as_json: bool) -> None:
    """Print a table in Markdown, or JSON; the key is in neither."""
    before = sum(row.before or 0 for row in rows if row.after is not None)
    after = sum(row.after or 0 for row in rows)
    done = sum(row.after is not None for row in rows)
    total = {
        "images": len(rows),
        "done": done,
        "before": before,
        "after": after,
        "saved_percent": percent(before, after),
    }
    if as_json:
        text = json.dumps({"images": [asdict(row) for row in rows], "total": total}, indent=2)
    else:
        lines = ["| image | before | after | saved | result |", "| --- | ---: | ---: | ---: | --- |"]
        for row in rows:
            saved = f"{percent(row.before, row.after)} %" if row.before and row.after is not None else ""
            cells = (row.source, size(row.before), size(row.after), saved, f"{row.target} {row.note}".strip())
            lines.append("| " + " | ".join(shown(cell) for cell in cells) + " |")
        lines.append(
            f"| **{done} of {len(rows)}** | {size(before)} | {size(after)} | **{percent(before, after)} %** | |"
        )
        text = "\n".join(lines)
    say(text.replace(key, "…"))


def say(text: str) -> None:
    """Print text that may hold names which are no text."""
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")


def shown(cell: str) -> str:
    """Return text for a cell of the table, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in cell).replace("|", "\\|")


def percent(before: int | None, after: int | None) -> float:
    """Return what was saved, with one decimal."""
    return round(100 * (before - (after or 0)) / before, 1) if before else 0.0


def size(size_bytes: int | None) -> str:
    """Return a size for people, in powers of 1000."""
    if size_bytes is None:
        return ""
    return f"{size_bytes / 1e6:.2f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.1f} kB"
