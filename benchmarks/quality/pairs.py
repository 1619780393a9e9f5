"""Recorded work of another service: a picture before and after. Ours at their score, and ours not knowing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from benchmarks.quality.aims import FORMATS
from benchmarks.quality.cache import Cache
from benchmarks.quality.corpus import Pair, is_same_picture, pairs
from benchmarks.quality.judging import Judge
from benchmarks.quality.measures import AT_THEIR_SCORE, BEST_AT_THEIR_SCORE, BLIND, PAIRS
from benchmarks.quality.measuring import Point
from benchmarks.quality.ours import Engine
from benchmarks.quality.peers import PNGQUANT
from benchmarks.quality.progress import Progress
from benchmarks.quality.rate_distortion import geometric_mean
from benchmarks.quality.table import Row

from minipic.domain.image import Preset

_TRIES = 4
_CLOSE = 0.3
_STEP = 0.1
_HIGHEST = 99.5
_ROUNDING = 0.005
_YARDSTICKS = {"png": PNGQUANT}
"""The tool whose CPU time ours is compared with, by kind."""


@dataclass(frozen=True, slots=True)
class Match:
    """One pair: their file's score and ours, aimed at it (the smallest that reaches it) and by ``smart``."""

    pair: Pair
    their_bytes: int
    their_score: float
    aimed: Point | None
    """None where no try reached their score."""
    first: Point | None
    """The first try, whatever its score."""
    blind: Point | None
    butteraugli_ratio: float | None
    careful: Point | None = None
    """Like ``aimed``, with the care that an operator may choose; None where that makes no difference, too."""


class Matching:
    """Matches pairs one after the other."""

    def __init__(self, records: Cache, engine: Engine, judge: Judge) -> None:
        self._records, self._engine, self._judge = records, engine, judge

    def match(self, kind: str, sample: int) -> list[Match]:
        """Return the pairs of ``kind``, matched; those that show two different pictures are left out."""
        found = pairs(kind, sample)
        progress = Progress(len(found))
        matches = []
        for pair in found:
            match = self.matched(pair)
            if match is not None:
                matches.append(match)
            progress.step(f"pairs, {pair.before.name}")
        return matches

    def matched(self, pair: Pair) -> Match | None:
        """Return one pair, matched; None where it shows two pictures."""
        theirs = self._records.keep(pair.after.data)
        try:
            their_score = self._judge.score(pair.before.data, pair.before.sha256, theirs)
        except ValueError:  # of another size
            return None
        if not is_same_picture(their_score):
            return None
        wanted = min(their_score, _HIGHEST)
        tries = self._tries(pair, wanted)
        aimed = _smallest(tries, wanted)
        careful = _smallest(self._tries(pair, wanted, is_careful=True), wanted) if pair.format == "png" else None
        blind = self._point(pair, None)
        norms = [self._judge.butteraugli(pair.before.data, pair.before.sha256, file)
                 for file in (aimed.made.file if aimed else theirs, theirs)]  # fmt: skip
        ratio = norms[0] / norms[1] if aimed and norms[0] and norms[1] else None
        first = tries[0] if tries else None
        return Match(pair, len(pair.after.data), their_score, aimed, first, blind, ratio, careful)

    def _tries(self, pair: Pair, wanted: float, *, is_careful: bool = False) -> list[Point]:
        """Return tries at the lowest target whose result still has the score ``wanted``."""
        tries: list[Point] = []
        target, low = wanted, 0.0
        while len(tries) < _TRIES:
            point = self._point(pair, round(target, 2), is_careful=is_careful)
            if point is None:
                break
            tries.append(point)
            missing = wanted - point.score
            if -_CLOSE <= missing <= _ROUNDING or (missing > 0 and target >= _HIGHEST):
                break
            if missing > 0:
                low = max(low, target)
                target = min(target + missing + _STEP, _HIGHEST)
            else:
                target = max(target + (missing + _STEP) * 0.8, low + (target - low) / 2)
        return tries

    def _point(self, pair: Pair, target: float | None, *, is_careful: bool = False) -> Point | None:
        """Return ours aimed at ``target``, or by ``smart`` without one."""
        made = self._engine.compress(
            pair.before, FORMATS[pair.format], Preset.SMART, target, _YARDSTICKS.get(pair.format, ""),
            is_careful=is_careful,
        )  # fmt: skip
        if made is None:
            return None
        return Point(made, self._judge.score(pair.before.data, pair.before.sha256, made.file), target)


def _smallest(tries: Sequence[Point], wanted: float) -> Point | None:
    """Return the smallest of those that reach the score ``wanted``."""
    reached = [point for point in tries if point.score >= wanted - _ROUNDING]
    return min(reached, key=lambda point: point.made.size_bytes, default=None)


def rows_of(kind: str, matches: Sequence[Match]) -> list[Row]:
    """Return the lines of the table for ``kind``."""
    aimed = [match for match in matches if match.aimed]
    blind = [(match, match.blind) for match in matches if match.blind]
    careful = [(match, match.careful) for match in matches if match.careful]
    norms = [match.butteraugli_ratio for match in aimed if match.butteraugli_ratio]
    first = [(match, match.first) for match in matches if match.first]
    return [
        Row(
            kind, PAIRS, AT_THEIR_SCORE, len(aimed), len(matches) - len(aimed),
            ratio=geometric_mean([match.aimed.made.size_bytes / match.their_bytes for match in aimed if match.aimed]),
            cpu_ratio=_cpu_ratio([match.aimed for match in aimed if match.aimed]),
            butteraugli_ratio=geometric_mean(norms), butteraugli_images=len(norms),
        ),
        *_careful_rows(kind, careful, len(matches)),
        Row(
            kind, PAIRS, "aimed at their score, first try: bytes and score", len(first),
            ratio=geometric_mean([point.made.size_bytes / match.their_bytes for match, point in first]),
            score_difference=fmean(point.score - match.their_score for match, point in first) if first else None,
        ),
        Row(
            kind, PAIRS, BLIND, len(blind),
            ratio=geometric_mean([point.made.size_bytes / match.their_bytes for match, point in blind]),
            score_difference=fmean(point.score - match.their_score for match, point in blind) if blind else None,
        ),
        *_blind_shares(kind, [(match, point) for match, point in blind]),
    ]  # fmt: skip


def _careful_rows(kind: str, careful: Sequence[tuple[Match, Point]], total: int) -> list[Row]:
    if not careful:
        return []
    ratio = geometric_mean([point.made.size_bytes / match.their_bytes for match, point in careful])
    cpu_ratio = _cpu_ratio([point for _, point in careful])
    return [Row(kind, PAIRS, BEST_AT_THEIR_SCORE, len(careful), total - len(careful), ratio=ratio, cpu_ratio=cpu_ratio)]


def _cpu_ratio(points: Sequence[Point]) -> float | None:
    """Return our CPU time divided by the yardstick's, one job each; None where none was measured."""
    return geometric_mean(
        [point.made.cpu_s / point.made.yardstick_cpu_s for point in points if point.made.yardstick_cpu_s]
    )


def _blind_shares(kind: str, blind: Sequence[tuple[Match, Point]]) -> list[Row]:
    if not blind:
        return []
    smaller = [point.made.size_bytes < match.their_bytes for match, point in blind]
    no_worse = [point.score >= match.their_score for match, point in blind]
    both = sum(map(all, zip(smaller, no_worse, strict=True)))
    said = (
        f"smaller {sum(smaller)}, score at least theirs {sum(no_worse)}, both {both}; "
        f"median scores {median(point.score for _, point in blind):.1f}, "
        f"theirs {median(match.their_score for match, _ in blind):.1f}"
    )
    return [Row(kind, PAIRS, "smart, blind: how many pictures", len(blind), note=said)]
