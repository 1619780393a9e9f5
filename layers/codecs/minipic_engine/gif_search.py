"""The smallest GIF that keeps a promised score: how much may be lost is searched, on a few of its frames."""

import math
from collections.abc import Callable

from PIL import Image

from . import gif_blocks, gif_film
from .film import Film
from .film_search import Attempts, Samples, scored
from .goal import Encoded, Goal
from .level import interpolate
from .picture import Picture
from .search import Curve, Search
from .timeline import Timeline

_TOLERANCES = ((1, 192.0), (65, 48.0), (80, 24.0), (99, 3.0))
"""How much may be lost at each level, where a number asks for a fixed setting."""

_START, _LEAST, _MOST = 44.0, 2.0, 250.0
_POINTS_AN_OCTAVE = 15.0


def smallest(
    images: list[Image.Image], timeline: Timeline, goal: Goal, mark: Callable[[bytes], bytes]
) -> Encoded | None:
    """Return frames (RGBA) as a GIF that holds the goal's score, or one at the level's fixed setting.

    ``mark`` writes what the file has to hold besides. None where the frames have too many colours, or no trial held
    the score.
    """
    frames = gif_film.unpacked(images)
    if frames is None:
        return None
    shown = Film([Picture(image) for image in images], timeline)
    if goal.palette_target is None:
        made = mark(gif_film.encode(frames, timeline, interpolate(goal.level, _TOLERANCES, log=True)))
        return scored(shown, made, gif_blocks.read_header)
    attempts = Attempts(Samples(shown), gif_blocks.read_header)
    curve = Curve(-math.log2(_START), _POINTS_AN_OCTAVE, -math.log2(_MOST), -math.log2(_LEAST))
    best = Search(goal.palette_target, curve).run(
        lambda setting: attempts.make(lambda at: mark(gif_film.encode(frames, timeline, 2**-at)), setting),
        attempts.has_time,
    )
    return Encoded(best.data, best.score, attempts.count) if best.score >= goal.palette_target else None
