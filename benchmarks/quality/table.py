"""The table: what the pictures of one part say together, and whether it is what was promised."""

import random
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from benchmarks.quality.aims import AIMS, HIGH, LIKE_SHARP, SMART, Aim
from benchmarks.quality.judging import Judge
from benchmarks.quality.measures import GOALS, Goal, goals_of
from benchmarks.quality.measuring import Observed
from benchmarks.quality.peers import LOSSLESS, Peer
from benchmarks.quality.rate_distortion import geometric_mean, percentile

_SEED = 2024
_SECOND_OPINIONS, _SECOND_OPINION_PICTURES = (SMART, HIGH, LIKE_SHARP), 16
_MEGABYTE = 1_000_000
_LANDED = (-0.5, 1.5)
LOSSLESS_SCORE = 99.99
HEAD = ("", "images", "ratio", "CPU", "Butter.", "peak MB", "trials", "landing p5 p50 p95", "landed", "goal")


@dataclass(frozen=True, slots=True)
class Row:
    """One line. Ratios are geometric means of ours divided by theirs; None is what does not apply or is not known."""

    kind: str
    part: str
    measure: str
    images: int
    dropped: int = 0
    ratio: float | None = None
    cpu_ratio: float | None = None
    butteraugli_ratio: float | None = None
    butteraugli_images: int = 0
    peak_mb: float | None = None
    trials_mean: float | None = None
    trials_max: int | None = None
    landing: tuple[float, float, float] | None = None
    """Score minus target: 5th, 50th, 95th percentile."""
    landed_share: float | None = None
    """Within -0.5 … +1.5 of the target."""
    score_difference: float | None = None
    """Mean of our score minus theirs, where bytes are not compared at equal score."""
    note: str = ""

    def goals(self) -> list[tuple[Goal, bool | None]]:
        """Return what is promised of this line, and whether it is met; None where that is not known."""
        values = asdict(self)
        return [(goal, goal.is_met(values[goal.field])) for goal in goals_of(self.kind, self.part, self.measure)]


def rows_of(observed: Sequence[Observed], tools: Sequence[Peer], judge: Judge) -> list[Row]:
    """Return the lines of one kind and part: how targets are met, then each tool."""
    print(f"Comparing {observed[0].kind}, {observed[0].part} …", file=sys.stderr, flush=True)
    rows = [_landing_row(observed, aim.name) for aim in AIMS[observed[0].kind]]
    for index, peer in enumerate(tools):
        if not peer.is_here:
            rows.append(Row(observed[0].kind, observed[0].part, f"bytes against {peer.name}", 0, note="not here"))
            continue
        for aim in AIMS[peer.format]:
            is_shown = aim.name == SMART or (index == 0 and not aim.name.isdigit()) or aim.yardstick == peer.name
            if is_shown:
                rows.append(_peer_row(observed, peer, aim.name, judge, has_butteraugli=index == 0))
            if index == 0 and aim.score is not None and not aim.is_free and LOSSLESS in peer.settings:
                rows.append(_delivered_row(observed, peer, aim))
    return [row for row in rows if row.images or row.note]


def _landing_row(observed: Sequence[Observed], aim: str) -> Row:
    points = [one.points[aim] for one in observed if aim in one.points]
    trials = [point.made.trials for point in points if point.made.trials is not None]
    # What went through without loss is no landing: nothing lossy was smaller.
    lossy = [point for point in points if point.score < LOSSLESS_SCORE]
    errors = [point.score - point.target for point in lossy if point.target is not None]
    return Row(
        observed[0].kind, observed[0].part, f"{aim}: score, trials", len(points),
        dropped=len(points) - len(lossy),
        peak_mb=max((point.made.peak_bytes / _MEGABYTE for point in points), default=None),
        trials_mean=fmean(trials) if trials else None,
        trials_max=max(trials, default=None),
        landing=(percentile(errors, 5), percentile(errors, 50), percentile(errors, 95)) if errors else None,
        note=f"{len(observed) - len(points)} refused" if 0 < len(points) < len(observed) else "",
        landed_share=fmean(_LANDED[0] <= error <= _LANDED[1] for error in errors) if errors else None,
    )  # fmt: skip


def _peer_row(observed: Sequence[Observed], peer: Peer, aim: str, judge: Judge, *, has_butteraugli: bool) -> Row:
    at_equal_score = len(peer.settings) > 1 and observed[0].kind != "gif"
    reached = [one for one in observed if aim in one.points]
    compared = [
        (one, theirs) for one in reached if (theirs := _their_bytes(one, peer, aim, at_equal_score)) is not None
    ]
    ratios = [one.points[aim].made.size_bytes / theirs for one, theirs in compared]
    cpu = [one.points[aim].made.cpu_s / seconds for one in reached
           if (seconds := _yardstick_s(one, peer, aim))]  # fmt: skip
    asked = _asked(compared) if has_butteraugli and at_equal_score and aim in _SECOND_OPINIONS else []
    norms = [ratio for one in asked
             if (ratio := _butteraugli_ratio(one, peer.name, aim, judge)) is not None]  # fmt: skip
    how = "equal score" if at_equal_score else f"its {peer.default}"
    return Row(
        observed[0].kind, observed[0].part, f"{aim}: bytes against {peer.name}, {how}",
        images=len(compared), dropped=len(reached) - len(compared), ratio=geometric_mean(ratios),
        cpu_ratio=geometric_mean(cpu), butteraugli_ratio=geometric_mean(norms), butteraugli_images=len(norms),
        score_difference=None if at_equal_score or not compared else _mean_difference(compared, peer, aim),
        note="" if compared else "no picture to compare",
    )  # fmt: skip


def _delivered_row(observed: Sequence[Observed], peer: Peer, aim: Aim) -> Row:
    """Return how ours compares with the tool's smallest file of at least the promised score, be it its lossless one.

    Between the most that a palette holds and no loss a tool has nothing to offer, whatever a line from one to the
    other says.
    """
    compared = [
        (one.points[aim.name], theirs)
        for one in observed
        if aim.name in one.points and (theirs := one.curve(peer.name).smallest_from(aim.score or 0.0))
    ]
    return Row(
        observed[0].kind, observed[0].part, f"{aim.name}: bytes against {peer.name}, its smallest of that score",
        images=len(compared), dropped=len(observed) - len(compared),
        ratio=geometric_mean([ours.made.size_bytes / theirs.size_bytes for ours, theirs in compared]),
    )  # fmt: skip


def _asked(compared: Sequence[tuple[Observed, float]]) -> list[Observed]:
    """Return some of the pictures, always the same ones: Butteraugli is slow."""
    pictures = [one for one, _ in compared]
    return random.Random(_SEED).sample(pictures, min(_SECOND_OPINION_PICTURES, len(pictures)))


def _their_bytes(one: Observed, peer: Peer, aim: str, at_equal_score: bool) -> float | None:
    if at_equal_score:
        return one.curve(peer.name).bytes_at(one.points[aim].score)
    rung = one.rung(peer.name, peer.default)
    return rung.size_bytes if rung else None


def _yardstick_s(one: Observed, peer: Peer, aim: str) -> float | None:
    named = {each.name: each.yardstick for each in AIMS[one.kind]}
    return one.points[aim].made.yardstick_cpu_s if named[aim] == peer.name else None


def _mean_difference(compared: Sequence[tuple[Observed, float]], peer: Peer, aim: str) -> float:
    return fmean(one.points[aim].score - rung.score for one, _ in compared
                 if (rung := one.rung(peer.name, peer.default)) is not None)  # fmt: skip


def _butteraugli_ratio(one: Observed, peer: str, aim: str, judge: Judge) -> float | None:
    """Return our 3-norm divided by the tool's at our score, between its two rungs around that."""
    curve, point = one.curve(peer), one.points[aim]

    def norm(file: str) -> float | None:
        return judge.butteraugli(one.source.data, one.source.sha256, file)

    around, ours = curve.around(point.score), norm(point.made.file)
    if around is None or not ours:
        return None
    norms = {rung.file: norm(rung.file) for rung in around}
    if None in norms.values():
        return None
    theirs = curve.at(point.score, lambda rung: norms[rung.file] or 0.0)
    return ours / theirs if theirs else None


def unmeasured(rows: Sequence[Row]) -> list[Goal]:
    """Return what is promised of parts that were measured, on lines that the table does not have."""
    lines = {(row.kind, row.part, row.measure) for row in rows}
    parts = {(row.kind, row.part) for row in rows}
    return [goal for goal in GOALS
            if any((goal.kind, part) in parts and (goal.kind, part, goal.measure) not in lines
                   for part in goal.parts)]  # fmt: skip


def each(observed: Sequence[Observed]) -> str:
    """Return ours picture by picture, as lines of cells between tabs; the ratio is to the kind's first tool."""
    lines = ["kind\tpart\tpicture\taim\tbytes\tscore\ttarget\ttrials\tratio"]
    for one in observed:
        curve = one.curve(next(iter(one.ladders), ""))
        for aim, point in one.points.items():
            theirs = curve.bytes_at(point.score)
            ratio = "" if theirs is None else f"{point.made.size_bytes / theirs:.3f}"
            line = (one.kind, one.part, one.source.name, aim, point.made.size_bytes, f"{point.score:.2f}",
                      "" if point.target is None else f"{point.target:.2f}", point.made.trials, ratio)  # fmt: skip
            lines.append("\t".join(map(str, line)))
    return "\n".join(lines)


def as_text(rows: Sequence[Row]) -> str:
    """Return the lines for a terminal."""
    lines = [HEAD, *(cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    told, last = [], ""
    for line, row in zip(lines, (None, *rows), strict=True):
        if row is not None and (title := f"{row.kind}, {row.part}") != last:
            told.append(f"\n{title}")
            last = title
        first, *middle, last_cell = line
        figures = [cell.rjust(width) for cell, width in zip(middle, widths[1:-1], strict=True)]
        told.append("  ".join([first.ljust(widths[0]), *figures, last_cell]).rstrip())
    told += [f"\nNot measured: {goal.kind}, {goal.measure}: {goal}" for goal in unmeasured(rows)]
    return "\n".join(told)


def cells(row: Row) -> tuple[str, ...]:
    """Return a line's cells, as text."""
    trials = "" if row.trials_mean is None else f"{row.trials_mean:.1f}, max {row.trials_max}"
    images = f"{row.images}" + (f" (-{row.dropped})" if row.dropped else "")
    butteraugli = _number(row.butteraugli_ratio, 3)
    if row.butteraugli_ratio is not None and row.butteraugli_images < row.images:
        butteraugli += f" ({row.butteraugli_images})"
    ratio = _number(row.ratio, 3)
    if row.score_difference is not None and ratio:
        ratio += f" ({row.score_difference:+.1f})"
    return (
        row.measure, images, ratio or row.note, _number(row.cpu_ratio, 2), butteraugli, _number(row.peak_mb, 0), trials,
        " ".join(f"{value:+.1f}" for value in row.landing or ()),
        "" if row.landed_share is None else f"{row.landed_share:.0%}",
        "; ".join(f"{goal} {_MARKS[met]}" for goal, met in row.goals()),
    )  # fmt: skip


_MARKS = {True: "met", False: "MISSED", None: "unknown"}


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
