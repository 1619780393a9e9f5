"""Animated WebP: lossy, lossless, or each frame as it is smaller, without a second key frame."""

import io
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image

from . import effort, film_search, libwebp, webp_chunks, webp_search
from .film import Film
from .film_search import Attempts, Samples
from .goal import Encoded, Goal, exact
from .rivals import are_near, expected_bytes, smallest
from .search import Search, Trial

_METHOD, _HURRIED_METHOD = 4, 2
_MIN_ALPHA_QUALITY, _MAX_ALPHA_QUALITY = 80, 95
_SLOPE_OF_FILMS = 0.7
"""How the points that a step of quality gains compare with those of a still: some frames are stored without loss."""

_LONG = 3
"""From so many times as many frames as are sampled on, the sampled ones tell the quality to begin with, as stills."""

_START_TRIALS = 3


class _Keys(NamedTuple):
    """How many frames apart key frames are; 0: only the first is one."""

    least: int
    most: int


_NO_KEYS, _SOME_KEYS = _Keys(0, 0), _Keys(3, 5)
"""GIF has no key frames either, and they cost half of the bytes of what moves little; but what loss leaves behind adds
up from one to the next, so that what moves over photographs takes less with them."""


def encode(made: Film, goal: Goal) -> Encoded:
    """Return the animation as WebP, its loops and durations with it, without a profile or a mark.

    ``goal`` is a target that the sampled frames hold, a fixed quality, or lossless. Libwebp makes one frame of several
    that are alike. Raises MemoryError.
    """
    if goal.is_lossless:
        return exact(_lossless(made))
    try:
        if goal.target is None:
            return film_search.scored(made, _lossy(made, goal.level), webp_chunks.read_header)
        return _searched(made, goal.target)
    except (ValueError, RuntimeError, OSError):  # a huge and noisy frame overflows the format's first partition
        return exact(_lossless(made))


def _searched(made: Film, target: float) -> Encoded:
    samples = Samples(made)
    start, is_flat = _glanced(samples, target, len(made.pictures))
    results = [exact(_lossless(made))] if is_flat else []
    if is_flat and not film_search.may_go_on():
        return results[0]

    attempts = Attempts(samples, webp_chunks.read_header)
    results.append(_with_loss(made, attempts, target, start))
    if not is_flat and not are_near(results, target) and film_search.may_go_on():
        results.append(exact(_lossless(made)))
    return replace(smallest(results, target), trials=attempts.count)


def _with_loss(made: Film, attempts: Attempts, target: float, start: float) -> Encoded:
    """Return the animation with loss, with or without key frames, whichever a first trial shows to be cheaper."""
    first: dict[_Keys, Trial] = {}
    may_be_keyed = len(made.pictures) > _SOME_KEYS.least and effort.is_full(made.pixels)
    for keys in (_NO_KEYS, _SOME_KEYS) if may_be_keyed else (_NO_KEYS,):
        if not first or attempts.has_time():
            first[keys] = attempts.make(partial(_lossy, made, keys=keys), start)
    cheapest = sorted(first, key=lambda keys: expected_bytes(first[keys], target))
    curve = webp_search.curve(target, start, _SLOPE_OF_FILMS)
    best = attempts.search(partial(_lossy, made, keys=cheapest[0]), curve, target, [first[cheapest[0]]])
    return Encoded(best.data, best.score)


def _glanced(samples: Samples, target: float, count: int) -> tuple[float, bool]:
    """Return the quality to begin with, and whether lossless may be smaller: both by the sampled frames as stills."""
    stills = [np.asarray(picture.image) for picture in samples.pictures]
    planes = [libwebp.Planes(still, is_sharp=False) for still in stills]

    def encoded(quality: float) -> list[bytes]:
        return [plane.encoded(libwebp.Settings(quality, _METHOD)) for plane in planes]

    def attempt(quality: float) -> Trial:
        made = encoded(quality)
        scores = [
            reference.score(np.asarray(Image.open(io.BytesIO(data))))
            for reference, data in zip(samples.references, made, strict=True)
        ]
        return Trial(quality, b"".join(made), film_search.combined(scores))

    usual = webp_search.usual_quality(target)
    is_flat = any(webp_search.is_flat(still, len(data)) for still, data in zip(stills, encoded(usual), strict=True))
    if count < _LONG * len(stills):
        return usual, is_flat
    search = Search(target, webp_search.curve(target, usual), most=_START_TRIALS)
    return search.run(attempt, film_search.may_go_on).setting, is_flat


def _lossless(made: Film) -> bytes:
    is_full = effort.is_full(made.pixels)
    how = libwebp.THOROUGHLY if is_full else libwebp.QUICKLY
    return _saved(made, _NO_KEYS, lossless=True, exact=True, quality=how.effort, method=how.method)


def _lossy(made: Film, quality: float, keys: _Keys = _NO_KEYS) -> bytes:
    alpha_quality = round(min(max(quality, _MIN_ALPHA_QUALITY), _MAX_ALPHA_QUALITY))
    method = _METHOD if effort.is_full(made.pixels) else _HURRIED_METHOD
    return _saved(made, keys, allow_mixed=True, quality=quality, method=method, alpha_quality=alpha_quality)


def _saved(made: Film, keys: _Keys, **settings: object) -> bytes:
    out = io.BytesIO()
    first, *others = [picture.image for picture in made.pictures]
    first.save(
        out, "WEBP", save_all=True, append_images=others, duration=list(made.timeline.durations),
        loop=made.timeline.plays, kmin=keys.least, kmax=keys.most, **settings,
    )  # fmt: skip
    # libwebp forgets a transparent canvas when every frame is an opaque rectangle on it
    return webp_chunks.rebuild(out.getvalue(), is_transparent="A" in first.getbands())
