"""Finds the setting of a lossy encoder at which a picture just keeps a score, in few trials.

An encoder's setting is given on a scale on which the score rises about evenly: a slope of so many points a unit. A
first guess, one step along the slope, then secants and a bracket end in most cases after two or three trials.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

_AIM, _HIGHER = 0.2, 0.3
ABOVE, _ABOVE_AT_LAST = 0.55, 1.2
"""A score up to this far above the target is near enough, later up to that; it is aimed in between, never below."""

USUAL, MOST = 4, 6
"""How many trials there are as a rule, and for a picture whose scores are like no other's."""

_STEEPER, _FLATTER = 2.5, 0.2
"""How much a slope that was measured may differ from the one that was expected; beyond that it is noise. One that does
not rise says nothing: below the target the expected one counts, since a step too far up may be what is delivered,
above it the flattest, since one too far down never is."""

_FARTHEST_POINTS = 25.0
"""How many points one step along the slope may hope to gain: farther away nothing is known of the slope."""

_NEAREST, _FARTHEST = 0.12, 0.88
"""Where between two settings the next is chosen: a guess at the very edge of a bracket teaches nothing."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came out at one setting."""

    setting: float
    data: bytes
    score: float


@dataclass(frozen=True, slots=True)
class Curve:
    """What is known of an encoder beforehand: where to start, and the points that one unit of its setting gains.

    Settings go from ``lowest`` to ``highest`` in steps of ``step``, or, for 0, without any. Where nothing holds the
    target yet the next is at most ``longest_rise`` above the last: of no use where scores rise evenly, but where they
    do not one trial too high may be all there is to deliver.
    """

    start: float
    slope: float
    lowest: float
    highest: float
    step: float = 0.0
    longest_rise: float = math.inf


@dataclass(slots=True)
class Search:
    """A search for the smallest result of at least ``target``; every trial, in order, of which some may be given.

    There are at ``most`` so many; after ``patience`` trials that all miss the target it is given up. A score of
    up to ``above`` the target is near enough; where less than usual is asked, all trials are made for it.
    """

    target: float
    curve: Curve
    trials: list[Trial] = field(default_factory=list)
    most: int = MOST
    patience: int = MOST
    above: float = ABOVE

    def run(self, attempt: Callable[[float], Trial], may_go_on: Callable[[], bool] = lambda: True) -> Trial:
        """Return the best trial: the smallest that holds the target, or the one nearest to it if none does.

        ``may_go_on`` is asked before every trial but the very first, and only where there is one left to make.
        """
        setting = self._next() if self.trials else self._on_scale(self.curve.start)
        while setting is not None and (not self.trials or may_go_on()):
            self.trials.append(attempt(setting))
            setting = self._next()
        return self.best

    @property
    def best(self) -> Trial:
        """The smallest trial that holds the target, or the one nearest to it if none does."""
        holding = [trial for trial in self.trials if trial.score >= self.target]
        if holding:
            return min(holding, key=lambda trial: len(trial.data))
        return max(self.trials, key=lambda trial: trial.score)

    def _next(self) -> float | None:
        """Return the next setting; None where the search is over."""
        below = max((t for t in self.trials if t.score < self.target), key=lambda t: t.setting, default=None)
        above = min((t for t in self.trials if t.score >= self.target), key=lambda t: t.setting, default=None)
        near = self.above if len(self.trials) < USUAL or self.above < ABOVE else _ABOVE_AT_LAST
        if above is not None and above.score <= self.target + near:
            return None
        if len(self.trials) >= (self.most if above else min(self.most, self.patience)):
            return None
        setting = self._on_scale(self._between(below, above) if below and above else self._along_the_slope())
        is_new = all(abs(setting - trial.setting) > 1e-6 for trial in self.trials)
        return setting if is_new else self._neighbour(below, above)

    @property
    def slope(self) -> float:
        """The points that one unit gains: what the last two trials say, as far as that can be believed."""
        if len(self.trials) < 2:
            return self.curve.slope
        before, last = self.trials[-2:]
        measured = (last.score - before.score) / (last.setting - before.setting)
        if measured <= 0 and last.score < self.target:
            return self.curve.slope
        return min(max(measured, self.curve.slope * _FLATTER), self.curve.slope * _STEEPER)

    @property
    def _aim(self) -> float:
        """The score to try for: the more trials in a row have missed, the bolder."""
        missed = 0
        for trial in reversed(self.trials):
            if trial.score >= self.target:
                break
            missed += 1
        return self.target + min(_AIM, self.above / 2) + _HIGHER * max(0, missed - 1) ** 2

    def _between(self, below: Trial, above: Trial) -> float:
        share = (self._aim - below.score) / (above.score - below.score)
        share = min(max(share, _NEAREST), _FARTHEST)
        return below.setting + share * (above.setting - below.setting)

    def _along_the_slope(self) -> float:
        last, slope = self.trials[-1], self.slope
        rise = min(self._aim - last.score, _FARTHEST_POINTS) / slope
        return last.setting + min(rise, self.curve.longest_rise)

    def _neighbour(self, below: Trial | None, above: Trial | None) -> float | None:
        """Return the next step above one that just missed, or one between two that leave any."""
        if not self.curve.step or below is None:
            return None
        if above is None:
            return below.setting + self.curve.step if below.setting < self.curve.highest else None
        between = self._on_scale((below.setting + above.setting) / 2)
        return between if below.setting < between < above.setting else None

    def _on_scale(self, setting: float) -> float:
        step = self.curve.step
        on_steps = round(setting / step) * step if step else setting
        return min(max(on_steps, self.curve.lowest), self.curve.highest)
