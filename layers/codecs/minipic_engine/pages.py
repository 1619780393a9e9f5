"""Files of several pages, which only TIFF holds: every page is worked on, none is dropped."""

from collections.abc import Iterator

from minipic.domain.image import ImageFormat, Options
from minipic.errors import BadRequest, MiniPicError

from . import colour, effort, resize, steps, tiff
from .header import Header
from .picture import Picture, without_full_alpha


def refusal(header: Header, target: ImageFormat) -> MiniPicError | None:
    """Return the error of pages that can't be kept in ``target``; None where they can."""
    if target is ImageFormat.TIFF or not header.pages:
        return None
    return BadRequest(
        f"The image has {len(header.pages)} pages, of which {target.name} would keep one."
        " Choose `format` tiff, or send the page that you need."
    )


def compress(data: bytes, header: Header, icc: bytes | None, options: Options) -> bytes:
    """Return the pages of ``data``, packed, or each with the new size and the background that ``options`` ask for."""
    if options.resize is None and options.background is None:
        return tiff.repack(data, header, icc)
    return tiff.encode_pages(_prepared(data, options))


def _prepared(data: bytes, options: Options) -> Iterator[Picture]:
    for header, picture in tiff.each_page(data):
        stored = without_full_alpha(picture)
        verdict = colour.judge(header.icc, stored.image.mode)
        plan = resize.plan(options.resize, header.shown_size)
        effort.check()
        yield steps.apply(stored, steps.Work(header, verdict, plan, options.background))
