"""The way of an image through the engine: sniff, header, limits, decode, steps, encode, choose.

Why compressing twice returns the same pixels
---------------------------------------------
Nothing is remembered between two calls; what has to be known stands in the file.

* JPEG and lossy WebP that the engine encodes carry the level they were made at, as a comment segment of 14 bytes or a
  private RIFF chunk of 10, which decoders skip. Such a file is encoded again only at a strictly lower level. If it is
  asked for at the same level or a higher one, it is repacked without loss, and the mark stays.
* A PNG of at most 256 colours is only ever repacked without loss. Whatever the palette encoder writes has at most that.
* Every other result holds the pixels that the decoder saw (a lossless encoding, a repack, the input itself). Encoders
  are deterministic functions of the pixels, so the second call meets the same rivals, and an incumbent that can only
  have become smaller. Ties go to the repack. Two details make "the same pixels" true: colours under full transparency
  are cleared before any lossy choice, and an opaque alpha channel is removed before encoding, not after.
* Orientation and profile are either applied to the pixels and gone, or kept beside unchanged pixels.

A mark that another program removes costs one more generation; a forged one costs its author some bytes.
"""

from dataclasses import dataclass

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.errors import ImageTooComplex

from . import animation, colour, orientation
from .formats import CODECS
from .header import Header, check_limits
from .level import BEST, level_of
from .picture import (
    FULL_EFFORT_PIXELS,
    Picture,
    filled,
    refuse_transparency,
    without_full_alpha,
    without_hidden_colours,
)
from .sniff import sniff


@dataclass(frozen=True, slots=True)
class _Job:
    """What is to be done to one file."""

    data: bytes
    header: Header
    options: Options
    target: ImageFormat
    level: int


def compress(data: bytes, options: Options) -> Compressed:
    """Return ``data`` compressed as ``options`` ask; pure and deterministic.

    Never larger than ``data`` when the format is kept and no background is filled in. Raises UnsupportedMediaType,
    DecodeError, ImageTooComplex, and BadRequest for options that do not fit the image.
    """
    source = sniff(data)
    target = options.formats[0] if options.formats else source
    level = level_of(options.quality)
    header = CODECS[source].read_header(data)
    check_limits(header, CODECS[target].MAX_OUTPUT_SIDE, target)
    job = _Job(data, header, options, target, level)
    try:
        if header.is_animated:
            return _compress_animation(job)
        return _compress_still(job)
    except MemoryError as error:
        raise ImageTooComplex from error


def _compress_animation(job: _Job) -> Compressed:
    animation.check_options(job.options, job.target)
    result = animation.compress(job.data, job.header, job.target, job.level)
    width, height = job.header.shown_size
    return Compressed(result, job.target, width, height, animation.is_effort_reduced(job.header))


def _compress_still(job: _Job) -> Compressed:
    header, options = job.header, job.options
    codec = CODECS[header.format]
    stored = without_full_alpha(codec.decode(job.data, header))
    width, height = header.shown_size
    if job.target is ImageFormat.JPEG:
        refuse_transparency(stored, options.background)
    is_filled = stored.has_alpha and options.background is not None
    verdict = colour.judge(header.icc, stored.image.mode)
    if header.format is job.target and not is_filled:
        icc = None if verdict is colour.Verdict.DROP else header.icc
        if codec.is_settled(header, stored, job.level):
            result = codec.repack(job.data, header, icc)
        else:
            result = codec.smallest(job.data, header, icc, _prepared(stored, job, verdict), job.level)
        # Larger only where the input's own tags are shorter than any that is written here: nothing is left to strip.
        result = result if len(result) <= len(job.data) else job.data
    else:
        result = CODECS[job.target].encode(_prepared(stored, job, verdict), job.level)
    is_reduced = header.pixels > FULL_EFFORT_PIXELS and job.target is not ImageFormat.JPEG  # JPEG is fast enough
    return Compressed(result, job.target, width, height, is_reduced)


def _prepared(stored: Picture, job: _Job, verdict: colour.Verdict) -> Picture:
    """Return the pixels to encode: upright, in their final colours, filled or with what is hidden cleared."""
    picture = Picture(orientation.upright(stored.image, job.header.orientation), stored.icc)
    picture = colour.settle(picture, verdict)
    if job.header.gamma is not None:
        picture = colour.apply_gamma(picture, job.header.gamma)
    if job.options.background is not None and picture.has_alpha:
        picture = filled(picture, job.options.background)
    return without_hidden_colours(picture) if job.level < BEST else picture
