"""What happens to decoded pixels before they are encoded: a list of small steps, each from a picture to a picture."""

from collections.abc import Callable
from dataclasses import dataclass

from minipic.domain.image import Rgb

from . import colour, effort, orientation, resize
from .header import Header
from .picture import Picture, filled, without_full_alpha


@dataclass(frozen=True, slots=True)
class Work:
    """What the steps need to know: the file's facts, and what was decided."""

    header: Header
    verdict: colour.Verdict
    plan: resize.Plan | None
    background: Rgb | None


Step = Callable[[Picture, Work], Picture]


def upright(picture: Picture, work: Work) -> Picture:
    """Turn it as a viewer shows it."""
    return Picture(orientation.upright(picture.image, work.header.orientation), picture.icc)


def colours(picture: Picture, work: Work) -> Picture:
    """Give it its final colours, with or without a profile."""
    settled = colour.settle(picture, work.verdict)
    return settled if work.header.gamma is None else colour.apply_gamma(settled, work.header.gamma)


def new_size(picture: Picture, work: Work) -> Picture:
    """Scale and cut it; what was transparent may be cut off."""
    return picture if work.plan is None else without_full_alpha(resize.resized(picture, work.plan))


def background(picture: Picture, work: Work) -> Picture:
    """Fill what is transparent; after the new size, whose edges are transparent in parts."""
    return filled(picture, work.background) if work.background is not None and picture.has_alpha else picture


STEPS: tuple[Step, ...] = (upright, colours, new_size, background)


def apply(picture: Picture, work: Work) -> Picture:
    """Return ``picture``, as stored in a file, ready to be encoded; raises ImageTooComplex when the time is over."""
    for step in STEPS:
        picture = step(picture, work)
        effort.check()
    return picture
