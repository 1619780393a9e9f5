"""Results of the same picture, of which the smallest that keeps the promise wins."""

import math

from .goal import IDENTICAL, Encoded
from .search import Trial

_BYTES_PER_POINT = 0.05
"""By how much, as a logarithm, a lossy file grows for one point of score."""

_NEARLY = 0.5
"""How much a picture may miss the target by whose halved colours can't reach it, before lossless has to stand in."""


def are_near(rivals: list[Encoded], target: float) -> bool:
    """Tell whether any of the results holds the target, or misses it by no more than nobody sees."""
    return any(score_of(rival) >= target - _NEARLY for rival in rivals)


def smallest(rivals: list[Encoded], target: float) -> Encoded:
    """Return the smallest that holds the target; else the smallest that nearly does; else the best."""
    for least in (target, target - _NEARLY):
        holding = [rival for rival in rivals if score_of(rival) >= least]
        if holding:
            return min(holding, key=lambda rival: rival.size_bytes)
    return max(rivals, key=score_of)


def score_of(result: Encoded) -> float:
    """Return the score of ``result``; one that nobody measured is believed to keep what it was made for."""
    return IDENTICAL if result.score is None else result.score


def expected_bytes(trial: Trial, target: float) -> float:
    """Return how large ``trial`` will be when its score is that of the target."""
    return len(trial.data) * math.exp((target - trial.score) * _BYTES_PER_POINT)
