"""The frames of an animation, one below the other, painted in one palette."""

import numpy as np

from . import effort, palette_file, palette_native
from .film_search import Samples, combined
from .palette_build import MOST_COLOURS, Recipe
from .palette_canvas import Canvas
from .palette_native import Bytes

CLEAR = 0
"""The index of nothing at all, which every palette of an animation has: laid over a frame, it lets that be seen."""

_PACK_S_PER_PIXEL = 0.3 / effort.MEGAPIXEL


class Roll(Canvas):
    """All frames (frames, rows, columns, 4 channels), of which those in ``samples`` are scored."""

    most_colours = MOST_COLOURS - 1

    def __init__(self, frames: Bytes, samples: Samples) -> None:
        self.shape = frames.shape[:3]
        self._samples = samples
        super().__init__(frames.reshape(-1, *frames.shape[2:]))

    @property
    def has_time(self) -> bool:
        """Whether there is time for another trial, and to pack all frames then; a no is remembered for the result."""
        pixels = self.colours.width * self.colours.height
        return super().has_time and effort.has(2 * self.choice_s + pixels * _PACK_S_PER_PIXEL)

    def score(self, palette: Bytes, indices: Bytes) -> float:
        """Return the score that stands for those of all sampled frames, whose ``indices`` tell what is shown."""
        self.trials += 1
        stills = indices.reshape(self.shape)
        return combined(
            [
                reference.score(palette_native.painted(np.ascontiguousarray(stills[place]), palette, self.channels))
                for place, reference in zip(self._samples.places, self._samples.references, strict=True)
            ]
        )

    def _painted(self, recipe: Recipe, palette: Bytes, _strength: float) -> tuple[Bytes, Bytes]:
        palette = with_clear(palette)
        places = self.colours.places(recipe.space)
        shown = palette_native.places(palette, self.colours.lanes, recipe.space)
        first = 1 if self.colours.is_opaque else 0
        nearest = palette_native.nearest(places, shown[first:].copy())[0] + np.uint8(first)
        return palette, nearest[self.colours.numbers].reshape(-1, self.shape[2])

    def exact(self) -> tuple[Bytes, Bytes] | None:
        """Return a palette of all colours, and the indices; None where they are too many."""
        rgba = self.colours.rgba
        if np.count_nonzero(rgba[:, 3]) > self.most_colours:
            return None
        palette = with_clear(rgba)
        places = {word: index for index, word in enumerate(palette.view(np.uint32).ravel().tolist())}
        indices = np.array([places[word] for word in rgba.view(np.uint32).ravel().tolist()], np.uint8)
        return palette, indices[self.colours.numbers].reshape(-1, self.shape[2])


def with_clear(palette: Bytes) -> Bytes:
    """Return ``palette`` in the order that packs best, behind the colour of what is not seen."""
    seen = palette[palette[:, 3] > 0]
    return palette_file.ordered(np.concatenate([np.zeros((1, 4), np.uint8), seen]), CLEAR)[0]
