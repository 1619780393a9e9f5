"""JPEG at a promised score: distance, resolution of colour and adaptive quantisation, chosen for the picture.

The settings were measured on photographs and graphics. Below a score of 72 jpegli's adaptive quantisation costs no
bytes and looks better; above, the same score takes 2 to 5 % less without it, and Butteraugli agrees within 5 %.
"""

import io
import math
from dataclasses import dataclass, replace

import ajpegli
import numpy as np
from PIL import Image

from . import effort
from .goal import Encoded
from .level import interpolate
from .original import LEAST_TRUSTED_PIXELS, Original
from .picture import Picture
from .search import ABOVE, MOST, Curve, Search, Trial

_ADAPTIVE_BELOW = 72
_START = (
    (30, 9.0),
    (50, 6.0),
    (65, 4.0),
    (72, 3.1),
    (75, 2.8),
    (80, 1.95),
    (85, 1.2),
    (90, 0.66),
    (94, 0.36),
    (98, 0.12),
)
"""The distance that half of the photographs need, by target."""

_SLOPE = ((30, 26.0), (65, 21.0), (75, 16.0), (80, 12.5), (85, 8.5), (90, 6.0), (94, 4.5), (98, 3.0))
"""Points of score that a distance smaller by the factor e gains, by target."""

_LEAST_DISTANCE, _MOST_DISTANCE = 0.03, 25.0
_FINEST_HALF = 0.35
"""The share of the usual distance below which bytes are better spent on all of the colours' resolution."""

_COARSER = 3.0
"""How many times the usual distance a picture may get: beyond that the metric is blind to something."""

_SUSPICIOUS = 2.0
"""A first trial this far below its target: the picture may have colours that half the resolution can't show."""

_BYTES_PER_DISTANCE = 0.65
"""A distance smaller by the factor e makes a file larger by the factor e to the power of this."""

_PATIENCE = 3
"""How many trials at half resolution may miss the target before full resolution gets its chance."""

_QUICK, _THOROUGH = 0, 2
_HALF, _FULL = "420", "444"
_RECHECK_BELOW = 0.3
_FAR_ABOVE = 1.5
"""A large picture whose score is farther above the target is encoded once more, as one below it is."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to encode; smaller distances are finer."""

    distance: float
    subsampling: str = _HALF
    is_adaptive: bool = False


def encoded(picture: Picture, settings: Settings, progressive: int = _THOROUGH) -> bytes:
    """Return a picture (L or RGB) as a plain JPEG."""
    made: bytes = ajpegli.encode(
        np.asarray(picture.image), distance=settings.distance, subsampling=settings.subsampling,
        adaptive_quantization=settings.is_adaptive, progressive=progressive, optimize=progressive == _QUICK,
    )  # fmt: skip
    return made


def at_level(level: int) -> Settings:
    """Return the fixed settings of a number from 1 to 100; the finer, the larger and the better."""
    distance = interpolate(level, ((1, _MOST_DISTANCE), *_START, (100, _LEAST_DISTANCE)), log=True)
    return Settings(distance, _FULL if level >= 90 else _HALF, is_adaptive=level < _ADAPTIVE_BELOW)


def encode(picture: Picture, target: float, above: float = ABOVE) -> Encoded:
    """Return the smallest JPEG of ``picture`` (L or RGB) found that scores at least ``target``, without a profile.

    It scores at most ``above`` more, if that is found in time.
    """
    return _Work(Original(picture), target, above).run()


@dataclass
class _Work:
    """A search over distances, with colours at half or full resolution, whichever promises fewer bytes."""

    original: Original
    target: float
    above: float
    trials: int = 0

    def run(self) -> Encoded:
        start = Settings(self._interpolated(_START), is_adaptive=self.target < _ADAPTIVE_BELOW)
        first = self._attempt(start)
        settings = start
        if self.original.picture.image.mode == "RGB" and first.score < self.target - _SUSPICIOUS:
            full = replace(start, subsampling=_FULL)
            rival = self._attempt(full)
            if self._is_cheaper(rival, first):
                settings, first = full, rival
        may_be_full = self.original.picture.image.mode == "RGB" and settings.subsampling == _HALF
        search = self._searched(settings, first, patience=_PATIENCE if may_be_full else MOST)
        best = search.best
        if best.score < self.target and may_be_full:
            finer = (self.target - best.score) / search.slope
            full = replace(settings, subsampling=_FULL, distance=math.exp(-best.setting - finer))
            rival = self._searched(full).best
            settings, best = (full, rival) if rival.score > best.score else (settings, best)
        return self._finished(replace(settings, distance=math.exp(-best.setting)), best.score)

    def _interpolated(self, anchors: tuple[tuple[int, float], ...]) -> float:
        return interpolate(self.target, anchors, log=True)

    def _is_cheaper(self, rival: Trial, first: Trial) -> bool:
        """Tell whether the bytes that ``rival`` costs more are fewer than those that its points would."""
        gained = (rival.score - first.score) / self._interpolated(_SLOPE)
        return math.log(len(rival.data) / len(first.data)) < gained * _BYTES_PER_DISTANCE

    def _attempt(self, settings: Settings) -> Trial:
        data = encoded(self.original.sample, settings, _QUICK)
        self.trials += 1
        return Trial(-math.log(settings.distance), data, self.original.score_of_sample(Image.open(io.BytesIO(data))))

    def _searched(self, settings: Settings, first: Trial | None = None, patience: int = MOST) -> Search:
        known = [first] if first else []
        slope = self._interpolated(_SLOPE)
        coarser = _COARSER if self.original.picture.pixels >= LEAST_TRUSTED_PIXELS else 1.0
        coarsest = -math.log(self._interpolated(_START) * coarser)
        is_limited = settings.subsampling == _HALF and self.original.picture.image.mode == "RGB"
        finest = self._interpolated(_START) * _FINEST_HALF if is_limited else _LEAST_DISTANCE
        curve = Curve(-math.log(settings.distance), slope, coarsest, -math.log(max(finest, _LEAST_DISTANCE)))
        search = Search(self.target, curve, known, MOST - self.trials + len(known), patience, self.above)
        search.run(lambda setting: self._attempt(replace(settings, distance=math.exp(-setting))), _is_time_left)
        return search

    def _finished(self, settings: Settings, score: float) -> Encoded:
        """Return the whole picture; where only a mosaic of it was tried it is scored, and made finer if need be."""
        data = encoded(self.original.picture, settings)
        if not self.original.is_sampled:
            return Encoded(data, score, self.trials)
        best = Encoded(data)
        while self.original.can_be_scored:
            score = self._score(data)
            if best.score is None or score >= self.target or score > best.score:
                best = Encoded(data, score)
            if self.target <= score <= self.target + _FAR_ABOVE or self.trials >= MOST:
                break
            nearer = (self.target + _RECHECK_BELOW - score) / self._interpolated(_SLOPE)
            distance = min(max(settings.distance * math.exp(-nearer), _LEAST_DISTANCE), _MOST_DISTANCE)
            settings = replace(settings, distance=distance)
            data = encoded(self.original.picture, settings)
        return replace(best, trials=self.trials)

    def _score(self, data: bytes) -> float:
        self.trials += 1
        return self.original.score(Image.open(io.BytesIO(data)))


def _is_time_left() -> bool:
    """Tell whether there is time for more trials; a no is remembered for the result."""
    return not effort.is_short() or effort.lowered()
