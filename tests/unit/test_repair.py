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


@settings(max_examples=400)
@given(histories, st.data())
def test_any_lines_can_be_lost(history: History, data: st.DataObject) -> None:
    """Whichever lines are lost, but for credits that were pruned, the ledger passes the audit once it is repaired."""
    lost = data.draw(st.sets(st.integers(1, max(1, len(history.lines)))))
    kept = [line for line in history.lines if line.seq not in lost or is_pruned(history, line)]
    assume(len(kept) < len(history.lines))
    lines = repaired(history, kept)
    assert audit(history.account, lines, sums_of(lines)) is None


@settings(max_examples=200)
@given(histories, st.data())
def test_what_cannot_be_told_is_not_made_up(history: History, data: st.DataObject) -> None:
    """Whatever is lost, pruned credits too: the ledger passes the audit afterwards, or is said to be irreparable."""
    lost = data.draw(st.sets(st.integers(1, max(1, len(history.lines)))))
    kept = [line for line in history.lines if line.seq not in lost]
    try:
        lines = repaired(history, kept)
    except Irreparable:
        assert any(is_pruned(history, line) for line in history.lines if line.seq in lost)
        return
    assert audit(history.account, lines, sums_of(lines)) is None


def test_nothing_is_missing() -> None:
    """A whole ledger, and that of an account that was never charged, need no line."""
    history = play([("charge", "shrink"), ("grant", 2)])
    assert missing_lines(history.account, history.lines, "why") == []
    assert missing_lines(play([]).account, [], "why") == []


def test_what_a_repaired_line_says() -> None:
    """Credits come back under their reference and time, images as what they were drawn from, all with the reason."""
    history = play(
        [
            ("charge", "shrink"),
            *[("charge", "shrink")] * 2,
            ("grant", 4),
            ("sandbox", "compress"),
            ("charge", "derive"),
            ("charge", "derive"),
            ("charge", "derive"),
            ("correct", -1),
            ("charge", "shrink"),
        ]
    )
    first, *_, last = history.lines
    made = missing_lines(history.account, [first, last], "the stream was off")
    assert [(line.operation, line.drawn_from, line.images, line.credits) for line in made] == [
        ("purchase", "pack-3", 0, 4),
        ("correction", "fix-8", 0, -1),
        ("repair", "plan", 1, 0),
        ("repair", "plan", 1, 0),
        ("repair", "plan", 1, 0),
        ("repair", "", 0, 0),
        ("repair", "pack-3", 1, 0),
        ("repair", "pack-3", 1, 0),
    ]
    assert {line.reason for line in made} == {"the stream was off"}
    assert {(line.key_id, line.result_id, line.bytes_in, line.bytes_out) for line in made} == {("", "", 0, 0)}
    assert [line.at_ms for line in made[:2]] == [history.lines[3].at_ms, history.lines[8].at_ms]


def test_the_last_line_is_remembered() -> None:
    """The account knows its last step in full, so that this line comes back as it was."""
    history = play([("charge", "shrink"), ("grant", 2), *[("charge", "derive")] * 4])
    assert missing_lines(history.account, history.lines[:-1], "why") == [history.lines[-1]]


def test_old_months_are_told_by_the_free_images_left() -> None:
    """Of a month that was pruned, what was drawn from the plan is told by the lines on both sides."""
    history = play([*[("charge", "shrink")] * 2, ("sandbox", "compress"), ("charge", "shrink"), ("wait", 500 * DAY_MS)])
    history.step("charge", "shrink")
    history.step("prune", None)
    first, second, sandbox, fourth, last = history.lines
    made = missing_lines(history.account, [first, fourth, last], "why")
    assert [(line.images, line.free_remaining) for line in made] == [(1, 1), (0, 1)]
    assert (second.free_remaining, sandbox.free_remaining) == (1, 1)


def test_what_is_not_this_accounts_cannot_be_repaired() -> None:
    """Lines that contradict the account or each other are no gap: that is for people to look at."""
    history = play([*[("charge", "shrink")] * 3, ("wait", 40 * DAY_MS), *[("charge", "shrink")] * 2])
    lines, account = history.lines, history.account
    with pytest.raises(Irreparable, match="comes after"):
        missing_lines(account, [lines[1], lines[0]], "why")
    with pytest.raises(Irreparable, match="more than is missing"):
        missing_lines(replace(account, images={**account.images, 202611: 9}), [lines[0], *lines[2:]], "why")
    with pytest.raises(Irreparable, match="last step"):
        missing_lines(replace(account, entry=None), lines[:-1], "why")
    with pytest.raises(Irreparable, match="go together"):
        missing_lines(account, [lines[0], replace(lines[2], credits_remaining=4), *lines[3:]], "why")
    with pytest.raises(Irreparable, match="any longer"):
        missing_lines(replace(account, credits_bought=3), [lines[0], *lines[2:]], "why")


def test_a_gap_over_months_that_were_pruned() -> None:
    """Where nothing is counted any longer, a gap over a month's end belongs to the month that it ends in."""
    history = play([*[("charge", "shrink")] * 2, ("wait", 40 * DAY_MS), *[("charge", "shrink")] * 2, ("grant", 2)])
    history.now_ms += 500 * DAY_MS
    history.step("prune", None)
    assert not history.account.images
    kept = [history.lines[0], *history.lines[3:]]
    lines = repaired(history, kept)
    assert [line.month for line in lines] == [202611, 202612, 202612, 202612, 202612]
    assert audit(history.account, lines, sums_of(lines)) is None


def test_lines_from_the_beginning() -> None:
    """Lines that are lost from the first one on are of the months since the account was made."""
    history = play([("charge", "shrink"), ("wait", 40 * DAY_MS), *[("charge", "shrink")] * 3])
    lines = repaired(history, history.lines[3:])
    assert [line.month for line in lines] == [202611, 202612, 202612, 202612]
    assert repaired(history, [])[-1] == history.lines[-1]
