"""Animated PNG with loss: all frames in one palette, of as few colours as keep the score, in indices that pack well."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import apng_file, effort, palette_png, palette_search, png_chunks
from .apng_file import Delay
from .apng_parts import Part, Parts
from .apng_roll import Roll
from .film import Film
from .film_search import Samples
from .goal import Encoded, Goal, exact, smaller
from .header import Header
from .palette_build import FEW, MANY, MOST_MERGED
from .palette_canvas import Painted
from .palette_lz import with_repeats
from .palette_native import Bytes
from .palette_search import Search

_HOPELESS_POINTS = 8.0
"""Frames of very many colours that miss the target by more in a full palette are left as they are."""

_CHOICE_S_PER_PIXEL = 0.8 / effort.MEGAPIXEL
"""To choose indices, to score and to pack: what has to be left before that is begun."""


_MORE_TRIES = 3
"""What stands still is paid for once, so that prices of bits differ far more than in stills."""


@dataclass(frozen=True, slots=True)
class Showing:
    """How long each frame is shown, and how often all are (0: for ever)."""

    delays: Sequence[Delay]
    plays: int


def read_showing(data: bytes) -> Showing:
    """Return what the animated PNG ``data`` says of that, to the letter; raises DecodeError."""
    return Showing(apng_file.read_delays(data), apng_file.read_plays(data))


def showing_of(made: Film) -> Showing:
    """Return the timeline of an animation in this format's words."""
    return Showing(apng_file.delays_of(made.timeline), made.timeline.plays)


def encode(made: Film, header: Header, showing: Showing, goal: Goal) -> Encoded | None:
    """Return the animation in one palette that keeps ``goal``: all colours, if they fit and that is smaller.

    None where none does, where a still stands beside the frames, or for more frames than there is time for.
    """
    if made.has_still_apart or len(showing.delays) != len(made.pictures) or not effort.is_full(made.pixels):
        return None
    frames = _stacked(made)
    if goal.is_lossless and _hides_colours(frames):
        return None
    frames[frames[..., 3] == 0] = 0
    roll = Roll(frames, Samples(made))
    rivals = []
    every = roll.exact()
    if every is not None:
        palette, indices = every
        parts = Parts(roll, palette, indices, FEW).at(0.0)
        rivals.append(exact(_file(palette, parts, roll, header, showing, palette_search.DEFAULT)))
    if not goal.is_lossless and _is_reducible(made, roll):
        rivals += _reduced(roll, palette_png.target_of(goal, made.pictures[0].pixels), header, showing)
    return smaller(*rivals) if rivals else None


def _stacked(made: Film) -> Bytes:
    """Return all frames: frames, rows, columns and 4 channels."""
    return np.stack([np.asarray(picture.image.convert("RGBA")) for picture in made.pictures])


def _hides_colours(frames: Bytes) -> bool:
    """Tell whether there are colours that nobody sees, which is all that a palette here would change."""
    return bool(frames[frames[..., 3] == 0].any())


def _is_reducible(made: Film, roll: Roll) -> bool:
    """Tell whether the animation is one to look for fewer colours of, by the same rules as a still."""
    return made.pictures[0].pixels >= palette_png.TINY_PIXELS and roll.count > palette_png.FEWEST_COLOURS


def _reduced(roll: Roll, target: float, header: Header, showing: Showing) -> list[Encoded]:
    """Return the animation in the fewest bytes that a palette keeps ``target`` in; nothing where none does."""
    how = palette_search.BEST if effort.is_best() else palette_search.DEFAULT
    if roll.count > MOST_MERGED and roll.paint(MANY, roll.most_colours).score < target - _HOPELESS_POINTS:
        return []
    smallest = palette_search.fewest_colours(roll, target, how)
    if smallest is None:
        return []
    made: list[tuple[Painted, list[Part]]] = []
    for size in palette_search.sizes_from(roll, smallest, how):
        start = roll.paint(smallest.recipe, size) if size > len(smallest.palette) else smallest
        parts = Parts(roll, start.palette, start.indices, start.recipe)
        if made and not _has_time_to_choose(roll):
            break
        best = start
        if start.score > target and _has_time_to_choose(roll):
            best = with_repeats(roll, start, target, how.tries + _MORE_TRIES, parts.shown_at)
        if best.score >= target:
            made.append((best, parts.at(best.price)))
    if not made:
        made.append((smallest, Parts(roll, smallest.palette, smallest.indices, smallest.recipe).at(0.0)))
    files = [(best, _file(best.palette, parts, roll, header, showing, how)) for best, parts in made]
    best, data = min(files, key=lambda one: len(one[1]))
    return [Encoded(data, best.score, roll.trials)]


def _has_time_to_choose(roll: Roll) -> bool:
    return effort.has(roll.colours.width * roll.colours.height * _CHOICE_S_PER_PIXEL)


def _file(palette: Bytes, parts: list[Part], roll: Roll, header: Header, showing: Showing, how: Search) -> bytes:
    height, width = roll.shape[1:]
    made = apng_file.packed(palette, (width, height), parts, showing.delays, showing.plays, how.level)
    return png_chunks.rebuild(made, icc=header.icc, orientation=header.orientation, keep_frames=True)
