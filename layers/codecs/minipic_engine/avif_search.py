"""AVIF at a promised score: quick trials tell where the result, which takes ten times as long, has to be tried.

At speed 9 a picture scores less than at speed 6 by a few tenths of a point at 90, one at 80 and two or three at 65, on
most photographs within one point of that. So one or two quick trials and one result of which the score is
measured do in most cases; where the result misses, the next is a few steps away.
"""

import io
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from PIL import Image

from . import avif_still, effort
from .avif_still import FINEST, QUICK_SPEED, Settings
from .goal import IDENTICAL, Encoded
from .level import interpolate
from .original import LEAST_TRUSTED_PIXELS, Original
from .picture import Picture
from .search import Curve, Search, Trial

_START = ((1, 5.0), (30, 16.0), (50, 23.0), (65, 31.0), (75, 38.0), (80, 43.0), (85, 49.5), (90, 56.0), (93, 60.0),
          (99, 62.0))  # fmt: skip
"""The step that half of the photographs need, by target."""

_SLOPE = ((30, 3.2), (50, 2.6), (65, 1.7), (75, 1.1), (80, 0.85), (85, 0.8), (90, 0.75))
"""Points of score that one step gains, by target."""

_GAIN = ((30, 6.0), (50, 3.8), (65, 2.1), (75, 1.3), (80, 1.0), (85, 0.6), (90, 0.35))
"""Points that speed 6 gains over speed 9 on half of the photographs, by target."""

_TIMES = {6: 9.0, 7: 5.0, 8: 2.8}
"""How many times as long as at speed 9 a result takes: at speed 6 from 5 times, on grain, to 12 times."""

_SHARE = {6: 1.0, 7: 0.6}
"""The share of that gain that a speed has."""

_MARGIN, _RECHECK_BELOW = 0.35, 0.25
"""How far above the target the first result is meant to be, and one that follows another."""

_ABOVE = 1.5
"""A score up to this far above the target is near enough."""

_FINE_BELOW, _PARTS = 75, 4
"""Below this target a step is worth more than a point, and is divided in so many parts."""

_ROUND_UP = 0.5
_COARSER = 24
"""How many steps coarser than usual a picture may get: beyond that the metric is blind to something."""

_PROBES, _RESULTS = 2, 3
_SCORE_S_PER_PIXEL = 0.06 / effort.MEGAPIXEL
_AGAIN, _FINISH_S = 1.5, 3.0
"""A further result is made while there is time for one that takes so many times as long as the first, and to finish."""

_NEARLY = 0.5
"""How much the finest step may miss the target by before lossless has to stand in."""

_FEW_COLOURS = 256
_RIVALRY = 2.0
"""A quick lossless encoding up to so many times as large as a lossy one: a thorough one may win."""

_NEARLY_IDENTICAL = 99.99
"""The highest score of what is not the very pixels."""


def encode(picture: Picture, target: float) -> Encoded:
    """Return the smallest AVIF of ``picture`` (L, RGB or RGBA) found that scores at least ``target``, without a mark.

    Where the finest step misses the target by more than half a point, a lossless file holds it.
    """
    return _Work(Original(picture), target).run()


def usual_step(target: float) -> int:
    """Return the step at which half of the photographs have the score ``target``."""
    return round(interpolate(target, _START))


@dataclass
class _Work:
    original: Original
    target: float
    trials: int = 0
    probe_s: float = math.inf

    def run(self) -> Encoded:
        """Return the smallest result that holds the target, or the best where none does."""
        best = self._results(self._predicted())
        if math.isnan(best.score):
            return Encoded(best.data, None, self.trials)
        is_done = best.setting == FINEST or not self.original.is_sampled  # a large one may have had no time
        if best.score < self.target - _NEARLY and is_done:
            return Encoded(avif_still.lossless(self.original.picture), IDENTICAL, self.trials)
        exactly = self._without_loss(len(best.data))
        if exactly is not None and len(exactly) < len(best.data):
            return Encoded(exactly, IDENTICAL, self.trials)
        return Encoded(best.data, min(best.score, _NEARLY_IDENTICAL), self.trials)

    @cached_property
    def _speed(self) -> int:
        """The slowest speed whose result there is time for, by how long a probe took."""
        pixels = self.original.picture.pixels
        usual = avif_still.speed_for(pixels)
        left_s = effort.left_s() - _FINISH_S - pixels * _SCORE_S_PER_PIXEL
        quick_s = (0.0 if math.isinf(self.probe_s) else self.probe_s) * pixels / self.original.sample.pixels
        speed = next((speed for speed in range(usual, QUICK_SPEED) if quick_s * _TIMES[speed] <= left_s), QUICK_SPEED)
        if speed > usual:
            effort.lowered()
        return speed

    @property
    def _slope(self) -> float:
        return interpolate(self.target, _SLOPE)

    @cached_property
    def _coarsest(self) -> int:
        coarser = _COARSER if self.original.picture.pixels >= LEAST_TRUSTED_PIXELS else 0
        return max(0, usual_step(self.target) - coarser)

    def _on_scale(self, step: float) -> float:
        parts = _PARTS if self.target < _FINE_BELOW else 1
        return min(max(math.ceil(step * parts - _ROUND_UP) / parts, self._coarsest), FINEST)

    def _predicted(self) -> float:
        """Return the step at which the result will most likely hold the target, by quick trials."""
        if effort.is_short():
            return usual_step(self.target) + 2
        curve = Curve(usual_step(self.target), self._slope, self._coarsest, FINEST, 1.0)
        search = Search(self._aim_at(avif_still.speed_for(self.original.picture.pixels)), curve, most=_PROBES)
        search.run(self._attempt, lambda: not effort.is_short())
        return self._on_scale(_crossing(search.trials, self._aim_at(self._speed), self._slope))

    def _aim_at(self, speed: int) -> float:
        """Return the score of a probe whose step gives a result at ``speed`` that holds the target."""
        return self.target - interpolate(self.target, _GAIN) * _SHARE.get(speed, 0.0) + _MARGIN

    def _attempt(self, step: float) -> Trial:
        started_s = time.monotonic()
        data = avif_still.lossy(self.original.sample, Settings(step, QUICK_SPEED))
        self.probe_s = min(self.probe_s, time.monotonic() - started_s)  # the first one warms up
        return self._scored(step, data, self.original.score_of_sample)

    def _results(self, step: float) -> Trial:
        """Return the smallest of a few whole results that holds the target, or the best."""
        started_s = time.monotonic()
        made = [self._result(step)]
        cost_s = time.monotonic() - started_s
        while len(made) < _RESULTS:
            best = _best(made, self.target)
            if self.target <= best.score <= self.target + _ABOVE or math.isnan(best.score):
                break
            following = self._next(made, best)
            if following is None or not effort.has(cost_s * _AGAIN):
                break
            made.append(self._result(following))
        return _best(made, self.target)

    def _next(self, made: list[Trial], best: Trial) -> float | None:
        """Return another step for a result; None where there is none left that promises more."""
        step = self._on_scale(_crossing(made, self.target + _RECHECK_BELOW, self._slope))
        if best.score < self.target:
            step = max(step, self._on_scale(best.setting + 1))
        known = sorted(trial.setting for trial in made)
        if step in known and len(known) > 1:
            step = self._on_scale((known[0] + known[1]) / 2)
        return None if step in known else step

    def _result(self, step: float) -> Trial:
        data = avif_still.lossy(self.original.picture, Settings(step, self._speed))
        if not self.original.can_be_scored:
            self.trials += 1
            return Trial(step, data, math.nan)
        return self._scored(step, data, self.original.score)

    def _scored(self, step: float, data: bytes, score: Callable[[Image.Image], float]) -> Trial:
        self.trials += 1
        image = Image.open(io.BytesIO(data))
        mode = self.original.picture.image.mode
        return Trial(step, data, score(image if image.mode == mode else image.convert(mode)))

    def _without_loss(self, size_bytes: int) -> bytes | None:
        """Return the very pixels of a picture so flat that they may take fewer bytes."""
        picture = self.original.picture
        if self.original.is_sampled or picture.image.getcolors(_FEW_COLOURS) is None or effort.is_short():
            return None
        if len(avif_still.lossless(picture, is_quick=True)) > _RIVALRY * size_bytes:
            return None
        return avif_still.lossless(picture)


def _best(trials: list[Trial], target: float) -> Trial:
    holding = [trial for trial in trials if trial.score >= target]
    return min(holding, key=lambda trial: len(trial.data)) if holding else max(trials, key=lambda trial: trial.score)


def _crossing(trials: list[Trial], score: float, slope: float) -> float:
    """Return the step, not a whole number, at which a line through the trials nearest to ``score`` has it."""
    below = max((t for t in trials if t.score < score), key=lambda t: t.score, default=None)
    above = min((t for t in trials if t.score >= score), key=lambda t: t.score, default=None)
    if below and above and above.setting > below.setting:
        return below.setting + (score - below.score) / (above.score - below.score) * (above.setting - below.setting)
    nearest = min(trials, key=lambda t: abs(t.score - score))
    return nearest.setting + (score - nearest.score) / slope
