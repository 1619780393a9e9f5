"""WebP at a promised score: quality, the way to halve the colours, and lossless for flat graphics.

Trials are made by libwebp's default method, the result by its most thorough one, which at the same quality has the same
score (within 0.3 at 80) in 4 % fewer bytes; all of them share the planes of one conversion.
"""

import io
import time
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image

from . import effort, libwebp
from .goal import Encoded, exact
from .level import interpolate
from .original import Original
from .picture import Picture
from .rivals import are_near, expected_bytes, score_of, smallest
from .search import MOST, Curve, Search, Trial
from .ssimulacra2 import Pixels
from .webp_colours import in_fewer_colours, is_sharp, repeated_share
from .webp_pace import times_of

_START = ((30, 10.0), (40, 22.0), (50, 33.0), (60, 47.0), (65, 59.0), (70, 71.5), (75, 80.0), (80, 85.4), (85, 90.4),
          (88, 93.6), (90, 95.6), (92, 97.5), (94, 99.0))  # fmt: skip
"""The quality that half of the photographs need, by target."""

_SLOPE = ((30, 1.2), (40, 0.9), (50, 0.66), (60, 0.48), (65, 0.43), (70, 0.5), (75, 0.85), (80, 0.92), (85, 0.96),
          (90, 0.7))  # fmt: skip
"""Points of score that one step of quality gains, by target."""

_HIGHEST = 100.0
_NEARLY_IDENTICAL = 99.99
"""The highest score of what is not the very pixels."""

_QUICK, _TRIAL, _THOROUGH = 2, 4, 6
_TIMES = {_QUICK: 0.6, _TRIAL: 1.0, _THOROUGH: 2.4}
"""How many times as long as by the method of trials a result takes."""

_SLOWER_FROM = 9 * effort.MEGAPIXEL  # libwebp takes longer for a pixel of a large picture: 2.8 times at 25
_SCORE_S_PER_PIXEL = 0.06 / effort.MEGAPIXEL

_MARGIN = 0.15
"""How far above the target trials aim: a result by the thorough method scores up to that much less."""

_TRIALS, _PATIENCE, _PALETTE_TRIALS, _NEAR_TRIALS = 4, 3, 3, 2
_HOPELESS = 2.0
"""A trial at the highest quality that misses the target by so much: no better method helps."""

_RECHECK_BELOW, _FAR_ABOVE = 0.2, 1.5
_HURRIED_MARGIN = 2.0
"""Points above the target at which the only trial is aimed that a hurry may leave time for."""

_RIVALRY = 3.0
"""A quick lossless encoding up to so many times as large as a lossy one: a thorough one, or one of fewer colours, may
win."""

_LEAST_REPEATED = 0.3
"""The share of pixels that are the same as their neighbour: below 0.25 in photographs, above 0.4 in flat graphics."""

_STRENGTHS = ((86.0, 20), (90.5, 40), (93.5, 60), (95.5, 80))
"""How coarse libwebp's near-lossless may be up to which target."""

_CLEARLY = 0.85
_PALETTE_START = ((65, 58.0), (80, 79.0), (90, 93.0), (95, 98.0))
_PALETTE_SLOPE = 1.0
"""libimagequant's quality, on flat graphics, and the points that one step of it gains."""

_EXACT = 100
_ALPHA_QUALITY = ((80, 80.0), (90, 95.0))
"""At 100 libwebp takes 20 times as long for the alpha channel, to save 1 % of it."""


def encode(picture: Picture, target: float) -> Encoded:
    """Return the smallest WebP of ``picture`` found that scores at least ``target``, without a profile or a mark.

    Where half of the colours' resolution can't reach the target by more than half a point, a lossless file does.
    """
    return _Work(Original(picture), target).run()


def usual_quality(target: float) -> float:
    """Return the quality at which half of the photographs have the score ``target``."""
    return interpolate(target, _START)


def curve(target: float, start: float, share: float = 1.0) -> Curve:
    """Return what is known of qualities around ``target``: ``share`` of the slope that stills have."""
    return Curve(start, interpolate(target, _SLOPE) * share, 0.0, _HIGHEST)


def is_flat(pixels: Pixels, lossy_bytes: int) -> bool:
    """Tell whether a picture that takes so many bytes with loss is so flat that it may take fewer without."""
    if repeated_share(pixels) < _LEAST_REPEATED:
        return False
    return len(libwebp.lossless(pixels, libwebp.QUICKLY)) <= _RIVALRY * lossy_bytes


@dataclass
class _Work:
    original: Original
    target: float
    trials: int = 0
    trial_s: float = 0.0

    def run(self) -> Encoded:
        """Return the smallest result that holds the target, or the best where none does."""
        rivals: list[Encoded] = []
        try:
            first = self._attempt(self._start)
            if is_flat(np.asarray(self.original.sample.image), len(first.data)):
                rivals = [self._exact(), *self._of_few_colours()]
            if not self._is_beaten(first, rivals):
                rivals.append(self._lossy(first))
        except ValueError:  # a huge and noisy picture overflows the format's first partition, of at most 512 KiB
            rivals.append(self._exact())
        if not are_near(rivals, self.target) and not effort.is_short():
            rivals += self._without_planes(has_few_colours=len(rivals) > 1)
        return replace(smallest(rivals, self.target), trials=self.trials)

    @cached_property
    def _is_full(self) -> bool:
        return effort.is_full(self.original.picture.pixels)

    @property
    def _start(self) -> float:
        usual = usual_quality(self.target)
        return usual if self._is_full else min(_HIGHEST, usual + _HURRIED_MARGIN / self._slope)

    @cached_property
    def _is_sharp(self) -> bool:
        return is_sharp(self.original.sample.image, self.target)

    @cached_property
    def _sample_planes(self) -> libwebp.Planes:
        return libwebp.Planes(np.asarray(self.original.sample.image), is_sharp=self._is_sharp)

    @property
    def _slope(self) -> float:
        return interpolate(self.target, _SLOPE)

    def _settings(self, quality: float, method: int) -> libwebp.Settings:
        return libwebp.Settings(quality, method, round(interpolate(self.target, _ALPHA_QUALITY)))

    def _attempt(self, quality: float) -> Trial:
        method = _TRIAL if self._is_full else _QUICK
        planes, started_s = self._sample_planes, time.monotonic()
        data = planes.encoded(self._settings(quality, method))
        self.trial_s = (time.monotonic() - started_s) / _TIMES[method]
        self.trials += 1
        return Trial(quality, data, self.original.score_of_sample(_opened(data)))

    def _is_beaten(self, first: Trial, rivals: list[Encoded]) -> bool:
        """Tell whether a rival is smaller than what ``first`` will be when its score is that of the target."""
        if self.original.is_sampled:
            return False
        expected = expected_bytes(first, self.target)
        return any(rival.size_bytes < expected * _CLEARLY for rival in rivals if score_of(rival) >= self.target)

    def _lossy(self, first: Trial) -> Encoded:
        """Return the whole picture by the best method there is time for, twice where that is far from the target."""
        known = curve(self.target, first.setting)
        most = min(_TRIALS, MOST - self.trials)
        search = Search(self.target + _MARGIN, known, [first], most, _PATIENCE)
        best = first if effort.is_short() else search.run(self._attempt, lambda: not effort.is_short())
        planes = self._sample_planes
        if self.original.is_sampled:
            planes = libwebp.Planes(self.original.pixels, is_sharp=self._is_sharp)
        elif not self._is_full or best.score < self.target - _HOPELESS:
            return Encoded(best.data, best.score)
        made = self._final(planes, best.setting)
        if made.score is None:
            return made
        missing = self.target - score_of(made)
        if -_FAR_ABOVE <= missing <= 0 or self.trials >= MOST or not effort.has(self._needed_s(_THOROUGH)):
            return made
        nearer = min(max(0.0, best.setting + (missing + _RECHECK_BELOW) / self._slope), _HIGHEST)
        return smallest([made, self._final(planes, nearer)], self.target) if nearer != best.setting else made

    def _final(self, planes: libwebp.Planes, quality: float) -> Encoded:
        method = _THOROUGH if self._is_full else _QUICK
        while method != _QUICK and not effort.has(self._needed_s(method)):
            method -= 2
        data = planes.encoded(self._settings(quality, method))
        return self._scored(data) if self.original.can_be_scored else Encoded(data)

    def _needed_s(self, method: int) -> float:
        """Return about how long a result by ``method`` and its score will take."""
        times = self._thorough_times if method == _THOROUGH else _TIMES[method]
        per_pixel_s = self.trial_s * times / self.original.sample.pixels
        pixels = self.original.picture.pixels
        return pixels * (per_pixel_s * max(1.3, pixels / _SLOWER_FROM) + _SCORE_S_PER_PIXEL)

    @cached_property
    def _thorough_times(self) -> float:
        """How many times as long as a trial the thorough method takes: 2 on most pictures, 9 on grain."""
        if not self.original.is_sampled:
            return _TIMES[_THOROUGH]
        trial, thorough = (self._settings(self._start, method) for method in (_TRIAL, _THOROUGH))
        return times_of(thorough, trial, np.asarray(self.original.sample.image))

    def _scored(self, data: bytes) -> Encoded:
        self.trials += 1
        return Encoded(data, min(self.original.score(_opened(data)), _NEARLY_IDENTICAL))

    @property
    def _how(self) -> libwebp.Lossless:
        return libwebp.THOROUGHLY if self._is_full else libwebp.QUICKLY

    def _exact(self, strength: int = _EXACT) -> Encoded:
        data = libwebp.lossless(self.original.pixels, replace(self._how, strength=strength))
        return exact(data) if strength == _EXACT else self._scored(data)

    def _of_few_colours(self) -> list[Encoded]:
        """Return the picture without loss in as few colours as hold the target, if few enough do."""
        sample = self.original.sample

        def attempt(quality: float) -> Trial:
            reduced = in_fewer_colours(sample, round(quality))
            self.trials += 1
            data = libwebp.lossless(np.asarray(reduced.image), libwebp.QUICKLY)
            return Trial(quality, data, self.original.score_of_sample(reduced.image))

        known = Curve(interpolate(self.target, _PALETTE_START), _PALETTE_SLOPE, 1.0, 100.0, 1.0)
        best = Search(self.target, known, most=max(1, min(_PALETTE_TRIALS, MOST - self.trials))).run(
            attempt, lambda: not effort.is_short()
        )
        if best.score < self.target or effort.is_short():
            return []
        reduced = in_fewer_colours(self.original.picture, round(best.setting))
        score = self.original.score(reduced.image) if self.original.is_sampled else best.score
        data = libwebp.lossless(np.asarray(reduced.image), self._how)
        return [Encoded(data, min(score, _NEARLY_IDENTICAL))]

    def _without_planes(self, *, has_few_colours: bool) -> list[Encoded]:
        """Return what holds the target where halved colours don't, the very pixels if nothing else does."""
        results: list[Encoded] = []
        for strength in [strength for most, strength in _STRENGTHS if self.target <= most][:_NEAR_TRIALS]:
            if effort.is_short() or self.trials >= MOST or are_near(results, self.target):
                break
            results.append(self._exact(strength))
        if not has_few_colours and self.trials < MOST:
            results += self._of_few_colours()
        return results if are_near(results, self.target) else [self._exact()]


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))
