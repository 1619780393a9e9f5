"""What the report draws: the tools' median curves, their bytes relative to one of them, and how targets are met."""

from collections.abc import Callable, Sequence
from statistics import median

from benchmarks.quality.aims import AIMS
from benchmarks.quality.measuring import Observed
from benchmarks.quality.peers import SHARP_PREFIX
from benchmarks.quality.plots import STYLES, Axis, Series, histogram, line_chart
from benchmarks.quality.rate_distortion import Curve, Rung, geometric_mean
from benchmarks.quality.table import LOSSLESS_SCORE

OURS = "MiniPic"
_ROOM, _STEP = (2, 0), 3
"""Scores are drawn from a little above the lowest promise, which results exceed, to the highest."""
_ENOUGH = 0.5
"""A ratio is drawn where this share of the pictures has one."""
_EDGES = tuple(edge / 2 for edge in range(-8, 13))


def charts(group: Sequence[Observed]) -> list[str]:
    """Return the charts of one kind and part."""
    ladders = [name for name, ladder in group[0].ladders.items() if len(ladder) > 1]
    # sharp itself lies on the line of its stand-in.
    tools = [name for name in ladders if not name.startswith(SHARP_PREFIX)][: STYLES - 1]
    promised = [aim.score for aim in AIMS[group[0].kind] if aim.score is not None]
    made: list[str] = []
    if tools and promised:
        scores = range(round(min(promised)) + _ROOM[0], round(max(promised)) + _ROOM[1], _STEP)
        made += [_median_curves(group, tools, scores), _relative(group, tools, scores)]
    landings = _landings(group)
    if landings:
        made.append(histogram(f"Landing: {_title(group)}", "score minus target (ends: and beyond)", _EDGES, landings))
    return made


def _title(group: Sequence[Observed]) -> str:
    return f"{group[0].kind}, {group[0].part} ({len(group)} pictures)"


def our_curve(one: Observed) -> Curve:
    """Return our results on a picture as a curve."""
    return Curve(
        Rung(aim, point.made.size_bytes, point.score, point.made.cpu_s, point.made.file)
        for aim, point in one.points.items()
    )


def _curve_of(name: str) -> Callable[[Observed], Curve]:
    return our_curve if name == OURS else lambda one: one.curve(name)


def _median_curves(group: Sequence[Observed], tools: Sequence[str], scores: Sequence[int]) -> str:
    """Return medians over the pictures that ours and the first tool cover; of the others, those that do, too."""
    pictures = [one for one in group if _sizes(our_curve(one), scores) and _sizes(one.curve(tools[0]), scores)]
    series = []
    for style, name in enumerate((OURS, *tools)):
        sizes = [_sizes(_curve_of(name)(one), scores) for one in pictures]
        if all(sizes):
            rates = [[8 * size / (one.source.pixels * one.source.frames) for size in found]
                     for one, found in zip(pictures, sizes, strict=True)]  # fmt: skip
            points = [(median(at), float(score)) for score, at in zip(scores, zip(*rates, strict=True), strict=False)]
            series.append(Series(name, points, style))
    rates_drawn = [x for one in series for x, _ in one.points]
    across = Axis.over("bits per pixel, median (logarithmic)", rates_drawn, is_log=True)
    title = f"Quality at a size: {group[0].kind}, {group[0].part} ({len(pictures)} pictures)"
    return line_chart(title, across, _scores_drawn(series, 1), series)


def _sizes(curve: Curve, scores: Sequence[int]) -> list[float]:
    """Return the bytes at each of ``scores``; nothing where the curve does not cover them all."""
    sizes = [size for score in scores if (size := curve.bytes_at(score)) is not None]
    return sizes if len(sizes) == len(scores) else []


def _relative(group: Sequence[Observed], tools: Sequence[str], scores: Sequence[int]) -> str:
    first, series = tools[0], []
    for style, name in enumerate((OURS, *tools)):
        points = []
        for score in scores:
            curve_of = _curve_of(name)
            sizes = [(curve_of(one).bytes_at(score), one.curve(first).bytes_at(score)) for one in group]
            ratios = [ours / theirs for ours, theirs in sizes if ours is not None and theirs is not None]
            if len(ratios) >= _ENOUGH * len(group):
                points.append((float(score), geometric_mean(ratios) or 1.0))
        series.append(Series(name, points, style))
    up = Axis.over(f"bytes ÷ bytes of {first}", [1.0, *(y for one in series for _, y in one.points)])
    return line_chart(f"Bytes at equal score: {_title(group)}", _scores_drawn(series, 0), up, series, level=1.0)


def _scores_drawn(series: Sequence[Series], place: int) -> Axis:
    return Axis.over("SSIMULACRA2", [point[place] for one in series for point in one.points])


def _landings(group: Sequence[Observed]) -> list[tuple[str, list[float]]]:
    found = []
    for aim in ("smart", "high", "extreme"):
        points = [one.points[aim] for one in group if aim in one.points]
        lossy = [point for point in points if point.score < LOSSLESS_SCORE]
        errors = [point.score - point.target for point in lossy if point.target is not None]
        if errors:
            found.append((aim, errors))
    return found
