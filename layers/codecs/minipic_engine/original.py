"""A picture that is about to be encoded with loss, and the scores of what comes out."""

from functools import cached_property

import numpy as np
from PIL import Image

from . import effort, mosaic
from .picture import Picture
from .ssimulacra2 import Pixels, Reference

_STRIP_PIXELS = 12 * effort.MEGAPIXEL
_SCORE_S_PER_PIXEL = 0.08 / effort.MEGAPIXEL
_POWER = 0.6276336467831387

LEAST_TRUSTED_PIXELS = 10_000
"""Under this the metric has too few scales to be trusted alone: no encoder goes below its usual settings for it."""


class Original:
    """What results are compared with. Of a large picture trials are made on ``sample``, which is a mosaic of it."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    @property
    def is_sampled(self) -> bool:
        """Whether ``sample`` is only a part of the picture."""
        return mosaic.is_needed(self.picture.pixels)

    @cached_property
    def pixels(self) -> Pixels:
        """All pixels: rows, columns, and channels unless it is grey."""
        return np.asarray(self.picture.image)

    @cached_property
    def sample(self) -> Picture:
        """The picture, or a mosaic of a large one."""
        return Picture(Image.fromarray(mosaic.cut(self.pixels)), self.picture.icc) if self.is_sampled else self.picture

    @cached_property
    def _of_sample(self) -> Reference:
        return Reference(np.asarray(self.sample.image))

    @cached_property
    def _of_whole(self) -> Reference:
        return Reference(self.pixels) if self.is_sampled else self._of_sample

    def score_of_sample(self, image: Image.Image) -> float:
        """Return the score of ``image``, made from ``sample``."""
        return self._of_sample.score(np.asarray(image))

    def score(self, image: Image.Image) -> float:
        """Return the score of ``image``, made from the whole picture; of a very large one strip by strip."""
        made = np.asarray(image)
        if self.picture.pixels <= mosaic.SCORED_PIXELS:
            return self._of_whole.score(made)
        height = max(1, _STRIP_PIXELS // made.shape[1])
        tops = range(0, made.shape[0], height)
        strips = [slice(top, top + height) for top in tops]
        scores = [Reference(self.pixels[strip]).score(made[strip]) for strip in strips]
        return combined(scores, [len(self.pixels[strip]) for strip in strips])

    @property
    def can_be_scored(self) -> bool:
        """Whether there is time to decode a result of the whole picture and to score it; a no is remembered."""
        return effort.has(self.picture.pixels * _SCORE_S_PER_PIXEL)


def combined(scores: list[float], weights: list[int]) -> float:
    """Return the score of a picture from those of its parts: the mean of the damage that they stand for.

    A score is 100 - 10 d ** 0.6276; the damage d is mostly a mean over pixels.
    """
    damage = sum(weight * ((100 - score) / 10) ** (1 / _POWER) for score, weight in zip(scores, weights, strict=True))
    return float(100 - 10 * (damage / sum(weights)) ** _POWER)
