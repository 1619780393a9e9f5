"""Crops to look at: the input, another tool at our score, and ours, at twice their size."""

import base64
import html
from collections.abc import Callable, Sequence

import numpy as np
from benchmarks.quality.cache import Cache
from benchmarks.quality.images import Pixels, alike, as_png, on_white, pixels_of
from benchmarks.quality.measuring import Observed
from benchmarks.quality.rate_distortion import Rung
from numpy.typing import NDArray

_WIDTH, _HEIGHT = 176, 120
_STEP = 24
_SCALE = 2
_AIM = "smart"
_FEW_PICTURES = 3
_GRAPHIC_PICTURES = 6

Place = tuple[slice, slice]


def crops(group: Sequence[Observed], records: Cache) -> str:
    """Return rows of crops of one kind and part: the worst against the first tool, the middle one, the best."""
    tool = next((name for name, ladder in group[0].ladders.items() if len(ladder) > 1), None)
    if tool is None or group[0].kind.startswith("gif"):
        return ""
    ranked = sorted((ratio, index) for index, one in enumerate(group) if (ratio := _ratio(one, tool)) is not None)
    count = min(len(ranked), _GRAPHIC_PICTURES if group[0].kind == "png" else _FEW_PICTURES)
    chosen = [ranked[round(place * (len(ranked) - 1) / max(1, count - 1))][1] for place in range(count)]
    return "".join(_rows(group[index], tool, records) for index in reversed(list(dict.fromkeys(chosen))))


def _ratio(one: Observed, tool: str) -> float | None:
    point = one.points.get(_AIM)
    theirs = one.curve(tool).bytes_at(point.score) if point else None
    return point.made.size_bytes / theirs if point and theirs else None


def _nearest(one: Observed, tool: str) -> Rung:
    score = one.points[_AIM].score
    return min(one.curve(tool).rungs, key=lambda rung: abs(rung.score - score))


def _rows(one: Observed, tool: str, records: Cache) -> str:
    point, rung = one.points[_AIM], _nearest(one, tool)
    original = pixels_of(one.source.data)
    pictures = [on_white(original)] + [
        on_white(alike(original, pixels_of(records.file(file)))) for file in (rung.file, point.made.file)
    ]
    captions = (
        f"input, {len(one.source.data):,} bytes",
        f"{tool} at {rung.setting}: {rung.size_bytes:,} bytes, score {rung.score:.1f}",
        f"MiniPic {_AIM}: {point.made.size_bytes:,} bytes, score {point.score:.1f}",
    )
    made = [f"<h4>{html.escape(one.source.name)}</h4>"]
    for what, place in _places(pictures[0], is_graphic=one.kind == "png"):
        figures = "".join(_figure(pixels[place], caption) for pixels, caption in zip(pictures, captions, strict=True))
        made.append(f'<div class="crops"><span class="what">{what}</span>{figures}</div>')
    return "".join(made)


def _figure(pixels: Pixels, caption: str) -> str:
    height, width = pixels.shape[:2]
    caption = html.escape(caption)
    text = base64.b64encode(as_png(np.ascontiguousarray(pixels))).decode()
    size = f'width="{_SCALE * width}" height="{_SCALE * height}"'
    image = f'<img src="data:image/png;base64,{text}" {size} alt="{caption}">'
    return f'<figure class="crop">{image}<figcaption>{caption}</figcaption></figure>'


def _places(pixels: Pixels, *, is_graphic: bool) -> list[tuple[str, Place]]:
    """Return where to look, best places for what is told: of graphics edges, gradients and flat parts."""
    windows = [
        (slice(top, top + _HEIGHT), slice(left, left + _WIDTH))
        for top in range(0, max(1, pixels.shape[0] - _HEIGHT + 1), _STEP)
        for left in range(0, max(1, pixels.shape[1] - _WIDTH + 1), _STEP)
    ]
    grey = pixels.astype(np.float32).mean(axis=-1)
    slopes = np.abs(np.diff(grey, axis=0, append=grey[-1:])) + np.abs(np.diff(grey, axis=1, append=grey[:, -1:]))

    def best(measure: Callable[[NDArray[np.float32]], float]) -> Place:
        return max(windows, key=lambda place: measure(slopes[place]))

    edges = best(lambda part: float((part > 60).mean()))
    if not is_graphic:
        busy = best(lambda part: float(np.clip(part, 0, 40).mean()))
        return [("most detail", busy), ("smooth", best(_gradient))]
    found = [("edges", edges), ("gradient", best(_gradient)), ("flat", best(lambda part: float((part == 0).mean())))]
    return [(what, place) for index, (what, place) in enumerate(found)
            if place not in [other for _, other in found[:index]]]  # fmt: skip


def _gradient(slopes: NDArray[np.float32]) -> float:
    """Return the share of small steps, which a gradient is made of."""
    return float(((slopes > 0) & (slopes < 6)).mean())
