"""Palettes of any size for one picture: colours merged pair by pair where there are few, boxes of them where many.

A colour counts by how often it occurs, less where the picture is busy, as an error is not seen there.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from . import palette_native as native
from .palette_native import Bytes, Doubles, Floats, Numbers, Space

MOST_COLOURS = 256
_ROUNDS = {True: 4, False: 12}
"""Of k-means, by whether merging made the groups, which leaves little to do."""

_BUSY = 0.0002
"""A variance of lightness at which an error is half as visible, at a fade of 1."""

MOST_MERGED = 4000
_MOST_CUT = 20_000
_MOST_PAIRED = 20_000
"""Of so many colours any two are compared when pairs are merged, in time that grows with the square of them."""

_LEAST_WEIGHT = 1e-9


@dataclass(frozen=True, slots=True)
class Recipe:
    """How palettes are made.

    ``fade``: how fast an error vanishes in what is busy; ``crowd``: the power of a colour's count that it counts by;
    ``emphasis``: the power by which colours far from the palette count for more.
    """

    space: Space
    fade: float
    crowd: float
    emphasis: float


FEW = Recipe(Space(0.8, 2.5), fade=0.2, crowd=0.5, emphasis=0.0)
MANY = Recipe(Space(0.5, 1.5), fade=0.4, crowd=0.5, emphasis=1.0)
SMOOTH = Recipe(Space(0.3, 0.8), fade=0.8, crowd=0.8, emphasis=0.5)


PLAIN = (Recipe(Space(0.8, 2.5), fade=0.2, crowd=0.6, emphasis=0.0), Recipe(Space(0.8, 1.5), 0.4, 0.6, 0.0))
"""Rivals of FEW, each the better one for some pictures."""


class Colours:
    """The different colours of a picture, and where its pixels have them.

    ``pixels``: rows, columns, 4 channels. Colours that are wholly transparent have to be black already. An opaque part
    of a picture that is not takes the ``lanes`` of that: else transparent black would stand where opaque black does.
    """

    def __init__(self, pixels: Bytes, lanes: int | None = None) -> None:
        self.height, self.width = pixels.shape[:2]
        self.numbers, self.rgba, _ = native.colours(pixels)
        self.is_opaque = bool(self.rgba[:, 3].min() == 255)
        self.lanes = lanes or (native.OPAQUE_LANES if self.is_opaque else native.ALPHA_LANES)

    def places(self, space: Space) -> Floats:
        """Return where each colour stands."""
        return native.places(self.rgba, self.lanes, space)

    @cached_property
    def _log_busy(self) -> Floats:
        activity = np.zeros((self.height, self.width), np.float32)
        places = self.places(Space(1, 1))
        for lane in (0,) if self.lanes == native.OPAQUE_LANES else (0, 3):
            native.add_activity(activity, places[:, lane].copy(), self.numbers)
        activity += np.float32(_BUSY)
        activity /= np.float32(_BUSY)
        return np.log(activity, out=activity).reshape(-1)

    def visibility(self, fade: float) -> Floats:
        """Return, pixel by pixel, how much an error counts: 1 where all is smooth, towards 0 where it is busy."""
        made: Floats = self._log_busy * np.float32(-fade)
        return np.exp(made, out=made)


class Palettes:
    """Makes palettes of a picture's colours by one recipe."""

    def __init__(self, colours: Colours, recipe: Recipe) -> None:
        self._recipe = recipe
        visibility = colours.visibility(recipe.fade)
        seen: Doubles = np.bincount(colours.numbers, visibility, len(colours.rgba)).astype(np.float64)
        self._rgba, seen = _fewer(colours.rgba, seen)
        self._weights = (seen**recipe.crowd).astype(np.float32)
        self._places = native.places(self._rgba, colours.lanes, recipe.space)

    @cached_property
    def _merges(self) -> tuple[Numbers, Numbers]:
        return native.merges(self._places, self._weights)

    def of_size(self, size: int) -> Bytes:
        """Return at most ``size`` (1 to 256) different colours, as rows of RGBA."""
        is_merged = len(self._rgba) <= MOST_MERGED
        if is_merged:
            labels, made = self._merged(min(size, len(self._rgba)))
        else:
            labels, made = native.cut(self._places, self._weights, size)
        space, power, rounds = self._recipe.space, self._recipe.emphasis, _ROUNDS[is_merged]
        palette = native.refine(self._rgba, self._places, self._weights, space, power, rounds, labels, made)
        return np.unique(palette.view(np.uint32)).view(np.uint8).reshape(-1, 4)

    def _merged(self, size: int) -> tuple[Bytes, int]:
        """Return the number of each colour's group when so many merges are done that ``size`` groups are left."""
        return _groups(self._merges, len(self._rgba), size).astype(np.uint8), size


class Merging:
    """Merges a picture's colours pair by pair, to any number below ``most``."""

    def __init__(self, colours: Colours, recipe: Recipe) -> None:
        self._rgba = colours.rgba
        visibility = colours.visibility(recipe.fade)
        self._seen: Doubles = np.bincount(colours.numbers, visibility, len(self._rgba)).astype(np.float64)
        self._first = _alike(self._rgba)
        self.most = int(self._first.max()) + 1
        means, seen = self._means(self._first)
        places = native.places(means, colours.lanes, recipe.space)
        self._merges = native.merges(places, (seen**recipe.crowd).astype(np.float32))

    def of_size(self, size: int) -> Bytes:
        """Return what each colour becomes, a row of RGBA each, if there are to be ``size`` different ones."""
        labels = _groups(self._merges, self.most, size)[self._first]
        return self._means(labels)[0][labels]

    def _means(self, labels: NDArray[np.intp]) -> tuple[Bytes, Doubles]:
        """Return each group's mean colour, for which the more opaque ones count for more, and how much it is seen."""
        weights = self._seen * self._rgba[:, 3]
        total: Doubles = np.bincount(labels, self._seen).astype(np.float64)
        solid = np.bincount(labels, weights)
        divisor = np.maximum(solid, _LEAST_WEIGHT)
        means = [np.bincount(labels, weights * values) / divisor for values in self._rgba.T[:3]]
        made = np.rint(np.stack([*means, solid / np.maximum(total, _LEAST_WEIGHT)], axis=1)).astype(np.uint8)
        made[made[:, 3] == 0] = 0
        return made, total


def _alike(rgba: Bytes) -> NDArray[np.intp]:
    """Return the number of each colour's group when as few of the last bits are dropped as leave few enough groups."""
    values = rgba.view(np.uint32).ravel()
    groups = np.arange(len(rgba))
    for bits in range(4):
        if int(groups.max()) < _MOST_PAIRED:
            break
        groups = np.unique(values & np.uint32(0x01010101 * (0xFF & -(2 << bits))), return_inverse=True)[1]
    return groups


def _groups(merges: tuple[Numbers, Numbers], count: int, size: int) -> NDArray[np.intp]:
    """Return the number of each colour's group when so many of ``count`` colours are merged that ``size`` are left."""
    kept, gone = (names[: count - size].tolist() for names in merges)
    group = np.arange(count)
    for stays, goes in zip(reversed(kept), reversed(gone), strict=True):
        group[goes] = group[stays]
    return np.unique(group, return_inverse=True)[1]


def _fewer(rgba: Bytes, weights: Doubles) -> tuple[Bytes, Doubles]:
    """Return colours of which those that are alike are one: not more than can be grouped in good time."""
    values = rgba.view(np.uint32).ravel()
    for bits in range(5):
        if len(rgba) <= _MOST_CUT or bits == 4:
            break
        kept = values & np.uint32(0x01010101 * (0xFF & -(2 << bits)))
        groups = np.unique(kept, return_inverse=True)[1]
        total: Doubles = np.bincount(groups, weights).astype(np.float64)
        means = [np.bincount(groups, weights * values_of) / total for values_of in rgba.T.astype(np.float64)]
        rgba, weights = np.rint(np.stack(means, axis=1)).astype(np.uint8), total
        values = rgba.view(np.uint32).ravel()
    return np.ascontiguousarray(rgba), weights
