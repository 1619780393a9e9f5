"""Lines that were lost are replaced so that everything that counts adds up again."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minipic.domain.audit import audit
from minipic.domain.gaps import Irreparable
from minipic.domain.ledger import Line
from minipic.domain.repair import missing_lines

from .histories import DAY_MS, History, histories, play, sums_of


def repaired(history: History, kept: list[Line]) -> list[Line]:
    """Return the history's lines, with those that are not kept repaired."""
    made = missing_lines(history.account, kept, "lost in the stream")
    assert [line.seq for line in made] == sorted({line.seq for line in history.lines} - {line.seq for line in kept})
    return sorted([*kept, *made], key=lambda line: line.seq)


def is_pruned(history: History, line: Line) -> bool:
    """Tell whether a line's credits are not on the account any longer."""
    return bool(line.credits) and all(pack.id != line.drawn_from for pack in history.account.packs)


@settings(max_examples=2000, deadline=None)
@given(histories, st.data())
def test_any_lines_can_be_lost(history: History, data: st.DataObject) -> None:
    """Whichever lines are lost, but for credits that were pruned, the ledger passes the audit once it is repaired."""
    lost = data.draw(st.sets(st.integers(1, max(1, len(history.lines)))))
    kept = [line for line in history.lines if line.seq not in lost or is_pruned(history, line)]
    assume(len(kept) < len(history.lines))
    lines = repaired(history, kept)
    assert audit(history.account, lines, sums_of(lines)) is None
