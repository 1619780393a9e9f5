"""TIFF's pixels, always without loss: deflate with or without a predictor, a palette, or a fax's code for two tones."""

import io
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import effort, tiff_pages
from .tiff_pages import Page, Tag, make_tag

_AT_ONCE = 2
_T = TypeVar("_T")
Samples = NDArray[Any]
"""Rows by columns by channels, of 8 or 16 bits."""

_STRIP_BYTES = 512 * 1024
_RAW, _GROUP4, _DEFLATE = 1, 4, 8
_GREY, _RGB, _PALETTE, _CMYK = 1, 2, 3, 5
_HORIZONTAL = 2
_THOROUGH, _PLAIN, _QUICK = 9, 6, 4
_THOROUGH_SAMPLES = effort.MEGAPIXEL
_PALETTE_COLOURS = 256
_STRAIGHT_ALPHA = 2


def encoded(samples: Samples, order: str, *, is_cmyk: bool = False, icc: bytes | None = None) -> Page:
    """Return ``samples`` (grey, RGB or CMYK, and one channel more for transparency) in the fewest bytes."""
    height, width, bands = samples.shape
    colours = 4 if is_cmyk else 3 if bands >= 3 else 1
    facts = {
        tiff_pages.WIDTH: make_tag(order, tiff_pages.LONG, width),
        tiff_pages.HEIGHT: make_tag(order, tiff_pages.LONG, height),
        tiff_pages.PHOTOMETRIC: make_tag(
            order, tiff_pages.SHORT, _CMYK if is_cmyk else _RGB if colours == 3 else _GREY
        ),
        tiff_pages.SAMPLES: make_tag(order, tiff_pages.SHORT, bands),
        tiff_pages.BITS: make_tag(order, tiff_pages.SHORT, *[8 * samples.itemsize] * bands),
    }
    if bands > colours:
        facts[tiff_pages.EXTRA_SAMPLES] = make_tag(order, tiff_pages.SHORT, _STRAIGHT_ALPHA)
    if icc is not None:
        facts[tiff_pages.ICC] = Tag(tiff_pages.UNDEFINED, icc)
    candidates: list[Page] = []
    if samples.dtype == np.uint8 and bands == 1:
        candidates = list(_two_tones(samples[..., 0], order, facts))
    if samples.dtype == np.uint8 and bands == 3:
        candidates = list(_with_palette(samples, order, facts))
    if not candidates:
        candidates = list(_deflated(samples.reshape(height, width * bands), bands, order, facts))
    return min(candidates, key=size_of)


def size_of(page: Page) -> int:
    """Return how many bytes the page's pixels and palette take."""
    return sum(map(len, page.segments)) + len(page.tags[tiff_pages.PALETTE].value if _has_palette(page) else b"")


def _has_palette(page: Page) -> bool:
    return tiff_pages.PALETTE in page.tags


def _deflated(rows: Samples, bands: int, order: str, facts: dict[int, Tag]) -> Iterator[Page]:
    """Yield the page as it is, and as differences between neighbours, which suit photos; of a large one only these.

    No ``bands`` stands for bits, of which there are no differences.
    """
    is_full = effort.is_full(rows.size // max(1, bands))
    work = _THOROUGH if rows.size <= _THOROUGH_SAMPLES else _PLAIN if is_full else _QUICK
    strip_rows = max(1, _STRIP_BYTES // (rows.shape[1] * rows.itemsize))
    tags = facts | {
        tiff_pages.COMPRESSION: make_tag(order, tiff_pages.SHORT, _DEFLATE),
        tiff_pages.ROWS_PER_STRIP: make_tag(order, tiff_pages.LONG, strip_rows),
    }
    stored = np.dtype(rows.dtype).newbyteorder("<" if order == "<" else ">")
    for predictor in (1,) if not bands else (_HORIZONTAL, 1) if is_full else (_HORIZONTAL,):

        def packed(top: int, predictor: int = predictor) -> bytes:
            strip = rows[top : top + strip_rows]
            if predictor == _HORIZONTAL:
                strip = strip.copy()
                strip[:, bands:] -= rows[top : top + strip_rows, :-bands]
            return zlib.compress(strip.astype(stored).tobytes(), work)

        segments = _side_by_side(packed, range(0, rows.shape[0], strip_rows))
        more = {tiff_pages.PREDICTOR: make_tag(order, tiff_pages.SHORT, _HORIZONTAL)} if predictor > 1 else {}
        yield Page(order, tags | more, segments)


def _side_by_side(work: Callable[[_T], bytes], pieces: Iterable[_T]) -> tuple[bytes, ...]:
    """Return what ``work`` makes of each piece, two at a time; raises ImageTooComplex when the time is over."""
    made = []
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        waiting = deque[Future[bytes]]()
        for piece in pieces:
            waiting.append(threads.submit(work, piece))
            if len(waiting) > _AT_ONCE:
                made.append(waiting.popleft().result())
                effort.check()
        made += [one.result() for one in waiting]
    return tuple(made)


def _with_palette(samples: Samples, order: str, facts: dict[int, Tag]) -> Iterator[Page]:
    found = cast("list[tuple[int, tuple[int, int, int]]] | None", Image.fromarray(samples).getcolors(_PALETTE_COLOURS))
    if found is None or not effort.is_full(samples.size // 3):
        return
    packed = samples[..., 0].astype(np.uint32) << 16 | samples[..., 1].astype(np.uint32) << 8 | samples[..., 2]
    colours = np.array(sorted(red << 16 | green << 8 | blue for _, (red, green, blue) in found), np.uint32)
    indices = np.searchsorted(colours, packed)
    palette = np.zeros((3, _PALETTE_COLOURS), np.uint16)
    for channel, shift in enumerate((16, 8, 0)):
        palette[channel, : len(colours)] = (colours >> shift & 0xFF).astype(np.uint16) * 257
    tags = facts | {
        tiff_pages.PHOTOMETRIC: make_tag(order, tiff_pages.SHORT, _PALETTE),
        tiff_pages.SAMPLES: make_tag(order, tiff_pages.SHORT, 1),
        tiff_pages.BITS: make_tag(order, tiff_pages.SHORT, 8),
        tiff_pages.PALETTE: make_tag(order, tiff_pages.SHORT, *palette.ravel().tolist()),
    }
    yield from _deflated(indices.astype(np.uint8), 1, order, tags)


def _two_tones(grey: Samples, order: str, facts: dict[int, Tag]) -> Iterator[Page]:
    """Yield the page with one bit a pixel, if black and white are all it has: in the code of fax machines, deflated."""
    if not bool(((grey == 0) | (grey == 255)).all()):
        return
    tags = facts | {tiff_pages.BITS: make_tag(order, tiff_pages.SHORT, 1)}
    (deflated,) = _deflated(np.packbits(grey > 0, axis=1), 0, order, tags)
    yield deflated
    out = io.BytesIO()
    Image.fromarray(grey > 0).save(out, "TIFF", compression="group4")
    made = tiff_pages.directories(out.getvalue())[0]
    page = tiff_pages.with_pixels(out.getvalue(), made)
    coding = (tiff_pages.COMPRESSION, tiff_pages.PHOTOMETRIC, tiff_pages.ROWS_PER_STRIP)
    yield Page(order, tags | {number: make_tag(order, tiff_pages.LONG, page.number(number, 1)) for number in coding}
               | {tiff_pages.COMPRESSION: make_tag(order, tiff_pages.SHORT, _GROUP4)}, page.segments)  # fmt: skip


def deflated_as_stored(page: Page) -> Page | None:
    """Return an uncompressed page with its strips deflated, whatever they mean; None for another."""
    if page.number(tiff_pages.COMPRESSION, _RAW) != _RAW:
        return None
    tags = page.tags | {tiff_pages.COMPRESSION: make_tag(page.order, tiff_pages.SHORT, _DEFLATE)}
    level = _THOROUGH if effort.is_full(page.size[0] * page.size[1]) else _QUICK
    return Page(page.order, tags, _side_by_side(lambda segment: zlib.compress(segment, level), page.segments))
