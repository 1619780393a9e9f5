"""The ledger as rows: the same columns in JSON and in CSV, and nothing in them that a spreadsheet would run."""

import io

import pytest

from minipic.domain.ledger import Line
from minipic.domain.statement import COLUMNS, as_row, moment, moment_to_the_ms, write_csv
from minipic.http.answers import LedgerLine

AT_MS = 1_795_000_000_007
LINE = Line(7, AT_MS, 202611, "shrink", "key_1", "=cmd()", "r1", 10, 5, 1, "plan", 2, 3)


def test_the_columns_are_the_apis() -> None:
    """A row has what a line of GET /v1/ledger has, in the same order."""
    assert list(as_row(LINE)) == list(COLUMNS) == list(LedgerLine.model_fields)
    assert LedgerLine.model_validate(as_row(LINE)).model_dump() == as_row(LINE)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """Text that a spreadsheet would take for a formula is quoted; numbers are left alone."""
    target = io.StringIO()
    write_csv(target, ["key", "credits"], [{"key": text, "credits": -1}])
    assert target.getvalue().startswith("key,credits\r\n")
    assert "'" + text[0] in target.getvalue()
    assert target.getvalue().endswith(",-1\r\n")


def test_times_are_exact() -> None:
    """A time is told to the second, or to the millisecond, always in UTC."""
    assert moment(AT_MS) == "2026-11-18T11:06:40Z"
    assert moment_to_the_ms(AT_MS) == "2026-11-18T11:06:40.007Z"
