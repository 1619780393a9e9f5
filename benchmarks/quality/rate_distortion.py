"""Bytes at equal score: a tool's ladder of results on one picture, read between its rungs."""

import bisect
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rung:
    """One result of a tool: at which setting, how large, how good, at what cost, and the file's hash."""

    setting: str
    size_bytes: int
    score: float
    cpu_s: float
    file: str


class Curve:
    """The rungs worth having (none larger and no better than another), by rising score.

    Between two rungs ln(bytes) is a straight line over the score, as it nearly is for every encoder over a few points.
    Beyond the ends nothing is said.
    """

    def __init__(self, rungs: Iterable[Rung]) -> None:
        self.rungs: list[Rung] = []
        for rung in sorted(rungs, key=lambda rung: (rung.size_bytes, -rung.score)):
            if not self.rungs or rung.score > self.rungs[-1].score:
                self.rungs.append(rung)

    def bytes_at(self, score: float) -> float | None:
        """Return the bytes at ``score``; None where no two rungs enclose it."""
        logarithm = self.at(score, lambda rung: math.log(rung.size_bytes))
        return None if logarithm is None else math.exp(logarithm)

    def at(self, score: float, measure: Callable[[Rung], float]) -> float | None:
        """Return ``measure`` at ``score``, between the two rungs around it; None where there are none."""
        around = self.around(score)
        if around is None:
            return None
        low, high = around
        if low is high:
            return measure(low)
        share = (score - low.score) / (high.score - low.score)
        return measure(low) * (1 - share) + measure(high) * share

    def around(self, score: float) -> tuple[Rung, Rung] | None:
        """Return the two rungs next to ``score``, the same one twice where it has that score; None outside."""
        scores = [rung.score for rung in self.rungs]
        right = bisect.bisect_left(scores, score)
        if right < len(scores) and scores[right] == score:
            return self.rungs[right], self.rungs[right]
        if right in (0, len(scores)):
            return None
        return self.rungs[right - 1], self.rungs[right]

    def smallest_from(self, score: float) -> Rung | None:
        """Return the smallest rung of at least ``score``."""
        return next((rung for rung in self.rungs if rung.score >= score), None)


def geometric_mean(ratios: Sequence[float]) -> float | None:
    """Return the geometric mean; None of nothing."""
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value below which ``percent`` of at least one value lie, between two values by a straight line."""
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
