"""Animations: their timeline is kept, in their own format or from one animated format to another."""

import io
from dataclasses import replace
from typing import NotRequired, TypedDict

from PIL import Image

from minipic.domain.image import ImageFormat, Rgb
from minipic.errors import BadRequest, ImageTooComplex, MiniPicError

from . import (
    apng,
    avif,
    avif_boxes,
    colour,
    effort,
    film,
    gif,
    png,
    png_chunks,
    steps,
    webp,
    webp_chunks,
    webp_film,
)
from .film import Film
from .film_search import Attempts, Samples, scored
from .goal import IDENTICAL, Encoded, Goal, exact, smaller
from .header import UPRIGHT, Header
from .level import BEST
from .picture import Picture
from .resize import Plan
from .search import Curve
from .timeline import Timeline

_MAX_ENCODED_PIXELS = 100 * effort.MEGAPIXEL
"""Above this over all frames, an animation is repacked as it is: encoding it would outlast the job's time. For the same
reason, and for the memory that all frames take, nothing that stays above it gets a new size or another format."""

_HOPELESS_REPACK = 0.5
"""Frames in a palette that are below this share of a quick lossless packing are not beaten by a thorough one."""

_ANIMATED = (ImageFormat.PNG, ImageFormat.WEBP, ImageFormat.GIF, ImageFormat.AVIF)
_KEEPS_TAGS = (ImageFormat.PNG, ImageFormat.WEBP)
"""What holds an orientation and any profile beside its frames, so that these need not be touched."""

_AVIF_SLOPE, _LOWEST_LEVEL, _LONGEST_RISE = 1.0, 1, 8.0
"""An AVIF's quality is searched on the scale of levels, which are meant to be about scores. Of moving pictures a finer
one may score less than a coarser one, so a slope tells little and no step goes far up: near the top bytes double."""


class _Words(TypedDict):
    """A timeline in Pillow's words."""

    save_all: bool
    duration: list[int]
    loop: int
    append_images: list[Image.Image]
    default_image: NotRequired[bool]


def refusal(header: Header, target: ImageFormat, plan: Plan | None, *, is_changed: bool) -> MiniPicError | None:
    """Return the error of an animation that can't be kept whole in ``target``; None where it can."""
    if target not in _ANIMATED:
        return BadRequest(
            f"An animation can't be kept in {target.name}."
            " Choose `format` webp, avif, png or gif, or send a still image."
        )
    if header.has_still_apart and target is not ImageFormat.PNG:
        return BadRequest(
            "This animated PNG has a still beside its frames,"
            f" which {'WebP' if target is ImageFormat.WEBP else target.name} can't hold. Keep its format."
        )
    width, height = header.shown_size if plan is None else plan.size
    if (is_changed or target is not header.format) and width * height * header.frames > _MAX_ENCODED_PIXELS:
        return ImageTooComplex(
            f"{header.frames} frames of {width} x {height} pixels are too many to give them a new size or format;"
            f" at most {_MAX_ENCODED_PIXELS // effort.MEGAPIXEL} megapixels over all frames are. Choose a smaller one."
        )
    return None


def compress(
    data: bytes, header: Header, target: ImageFormat, goal: Goal, plan: Plan | None, background: Rgb | None
) -> Encoded:
    """Return the animation ``data`` in ``target``, with its frames, durations, loops and transparency."""
    is_needed = any(colour.judge(header.icc, mode) is not colour.Verdict.DROP for mode in ("RGB", "L"))
    facts = replace(header, icc=header.icc if is_needed else None)
    is_changed = plan is not None or background is not None
    if target is header.format and not is_changed:
        return _in_own_format(data, facts, goal)
    if header.format is ImageFormat.PNG:
        png.repack(data, header, None)  # proves that no frame is missing, which Pillow would not tell
    if is_changed or target not in _KEEPS_TAGS or header.gamma is not None:
        return _encoded(*_prepared(data, facts, target, plan, background), target, goal)
    return _encoded(_unpacked(data, facts, target), facts, target, goal)


def _in_own_format(data: bytes, header: Header, goal: Goal) -> Encoded:
    """Return the smaller of a repack and a new encoding, which a file that is settled or very long does not get."""
    icc, own, level = header.icc, header.format, goal.level
    is_settled = header.made_at is not None and header.made_at <= level
    if own is ImageFormat.PNG:
        plain = png.repack(data, header, icc)
        is_exact = is_settled or level >= BEST or header.is_wide
        return exact(plain) if is_exact else smaller(exact(plain), *_in_a_palette(plain, header, goal))
    if own is ImageFormat.GIF:
        is_exact = is_settled or level >= BEST
        return exact(gif.repack(data, header, icc)) if is_exact else gif.smallest(data, header, icc, None, goal)
    plain = webp.repack(data, header, icc) if own is ImageFormat.WEBP else avif.repack(data, header, icc)
    is_settled = is_settled or header.is_wide or (own is ImageFormat.AVIF and level >= BEST)
    if is_settled or not _is_short_enough(header):
        for _ in film.frames(plain, header):
            pass  # which proves them
        return exact(plain)
    if own is ImageFormat.AVIF:
        return smaller(exact(plain), _encoded(*_prepared(data, header, own, None, None), own, goal))
    return smaller(exact(plain), _encoded(_unpacked(plain, header, own), header, own, goal))


def _in_a_palette(plain: bytes, header: Header, goal: Goal) -> list[Encoded]:
    """Return ``plain``, an animated PNG, with its frames in one palette; nothing where that cannot be."""
    if not effort.is_full(header.all_pixels):
        return []
    if header.gamma is not None:
        made, header = _prepared(plain, header, ImageFormat.PNG, None, None)
    else:
        made = _unpacked(plain, header, ImageFormat.PNG)
    reduced = apng.encode(made, header, apng.read_showing(plain), goal)
    return [] if reduced is None else [reduced]


def _is_short_enough(header: Header) -> bool:
    return header.all_pixels <= _MAX_ENCODED_PIXELS or effort.lowered()


def _timeline(data: bytes, header: Header, durations: list[int], target: ImageFormat) -> Timeline:
    timeline = Timeline(tuple(durations), film.plays(data, header))
    is_foreign = target is not header.format
    needs_time = ImageFormat.GIF in (header.format, target) or target is ImageFormat.AVIF
    return timeline.as_shown() if is_foreign and needs_time else timeline


def _unpacked(data: bytes, header: Header, target: ImageFormat) -> Film:
    """Return the frames as stored."""
    pictures, durations = [], []
    for image, duration in film.frames(data, header):
        pictures.append(Picture(image, header.icc))
        durations.append(duration)
    return Film(film.of_one_mode(pictures), _timeline(data, header, durations, target))


def _prepared(
    data: bytes, header: Header, target: ImageFormat, plan: Plan | None, background: Rgb | None
) -> tuple[Film, Header]:
    """Return the frames upright, in their final colours, size and ground, and the facts of the animation they make."""
    pictures, durations = [], []
    for image, duration in film.frames(data, header):
        verdict = colour.judge(header.icc, image.mode)
        work = steps.Work(header, verdict, plan, background)
        pictures.append(steps.apply(Picture(image, header.icc), work))
        durations.append(duration)
    made = Film(film.of_one_mode(pictures), _timeline(data, header, durations, target))
    width, height = made.pictures[0].image.size
    facts = replace(
        header, width=width, height=height, orientation=UPRIGHT, made_at=None, gamma=None, icc=made.pictures[0].icc
    )
    return made, facts


def _encoded(made: Film, header: Header, target: ImageFormat, goal: Goal) -> Encoded:
    if target is ImageFormat.GIF:
        shown = replace(made, pictures=[colour.in_srgb(picture) for picture in made.pictures])
        return gif.smallest_film(shown, goal)
    if target is ImageFormat.AVIF:
        return _as_avif(made, header, goal)
    return _as_png(made, header, goal) if target is ImageFormat.PNG else _as_webp(made, header, goal)


def _words(made: Film, header: Header) -> _Words:
    words = _Words(
        save_all=True, duration=list(made.timeline.durations), loop=made.timeline.plays,
        append_images=[picture.image for picture in made.pictures[1:]],
    )  # fmt: skip
    if header.has_still_apart:
        words["default_image"] = True
        words["duration"] = words["duration"][1:]
    return words


def _as_webp(made: Film, header: Header, goal: Goal) -> Encoded:
    result = webp_film.encode(made, goal)
    made_at = None if result.score == IDENTICAL else goal.level
    packed = webp_chunks.rebuild(result.data, icc=header.icc, orientation=header.orientation, made_at=made_at)
    return replace(result, data=packed)


def _as_avif(made: Film, header: Header, goal: Goal) -> Encoded:
    if goal.target is None:
        data = avif.encode_frames(made.pictures, made.timeline, goal.level)
        return scored(made, data, avif.read_header)
    known = Curve(goal.target, _AVIF_SLOPE, _LOWEST_LEVEL, BEST, 1.0, _LONGEST_RISE)
    attempts = Attempts(Samples(made), avif.read_header)
    best = attempts.search(
        lambda level: avif.encode_frames(made.pictures, made.timeline, round(level)), known, goal.target, []
    )
    packed = avif_boxes.rebuild(best.data, avif.read_header(best.data), header.icc, goal.level)
    return Encoded(packed, best.score, attempts.count)


def _as_png(made: Film, header: Header, goal: Goal) -> Encoded:
    """Return the smaller of the very pixels and, if there is one that keeps the goal, of all frames in one palette."""
    reduced = apng.encode(made, header, apng.showing_of(made), goal)
    out = io.BytesIO()
    made.pictures[0].image.save(out, "PNG", compress_level=1, **_words(made, header))
    packed = out.getvalue()
    if reduced is not None and (effort.is_short() or reduced.size_bytes < _HOPELESS_REPACK * len(packed)):
        return reduced
    plain = png.repack(packed, replace(png_chunks.read_header(packed), orientation=header.orientation), header.icc)
    return exact(plain) if reduced is None else smaller(exact(plain), reduced)
