"""Line charts and histograms as SVG: static, coloured by the page's style sheet, so that light and dark both work."""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 34, 46
_DASHES = ("", "", "7 4", "2 3", "9 3 2 3", "12 4")
_BOX = '<rect x="11" width="12" height="10"/>'
STYLES = len(_DASHES)


@dataclass(frozen=True, slots=True)
class Series:
    """A named line of points; ``style`` 0 is ours, the others are the tools'."""

    name: str
    points: Sequence[tuple[float, float]]
    style: int


@dataclass(frozen=True, slots=True)
class Axis:
    """A labelled range of values, straight or logarithmic."""

    label: str
    low: float
    high: float
    is_log: bool = False

    @staticmethod
    def over(label: str, values: Sequence[float], *, is_log: bool = False) -> "Axis":
        """Return an axis that holds ``values`` with a little room; without values any axis."""
        low, high = (min(values), max(values)) if values else (1.0, 2.0)
        if is_log:
            return Axis(label, low / 1.08, high * 1.08, is_log=True)
        room = (high - low or 1) * 0.05
        return Axis(label, low - room, high + room)

    def place(self, value: float) -> float:
        """Return where ``value`` lies: 0 at the low end, 1 at the high end."""
        if self.is_log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Return round values inside the range."""
        if self.is_log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [digit * 10.0**power for power in powers for digit in (1, 2, 3, 5, 7)]
            return [value for value in found if self.low <= value <= self.high]
        rough = (self.high - self.low) / 6
        unit = 10.0 ** math.floor(math.log10(rough))
        step = next(size * unit for size in (1, 2, 5, 10) if size * unit >= rough)
        first = math.ceil(self.low / step)
        return [number * step for number in range(first, math.floor(self.high / step) + 1)]


def line_chart(title: str, across: Axis, up: Axis, series: Sequence[Series], level: float | None = None) -> str:
    """Return lines with their legend; ``level`` is a value of the upward axis to mark."""
    parts = [_frame(title, across, up)]
    if level is not None:
        parts.append(
            f'<line class="level" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{_y(up, level)}" y2="{_y(up, level)}"/>'
        )
    for one in sorted(series, key=lambda one: -one.style):
        places = [(_x(across, x), _y(up, y)) for x, y in one.points]
        line = " ".join(f"{x},{y}" for x, y in places)
        dots = "".join(f'<circle cx="{x}" cy="{y}" r="{3.5 if one.style == 0 else 2.5}"/>' for x, y in places)
        drawn = f'<polyline points="{line}" stroke-dasharray="{_DASHES[one.style % STYLES]}"/>'
        parts.append(f'<g class="s{one.style % STYLES}">{drawn}{dots}</g>')
    return _figure(title, "".join(parts), [(one.name, _line(one.style), one.style) for one in series])


def histogram(title: str, label: str, edges: Sequence[float], groups: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Return how many values of each group lie between two ``edges``; what lies beyond the ends counts at the ends."""
    counts = [_counted(edges, values) for _, values in groups]
    highest = max((max(each) for each in counts), default=1) or 1
    across, up = Axis(label, edges[0], edges[-1]), Axis("pictures", 0, highest * 1.08)
    width = (_x(across, edges[1]) - _x(across, edges[0])) / (len(groups) + 0.5)
    parts = [_frame(title, across, up)]
    for style, each in enumerate(counts):
        for place, count in enumerate(each):
            left, top = _x(across, edges[place]) + width * (style + 0.25), _y(up, count)
            bottom = _HEIGHT - _BOTTOM
            parts.append(f'<rect class="s{style % STYLES}" x="{left:.1f}" y="{top}" width="{width:.1f}" '
                         f'height="{bottom - top:.1f}"/>')  # fmt: skip
    return _figure(title, "".join(parts), [(name, _BOX, style) for style, (name, _) in enumerate(groups)])


def _counted(edges: Sequence[float], values: Sequence[float]) -> list[int]:
    counts = [0] * (len(edges) - 1)
    for value in values:
        inside = sum(value >= edge for edge in edges) - 1
        counts[min(max(inside, 0), len(counts) - 1)] += 1
    return counts


def _frame(title: str, across: Axis, up: Axis) -> str:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [f'<text class="title" x="{_LEFT}" y="20">{html.escape(title)}</text>']
    for value in across.ticks():
        x = _x(across, value)
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="{_TOP}" y2="{bottom}"/>'
                     f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{value:g}</text>')  # fmt: skip
    for value in up.ticks():
        y = _y(up, value)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y}" y2="{y}"/>'
                     f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{value:.4g}</text>')  # fmt: skip
    middle, below = (_TOP + bottom) / 2, f'x="{(_LEFT + right) / 2}" y="{_HEIGHT - 8}"'
    turned = f'transform="translate(14 {middle}) rotate(-90)"'
    for place, axis in ((below, across), (turned, up)):
        parts.append(f'<text {place} text-anchor="middle">{html.escape(axis.label)}</text>')
    return "".join(parts)


def _figure(title: str, drawn: str, legend: Sequence[tuple[str, str, int]]) -> str:
    keys = "".join(_key(*entry) for entry in legend)
    return (
        f'<figure><svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(title)}">'
        f"{drawn}</svg><figcaption>{keys}</figcaption></figure>"
    )


def _key(name: str, sample: str, style: int) -> str:
    drawn = f'<svg width="34" height="10" aria-hidden="true"><g class="s{style % STYLES}">{sample}</g></svg>'
    return f'<span class="key">{drawn} {html.escape(name)}</span>'


def _line(style: int) -> str:
    return f'<polyline points="1,5 33,5" stroke-dasharray="{_DASHES[style % STYLES]}"/>'


def _x(axis: Axis, value: float) -> float:
    return round(_LEFT + axis.place(value) * (_WIDTH - _LEFT - _RIGHT), 1)


def _y(axis: Axis, value: float) -> float:
    return round(_HEIGHT - _BOTTOM - axis.place(value) * (_HEIGHT - _TOP - _BOTTOM), 1)
