"""GIF: frames unpacked by Pillow and composed here, quantised by libvips, packed by gifsicle.

Pillow and libvips each compose frames in a way of their own that browsers do not share (what disposal leaves, how large
the screen is): see ``gif_frames``.
"""

import io
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyvips  # type: ignore[import-untyped]
from PIL import Image

from minipic.errors import DecodeError

from . import colour, effort, gif_blocks, gif_film, gif_frames, gif_program, gif_search, quick_palette
from .film import Film
from .film_search import scored
from .goal import Encoded, Goal, exact, smaller
from .header import Header
from .kept import Kept
from .level import BEST, interpolate
from .picture import Picture, to_vips
from .timeline import Timeline

MAX_OUTPUT_SIDE = 65_535
_LOSSINESS = ((1, 200.0), (65, 80.0), (80, 40.0), (99, 5.0))
_REMADE_PIXELS = 12 * effort.MEGAPIXEL
"""Larger ones are left to gifsicle alone: what own code wins is little for its time."""

_QUANTISE_EFFORT = 7
_QUICK_EFFORT, _QUICK_PIXELS = 2, 4 * effort.MEGAPIXEL
_COLOURS = 256
_PALETTE_QUALITY = 100

read_header = gif_blocks.read_header
read_metadata = gif_blocks.read_metadata


def decode(data: bytes, header: Header) -> Picture:
    """Return the first frame; raises DecodeError, ImageTooComplex."""
    image = next(gif_frames.frames(data, header))
    pixels = np.asarray(image)
    is_grey = all(bool((pixels[..., 0] == pixels[..., channel]).all()) for channel in (1, 2))
    return Picture(image.convert("LA") if is_grey else image)


def is_settled(header: Header, _stored: Callable[[], Picture], level: int) -> bool:
    """Tell whether the file is only packed again: lossless is asked, or we made it at this level or a lower one."""
    return level >= BEST or (header.made_at is not None and header.made_at <= level)


def repack(data: bytes, header: Header, _icc: bytes | None) -> bytes:
    """Return ``data`` with the same frames as they are shown, in fewer bytes; raises DecodeError."""
    gif_frames.unpacked(data, *next(gif_frames.stored_frames(data)))  # gifsicle would mend what is broken
    plain = gif_blocks.rebuild(data, size=(header.width, header.height), made_at=header.made_at)
    packed = gif_program.optimised(plain, _thoroughness())
    if packed is None:
        for _ in gif_frames.frames(
            data, header
        ):  # what gifsicle gives up on, a more patient decoder may still prove sound
            effort.check()
        return plain
    rivals = [packed] if header.all_pixels > _REMADE_PIXELS or effort.is_short() else [packed, *_remade(data, header)]
    return min(plain, *(gif_blocks.rebuild(rival, made_at=header.made_at) for rival in rivals), key=len)


def _remade(data: bytes, header: Header) -> Iterator[bytes]:
    """Yield the frames encoded anew without loss, where that can be: for some it is shorter."""
    try:
        unpacked = gif_film.unpacked(gif_frames.frames(data, header))
        if unpacked is not None:
            yield gif_film.encode(unpacked, _timeline(data), 0)
    except (DecodeError, ValueError):
        return  # gifsicle reads more than viewers do, and shares out colours among frames in ways of its own


def _timeline(data: bytes) -> Timeline:
    durations, plays = gif_blocks.read_timeline(data)
    return Timeline(tuple(durations), plays)


def smallest(data: bytes, header: Header, icc: bytes | None, _picture: Picture | None, goal: Goal) -> Encoded:
    """Return the smallest of ``data`` repacked and of the ways to lose something, below level 100."""
    plain = exact(repack(data, header, icc))
    if not effort.is_full(header.all_pixels):
        return smaller(plain, *_hurried(data, header, goal))
    lossy = gif_search.smallest(
        list(gif_frames.frames(data, header)),
        _timeline(data),
        goal,
        lambda made: gif_blocks.rebuild(made, made_at=goal.level),
    )
    return plain if lossy is None else smaller(plain, lossy)


def _hurried(data: bytes, header: Header, goal: Goal) -> Iterator[Encoded]:
    """Yield ``data`` with colours that pack better, at the level's fixed setting."""
    plain = gif_blocks.rebuild(data, size=(header.width, header.height))
    packed = gif_program.optimised(plain, _thoroughness(), _lossiness(goal.level))
    if packed is not None:
        yield Encoded(gif_blocks.rebuild(packed, made_at=goal.level))


def holds(picture: Picture) -> bool:
    """Tell whether every colour fits into GIF, and no pixel is half transparent."""
    has_few = picture.image.getcolors(_COLOURS) is not None
    return has_few and (not picture.has_alpha or set(picture.image.getchannel("A").tobytes()) <= {0, 255})


def encode(picture: Picture, goal: Goal) -> Encoded:
    """Return ``picture`` as GIF, in at most 256 colours: all of them where it has no more."""
    return Encoded(encode_frames([picture], Timeline((0,), 1), goal.level))


def encode_frames(pictures: Sequence[Picture], timeline: Timeline, level: int) -> bytes:
    """Return an animation as GIF; colours are sRGB's, since the format holds no profile. The mark says that it is ours.

    A lossless packing and a lossy one differ only in what gifsicle may do.
    """
    if len(pictures) == 1 and not effort.is_full(pictures[0].pixels) and not holds(pictures[0]):
        out = io.BytesIO()
        quick_palette.painted(colour.in_srgb(pictures[0]), _PALETTE_QUALITY).save(out, "GIF")
        made = out.getvalue()
    else:
        pages = [to_vips(colour.in_srgb(picture)) for picture in pictures]
        roll = pages[0] if len(pages) == 1 else pyvips.Image.arrayjoin(pages, across=1)
        made = _saved(roll, pictures[0].image.height, timeline)
    lossy = () if level >= BEST else (_lossiness(level),)
    packed = gif_program.optimised(made, _thoroughness(), *lossy)
    return gif_blocks.rebuild(packed or made, made_at=level if lossy else None)


def smallest_film(made: Film, goal: Goal) -> Encoded:
    """Return an animation (without profiles) as GIF: what own code makes of its colours, or what libvips does.

    Own code needs frames of not too many colours, none of them half transparent. Where nothing is to be lost it holds
    all of them, if that can be; else the target.
    """
    usual = scored(made, encode_frames(made.pictures, made.timeline, goal.level), read_header)
    images = [picture.image.convert("RGBA") for picture in made.pictures]
    if not effort.is_full(made.pixels) or not all(map(_is_solid_or_clear, images)):
        return usual
    own = _without_loss(images, made.timeline) if goal.is_lossless else _with_loss(images, made.timeline, goal)
    if own is None:
        return usual
    return own if usual.score is None or usual.score < (own.score or 0.0) else smaller(own, usual)


def _is_solid_or_clear(image: Image.Image) -> bool:
    return set(image.getchannel("A").tobytes()) <= {0, 255}


def _without_loss(images: list[Image.Image], timeline: Timeline) -> Encoded | None:
    unpacked = gif_film.unpacked(images)
    try:
        return (
            None if unpacked is None else exact(gif_blocks.rebuild(gif_film.encode(unpacked, timeline.in_ticks(), 0)))
        )
    except ValueError:  # a frame of more colours than a palette holds
        return None


def _with_loss(images: list[Image.Image], timeline: Timeline, goal: Goal) -> Encoded | None:
    return gif_search.smallest(
        images, timeline.in_ticks(), goal, lambda made: gif_blocks.rebuild(made, made_at=goal.level)
    )


def _saved(roll: pyvips.Image, height: int, timeline: Timeline) -> bytes:
    shown = timeline.in_ticks() if len(timeline.durations) > 1 else timeline
    image = roll.copy()
    image.set_type(pyvips.GValue.array_int_type, "delay", list(shown.durations))
    image.set_type(pyvips.GValue.gint_type, "loop", shown.plays)
    work = _QUANTISE_EFFORT if image.width * image.height <= _QUICK_PIXELS and not effort.is_short() else _QUICK_EFFORT
    made: bytes = image.gifsave_buffer(effort=work, page_height=height, keep="none")
    return made


def _lossiness(level: int) -> str:
    return f"--lossy={round(interpolate(level, _LOSSINESS))}"


def _thoroughness() -> str:
    """Return gifsicle's level of optimising: the highest, which is quick, unless there is hardly any time."""
    return "-O1" if effort.is_short() else "-O3"


def with_metadata(data: bytes, kept: Kept, *, is_tight: bool) -> bytes:  # noqa: ARG001 - XMP has one way only
    """Return ``data``, a result, with ``kept`` written into it."""
    return gif_blocks.rebuild(data, made_at=read_header(data).made_at, kept=kept)
