"""PNG in truecolour or grey: without loss, or with as much as a promised score allows where no palette keeps it."""

from typing import NamedTuple

from . import many_colours, png_chunks, png_packing, posterise
from .goal import Encoded
from .picture import Picture, to_vips

_MAY_WIN = 1.3
"""What is quickly packed may be larger than the rival by so much, and be smaller in the end."""


class _Quick(NamedTuple):
    """A file that was quickly packed, and how long that took."""

    source: bytes
    data: bytes
    took_s: float
    score: float | None


def plain(picture: Picture) -> bytes:
    """Return ``picture`` as a PNG without loss, its profile with it, in haste: to be packed."""
    made: bytes = to_vips(picture).pngsave_buffer(compression=1, keep="none")
    return png_chunks.rebuild(made, icc=picture.icc)


def encode(picture: Picture, target: float, most_bytes: int) -> Encoded | None:
    """Return ``picture`` in fewer colours, or fewer values a channel, with a score of ``target``; the smaller.

    None where neither keeps it in fewer than ``most_bytes``.
    """
    rivals: list[_Quick] = []
    trials = 0
    for reduce, mark in ((many_colours.reduced, png_chunks.marked), (posterise.posterised, None)):
        made = reduce(picture, target)
        if made is not None:
            fewer, score, tried = made
            source = plain(fewer) if mark is None else mark(plain(fewer))
            rivals.append(_Quick(source, *png_packing.quickly(source), score))
            trials += tried
    best = min(rivals, key=lambda rival: len(rival.data), default=None)
    if best is None or len(best.data) >= _MAY_WIN * most_bytes:
        return None
    packed = png_packing.packed_more(best.source, picture.pixels, best.data, best.took_s)
    return Encoded(packed, best.score, trials) if len(packed) < most_bytes else None
