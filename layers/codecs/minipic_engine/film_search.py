"""One quality for a whole animation, at a promised score of a few of its frames.

The score of an animation is the mean of the sampled frames' scores, but at most so much above the worst of them: what
moves is looked at as a whole, and one spoiled frame among good ones would still be seen.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import effort, film
from .film import Film
from .goal import Encoded
from .header import Header
from .picture import Picture
from .search import MOST, Curve, Search, Trial
from .ssimulacra2 import Reference

_FLOOR = 5.0
"""How far the worst frame may be below the mean that counts."""

_MOST_SAMPLES, _LEAST_SAMPLES = 8, 2
_SAMPLED_PIXELS = 8 * effort.MEGAPIXEL
"""Of large frames fewer are scored: each takes memory and time."""

_GLANCE_SIDE = 64
_AGAIN, _FINISH_S = 1.3, 3.0
"""Another trial is begun when there is this many times the time that the last one took, and some to finish in."""


class Samples:
    """The frames of an animation that are scored: the first, the last, and those that change most."""

    def __init__(self, made: Film) -> None:
        self._film = made
        self.places = _places(made)

    @cached_property
    def references(self) -> list[Reference]:
        """The sampled frames, ready to be compared."""
        return [Reference(np.asarray(picture.image)) for picture in self.pictures]

    @property
    def pictures(self) -> list[Picture]:
        """The sampled frames."""
        return [self._film.pictures[place] for place in self.places]

    def score(self, data: bytes, header: Header) -> float:
        """Return the score of the animation ``data``, in which frames that are alike may have become one."""
        durations = self._film.timeline.durations
        is_whole = header.frames == len(durations)
        starts = [0, *accumulate(durations)]
        wanted = [place if is_whole else starts[place] for place in self.places]
        scores: list[float] = []
        position, image = 0, None
        for image, duration in film.frames(data, header):
            position += 1 if is_whole else duration
            while len(scores) < len(wanted) and wanted[len(scores)] < position:
                scores.append(self._score(len(scores), image))
        while image is not None and len(scores) < len(wanted):
            scores.append(self._score(len(scores), image))
        return combined(scores)

    def _score(self, number: int, image: Image.Image) -> float:
        return self.references[number].score(np.asarray(image))


def combined(scores: list[float]) -> float:
    """Return the score that stands for those of all sampled frames."""
    return min(sum(scores) / len(scores), min(scores) + _FLOOR)


def _places(made: Film) -> list[int]:
    """Return the numbers of the frames to score, in order."""
    count = len(made.pictures)
    most = min(_MOST_SAMPLES, max(_LEAST_SAMPLES, _SAMPLED_PIXELS // made.pictures[0].pixels))
    if count <= most:
        return list(range(count))
    glances = [_glance(picture.image) for picture in made.pictures]
    changes = [float(np.abs(after - before).mean()) for before, after in pairwise(glances)]
    inner = sorted(range(1, count - 1), key=lambda place: changes[place - 1], reverse=True)
    return sorted({0, count - 1, *inner[: most - 2]})


def _glance(image: Image.Image) -> NDArray[np.int16]:
    small = image.reduce(max(1, min(image.size) // _GLANCE_SIDE))
    return np.asarray(small.convert("RGBA")).astype(np.int16)


def scored(made: Film, data: bytes, read_header: Callable[[bytes], Header]) -> Encoded:
    """Return ``data``, which nothing was searched for, with its score; without one where time is short."""
    if effort.is_short():
        return Encoded(data)
    return Encoded(data, Samples(made).score(data, read_header(data)))


def may_go_on() -> bool:
    """Tell whether there is time for more than has to be done; a no is remembered for the result."""
    return not effort.is_short() or effort.lowered()


@dataclass(slots=True)
class Attempts:
    """Trials of a whole animation, as many as the job has time for, but at least one."""

    samples: Samples
    read_header: Callable[[bytes], Header]
    count: int = 0
    _last_s: float = 0.0

    def make(self, encoded: Callable[[float], bytes], setting: float) -> Trial:
        """Return what ``encoded`` makes at ``setting``, with its score."""
        started_s = time.monotonic()
        data = encoded(setting)
        trial = Trial(setting, data, self.samples.score(data, self.read_header(data)))
        self.count += 1
        self._last_s = time.monotonic() - started_s
        return trial

    def has_time(self) -> bool:
        """Tell whether there is time for another trial like the last; a no is remembered for the result."""
        return self._last_s * _AGAIN <= effort.left_s() - _FINISH_S or effort.lowered()

    def search(self, encoded: Callable[[float], bytes], curve: Curve, target: float, known: list[Trial]) -> Trial:
        """Return the smallest of ``known`` and of what ``encoded`` makes in a few trials that holds ``target``.

        Where time ends them the result is said to be made with less effort, and may miss the target. What was tried
        before, be it among the ``known`` or not, counts.
        """
        search = Search(target, curve, known, most=MOST - self.count + len(known))
        return search.run(lambda setting: self.make(encoded, setting), self.has_time)
