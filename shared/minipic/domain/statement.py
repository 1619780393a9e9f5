"""The ledger's lines as other people read them: rows of plain columns, as JSON and in spreadsheets."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TextIO

from minipic.domain.ledger import Line

COLUMNS = (
    "seq",
    "time",
    "operation",
    "key",
    "result",
    "bytes_in",
    "bytes_out",
    "images",
    "drawn_from",
    "free_remaining",
    "credits_remaining",
    "credits",
    "reason",
    "format",
)
Row = Mapping[str, str | int]


def moment(at_ms: int) -> str:
    """Return a Unix time as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_to_the_ms(at_ms: int) -> str:
    """Return a Unix time as ISO 8601 in UTC, to the millisecond."""
    return f"{moment(at_ms)[:-1]}.{at_ms % 1000:03}Z"


def month_text(month: int) -> str:
    """Return 202611 as 2026-11."""
    return f"{month // 100}-{month % 100:02}"


def as_row(line: Line) -> dict[str, str | int]:
    """Return the columns of a line, in their order."""
    values = (
        line.seq,
        moment(line.at_ms),
        line.operation,
        line.key_name,
        line.result_id,
        line.bytes_in,
        line.bytes_out,
        line.images,
        line.drawn_from,
        line.free_remaining,
        line.credits_remaining,
        line.credits,
        line.reason,
        line.format,
    )
    return dict(zip(COLUMNS, values, strict=True))


def write_csv(target: TextIO, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Write rows as CSV with a header."""
    writer = csv.DictWriter(target, columns)
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _as_cell(value) for name, value in row.items()})


def _as_cell(value: str | int) -> str | int:
    """Return other people's text so that no spreadsheet takes it for a formula."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return value
