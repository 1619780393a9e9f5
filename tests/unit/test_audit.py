"""The audit of a ledger: right histories pass, and whatever is changed in one is found."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minipic.domain.account import Account
from minipic.domain.audit import Discrepancy, audit
from minipic.domain.ledger import Line, MonthSums

from .histories import DAY_MS, History, histories, play, sums_of

# Nothing but the line itself says these: the audit has to believe them.
BELIEVED = {"key_id", "key_name", "result_id", "reason", "at_ms", "free_remaining"}
STORY = [
    ("charge", "shrink"),
    ("sandbox", "compress"),
    ("grant", 2),
    *[("charge", "derive")] * 4,
    ("wait", 40 * DAY_MS),
    ("correct", 2),
    ("correct", -1),
    ("charge", "shrink"),
]


def check(history: History, lines: list[Line]) -> Discrepancy | None:
    """Return what the audit says of other lines of the history, with sums that are theirs."""
    return audit(history.account, lines, sums_of(lines))


@settings(max_examples=150)
@given(histories)
def test_any_history_passes(history: History) -> None:
    """Whatever steps an account takes, its lines, state and sums agree; pruning changes nothing of that."""
    assert audit(history.account, history.lines, history.sums) is None


@settings(max_examples=150)
@given(histories, st.data())
def test_a_missing_line_is_found(history: History, data: st.DataObject) -> None:
    """The number of the missing line is named."""
    assume(history.lines)
    missing = data.draw(st.sampled_from(history.lines))
    found = check(history, [line for line in history.lines if line is not missing])
    assert found is not None
    assert str(missing.seq - 1 if missing.seq == len(history.lines) else missing.seq) in found.expected + found.found


@settings(max_examples=150)
@given(histories, st.data())
def test_a_line_too_many_is_found(history: History, data: st.DataObject) -> None:
    """A line that is there twice, next to itself or anywhere, is found by its number or by the sums."""
    assume(history.lines)
    again = data.draw(st.sampled_from(history.lines))
    at = data.draw(st.integers(0, len(history.lines)))
    lines = [*history.lines[:at], again, *history.lines[at:]]
    assert check(history, lines) is not None


@settings(max_examples=150)
@given(histories, st.data())
def test_swapped_lines_are_found(history: History, data: st.DataObject) -> None:
    """Lines come in order, or it is said."""
    assume(len(history.lines) > 1)
    first = data.draw(st.integers(0, len(history.lines) - 2))
    second = data.draw(st.integers(first + 1, len(history.lines) - 1))
    lines = history.lines[:]
    lines[first], lines[second] = lines[second], lines[first]
    assert check(history, lines) is not None


@settings(max_examples=150)
@given(histories, st.data())
def test_a_changed_field_is_found(history: History, data: st.DataObject) -> None:
    """Any other value of any field is found, but for what nothing else tells; sums stay those of the right lines."""
    assume(history.lines)
    at = data.draw(st.integers(0, len(history.lines) - 1))
    line = history.lines[at]
    name = data.draw(st.sampled_from(sorted(Line.__dataclass_fields__.keys() - BELIEVED)))
    if not line.images and not line.credits and name in ("operation", "bytes_in", "bytes_out", "format"):
        return  # a sandbox call is in no sum
    if line.credits and name == "operation":
        return  # credits that are added may be a purchase or a correction
    if line.credits and name == "drawn_from" and all(pack.id != line.drawn_from for pack in history.account.packs):
        # The account has forgotten the reference of credits that are used up; then only draws tell it.
        assume(any(other.images and other.drawn_from == line.drawn_from for other in history.lines))
    value = getattr(line, name)
    other = data.draw(st.sampled_from(["", "other", "plan", "pack-2"] if isinstance(value, str) else [-1, 0, 1, 7]))
    changed = replace(line, **{name: other if isinstance(value, str) else value + other})  # type: ignore[arg-type]
    assume(changed != line)
    lines = [*history.lines[:at], changed, *history.lines[at + 1 :]]
    assert audit(history.account, lines, history.sums) is not None


@settings(max_examples=150)
@given(histories, st.sampled_from(["seq", "month", "credits_bought", "credits_drawn"]), st.sampled_from([-1, 1]))
def test_a_changed_account_is_found(history: History, name: str, step: int) -> None:
    """An account that says one more or one less than its lines is found."""
    value = getattr(history.account, name)
    changed = replace(history.account, **{name: value + step})
    assume(value + step >= 0)
    assert audit(changed, history.lines, history.sums) is not None


@pytest.mark.parametrize("name", ["images", "free_used", "sandbox_used"])
@pytest.mark.parametrize("step", [-1, 1])
def test_a_changed_count_is_found(name: str, step: int) -> None:
    """Each count of each month that the account still has is compared."""
    history = play(STORY)
    counts = getattr(history.account, name)
    for month in counts:
        changed: Account = replace(history.account, **{name: {**counts, month: counts[month] + step}})  # type: ignore[arg-type]
        assert audit(changed, history.lines, history.sums) is not None


def test_a_changed_pack_is_found() -> None:
    """The account's packs have the size, the place and the time of their lines, and none has no line."""
    history = play(STORY)
    packs = history.account.packs
    for changed in (
        replace(packs[0], size=3),
        replace(packs[0], end=3),
        replace(packs[0], purchased_ms=1),
        replace(packs[0], id="other"),
    ):
        account = replace(history.account, packs=(changed, *packs[1:]))
        assert audit(account, history.lines, history.sums) is not None
    for fewer in (packs[:-1], (*packs, replace(packs[0], id="other"))):
        assert audit(replace(history.account, packs=fewer), history.lines, history.sums) is not None


def test_a_changed_last_step_is_found() -> None:
    """The last line is the step that the account remembers, with key, result and time."""
    history = play(STORY)
    for name, value in (("result_id", "other"), ("key_id", "t"), ("at_ms", history.lines[-1].at_ms + 1)):
        lines = [*history.lines[:-1], replace(history.lines[-1], **{name: value})]  # type: ignore[arg-type]
        assert audit(history.account, lines, history.sums) is not None


@settings(max_examples=200)
@given(histories, st.data())
def test_changed_sums_are_found(history: History, data: st.DataObject) -> None:
    """Sums that say more or less than the lines, of a month with lines or without, are found."""
    assume(history.sums)
    month = data.draw(st.sampled_from(sorted(history.sums)))
    right = history.sums[month]
    operation = next(iter(right.images))
    for wrong in (
        replace(right, bytes_in=right.bytes_in + 1),
        replace(right, bytes_out=right.bytes_out - 1),
        replace(right, formats={**right.formats, "gif": 1}),
        replace(right, images={**right.images, operation: right.images[operation] + 1}),
        replace(right, images={**right.images, operation: right.images[operation] - 1}),
        MonthSums(),
    ):
        assert audit(history.account, history.lines, {**history.sums, month: wrong}) is not None
    other = {**history.sums, 202001: MonthSums({"shrink": 1}, 1, 1)}
    assert audit(history.account, history.lines, other) is not None


@settings(max_examples=200)
@given(histories, st.data())
def test_the_service_may_go_on(history: History, data: st.DataObject) -> None:
    """An account as it was, sums as they were a little later, and all lines that there are now, agree."""
    account, seq = history.account, history.account.seq
    later = History(account, history.now_ms, history.lines[:])
    for kind, value in data.draw(st.lists(st.sampled_from([("charge", "shrink"), ("grant", 1)]), max_size=6)):
        later.step(kind, value)
    summed = data.draw(st.integers(seq, later.account.seq))
    assert audit(account, later.lines, sums_of(later.lines[:summed])) is None


@settings(max_examples=150)
@given(histories)
def test_sums_by_format_are_those_of_the_lines(history: History) -> None:
    """Of each month, the images of a format are its billed lines of that format; a line without one is in none."""
    for month, sums in history.sums.items():
        billed = [line for line in history.lines if line.month == month and line.images]
        assert sums.formats == Counter(line.format for line in billed if line.format)
        assert sum(sums.images.values()) == sum(sums.formats.values()) + sum(not line.format for line in billed)


def test_formats_may_begin_in_the_middle_of_a_month() -> None:
    """Lines from before the format was kept are as right as those after, and so is the last one, made by either."""
    history = play([("charge", "shrink")] * 3)
    formats = [line.format for line in history.lines]
    assert formats == ["jpeg", "", "png"]
    assert audit(history.account, history.lines, history.sums) is None
    lines = [*history.lines[:-1], replace(history.lines[-1], format="")]
    assert check(history, lines) is None
    assert check(history, [*history.lines[:-1], replace(history.lines[-1], format="gif")]) is not None


def test_credits_have_no_format() -> None:
    """A purchase is no image: one that says of which format it is, is found."""
    history = play([("grant", 2), ("charge", "shrink")])
    lines = [replace(history.lines[0], format="png"), *history.lines[1:]]
    found = check(history, lines)
    assert found is not None
    assert (found.seq, found.expected) == (1, "credits without an image")


def test_no_discrepancy_without_lines() -> None:
    """An account that was never charged has an empty ledger."""
    assert audit(play([]).account, [], {}) is None


def test_nonsense_is_told_apart() -> None:
    """Lines that nothing of ours writes are found, too: a time that is none, a line without an operation."""
    history = play([("sandbox", "compress"), ("charge", "shrink")])
    first, last = history.lines
    for nonsense in (
        replace(first, at_ms=10**18),
        replace(first, operation=""),
        replace(first, operation="purchase"),
        replace(first, reason="why"),
        replace(first, operation="repair"),
        replace(first, drawn_from="plan"),
        replace(first, images=2),
        replace(first, free_remaining=-1),
    ):
        found = audit(history.account, [nonsense, last], history.sums)
        assert found is not None
        assert found.seq == 1
