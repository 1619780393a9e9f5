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
* A new size is only given where it is another one; what is already inside the box is not resampled again.
* Orientation and profile are either applied to the pixels and gone, or kept beside unchanged pixels.

A list of formats makes no such promise: the smallest of them may be another one for a result than for its input.

Why what is preserved does not make a file larger
-------------------------------------------------
What is kept is written again, in the shortest form that the format has, into the finished result. The input holds it
too, mostly at greater length, so that a result in the input's format stays below the input. PNG's texts are plain, for
anybody to find; where that alone would make the result larger than the input, they are deflated. An input that says the
same in still fewer bytes (overlapping EXIF values, a better deflate) and leaves nothing else to save is the one case in
which a result grows, by those few bytes: returning the input as it is could leak what nobody asked to keep.

A mark that another program removes costs one more generation; a forged one costs its author some bytes.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.errors import BadRequest, ImageTooComplex, MiniPicError

from . import animation, colour, metadata, orientation, resize, steps
from .fingerprint import fingerprint
from .formats import CODECS
from .header import Header, check_limits, too_long
from .kept import NOTHING, Kept
from .level import BEST, level_of
from .picture import FULL_EFFORT_PIXELS, Picture, decoding, open_with_pillow, without_full_alpha
from .sniff import sniff


@dataclass(frozen=True)
class _Job:
    """What is to be done to one file; decoded and prepared at most once, whatever the number of formats."""

    data: bytes
    header: Header
    options: Options
    level: int
    plan: resize.Plan | None
    kept: Kept

    @property
    def size(self) -> resize.Size:
        """The result's, as a viewer sees it."""
        return self.header.shown_size if self.plan is None else self.plan.size

    @cached_property
    def stored(self) -> Picture:
        """The pixels as the file has them."""
        return without_full_alpha(CODECS[self.header.format].decode(self.data, self.header))

    @cached_property
    def verdict(self) -> colour.Verdict:
        """What becomes of the profile."""
        return colour.judge(self.header.icc, self.stored.image.mode)

    @cached_property
    def prepared(self) -> Picture:
        """The pixels to encode."""
        background, is_lossy = self.options.background, self.level < BEST
        return steps.apply(self.stored, steps.Work(self.header, self.verdict, self.plan, background, is_lossy))

    def keeps_pixels(self, target: ImageFormat) -> bool:
        """Tell whether a result in ``target`` may hold the very pixels of the file."""
        if self.header.format is not target or self.plan is not None:
            return False
        return self.header.is_animated or self.options.background is None or not self.stored.has_alpha


def compress(data: bytes, options: Options) -> Compressed:
    """Return ``data`` compressed as ``options`` ask; pure and deterministic.

    Never larger than ``data`` when the format is kept and neither a size nor a background is asked. Of several formats
    the smallest result wins, the first named among equals; one that can't hold the image is passed over if another can.
    Raises UnsupportedMediaType, DecodeError, ImageTooComplex, and BadRequest for options that do not fit the image.
    """
    source = sniff(data)
    codec = CODECS[source]
    level = level_of(options.quality)
    header = codec.read_header(data)
    check_limits(header)
    kept = metadata.find(codec.read_metadata(data), options.preserve) if options.preserve else NOTHING
    job = _Job(data, header, options, level, resize.plan(options.resize, header.shown_size), kept)
    try:
        smallest = min((_compressed(job, target) for target in _fitting(job)), key=lambda result: result.size_bytes)
        return replace(smallest, fingerprint=_fingerprint(job)) if options.fingerprint else smallest
    except MemoryError as error:
        raise ImageTooComplex from error


def _fitting(job: _Job) -> list[ImageFormat]:
    """Return the formats asked for, or the file's own, that can hold the image; raises the error of the one that can't.

    Raises BadRequest when there are several and none can.
    """
    targets = tuple(dict.fromkeys(job.options.formats)) or (job.header.format,)
    refusals = {target: _refusal(job, target) for target in targets}
    fitting = [target for target, error in refusals.items() if error is None]
    errors = [error for error in refusals.values() if error is not None]
    if fitting:
        return fitting
    if len(errors) == 1:
        raise errors[0]
    raise BadRequest("None of the formats can hold this image. " + " ".join(error.message for error in errors))


def _refusal(job: _Job, target: ImageFormat) -> MiniPicError | None:
    if job.header.is_animated and (error := animation.refusal(job.header, target, job.plan)):
        return error
    if error := too_long(job.size, CODECS[target].MAX_OUTPUT_SIDE, target):
        return error
    if target is ImageFormat.JPEG and job.header.format is not ImageFormat.JPEG and job.prepared.has_alpha:
        return BadRequest(
            "A transparent image to JPEG needs `background` (`transform.background`): #RRGGBB, white or black."
        )
    return None


def _compressed(job: _Job, target: ImageFormat) -> Compressed:
    header = job.header
    width, height = job.size
    if header.is_animated:
        if job.options.background is not None:
            raise BadRequest("`background` can't fill an animation. Leave it out, or send a still image.")
        result = animation.compress(job.data, header, target, job.level, job.plan)
        is_reduced = job.plan is None and animation.is_effort_reduced(header)
    else:
        result = (
            _still_in_own_format(job) if job.keeps_pixels(target) else CODECS[target].encode(job.prepared, job.level)
        )
        is_reduced = width * height > FULL_EFFORT_PIXELS and target is not ImageFormat.JPEG  # JPEG is fast enough
    return Compressed(_with_metadata(job, target, result), target, width, height, is_reduced)


def _fingerprint(job: _Job) -> str:
    header = job.header
    if header.is_animated:
        with decoding():
            return fingerprint(open_with_pillow(job.data, header).convert("RGBA"))
    return fingerprint(orientation.upright(job.stored.image, header.orientation))


def _still_in_own_format(job: _Job) -> bytes:
    data, header = job.data, job.header
    codec = CODECS[header.format]
    icc = None if job.verdict is colour.Verdict.DROP else header.icc
    if codec.is_settled(header, job.stored, job.level):
        result = codec.repack(data, header, icc)
    else:
        result = codec.smallest(data, header, icc, job.prepared, job.level)
    # Larger only where the input's own tags are shorter than any that is written here: nothing is left to strip.
    return result if len(result) <= len(data) else data


def _with_metadata(job: _Job, target: ImageFormat, result: bytes) -> bytes:
    if job.kept == NOTHING:
        return result
    codec = CODECS[target]
    made = codec.with_metadata(result, job.kept, is_tight=False)
    if len(made) > len(job.data) and job.keeps_pixels(target):
        return min(made, codec.with_metadata(result, job.kept, is_tight=True), key=len)
    return made
