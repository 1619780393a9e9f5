"""A picture that is about to be encoded with loss, and the scores of what comes out."""

from functools import cached_property

import numpy as np
from PIL import Image

from . import mosaic
from .picture import Picture
from .ssimulacra2 import Pixels, Reference

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
        """Return the score of ``image``, made from the whole picture; of a mosaic where the whole takes too long."""
        if self.picture.pixels > mosaic.SCORED_PIXELS:
            return self._of_sample.score(mosaic.cut(np.asarray(image)))
        return self._of_whole.score(np.asarray(image))
