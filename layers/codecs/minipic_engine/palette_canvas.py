"""A picture painted in palettes: each pixel in the nearest colour, scored against what it was."""

from dataclasses import dataclass
from functools import cached_property

from . import effort, palette_file, palette_native
from .palette_build import MOST_COLOURS, Colours, Palettes, Recipe
from .palette_native import Bytes
from .ssimulacra2 import Reference

_DITHER_LIMIT = 0.15
_HURRIED_S_PER_PIXEL = 3.0 / effort.MEGAPIXEL
"""What has to be left for one more trial near the end: far more than it takes, as the result is to be packed, too."""


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture in a palette, whose first colour is the background, and its score.

    ``strength`` is that of dithering, ``price`` what a bit was worth when indices were chosen.
    """

    palette: Bytes
    indices: Bytes
    recipe: Recipe
    score: float
    strength: float = 0.0
    price: float = 0.0


class Canvas:
    """A picture (rows, columns, 4 channels) to be painted in palettes that suit its colours, or those of ``whole``."""

    most_colours = MOST_COLOURS
    """How many a palette may have."""

    def __init__(self, pixels: Bytes, whole: Colours | None = None) -> None:
        self.colours = Colours(pixels, whole.lanes if whole else None)
        self.trials = 0
        self.choice_s = 0.0  # how long indices were chosen for the last time
        self._whole = whole or self.colours
        self._palettes: dict[Recipe, Palettes] = {}
        self.channels = 3 if self._whole.is_opaque else 4
        self._pixels = pixels

    @cached_property
    def _reference(self) -> Reference:
        return Reference(self._pixels[:, :, : self.channels])

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """The recipes that were used so far."""
        return tuple(self._palettes)

    @property
    def count(self) -> int:
        """The number of colours that palettes are made of."""
        return len(self._whole.rgba)

    @property
    def has_time(self) -> bool:
        """Whether there is time for another trial; a no is remembered for the result."""
        pixels = self.colours.width * self.colours.height
        return not effort.is_short() or effort.has(pixels * _HURRIED_S_PER_PIXEL)

    def score(self, palette: Bytes, indices: Bytes) -> float:
        """Return the score of the pixels that a decoder will see."""
        self.trials += 1
        return self._reference.score(palette_native.painted(indices, palette, self.channels))

    def paint(self, recipe: Recipe, size: int, strength: float = 0.0) -> Painted:
        """Return the picture in at most ``size`` colours by ``recipe``, scored."""
        if recipe not in self._palettes:
            self._palettes[recipe] = Palettes(self._whole, recipe)
        palette, indices = self._painted(recipe, self._palettes[recipe].of_size(size), strength)
        return Painted(palette, indices, recipe, self.score(palette, indices), strength)

    def _painted(self, recipe: Recipe, palette: Bytes, strength: float) -> tuple[Bytes, Bytes]:
        return painted(self.colours, recipe, palette, strength)


def painted(colours: Colours, recipe: Recipe, palette: Bytes, strength: float) -> tuple[Bytes, Bytes]:
    """Return ``palette`` in the best order, and for each pixel the nearest index, or a dithered one."""
    places = colours.places(recipe.space)
    shown = palette_native.places(palette, colours.lanes, recipe.space)
    if strength:
        sides = (colours.width, colours.height)
        indices = palette_native.dither(places, colours.numbers, sides, shown, strength, _DITHER_LIMIT)
    else:
        nearest = palette_native.nearest(places, shown)[0]
        indices = nearest[colours.numbers].reshape(colours.height, colours.width)
    palette, rank = palette_file.ordered(palette, palette_file.background_of(indices))
    return palette, rank[indices]
