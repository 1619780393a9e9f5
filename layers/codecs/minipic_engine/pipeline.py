"""The way of an image through the engine: sniff, header, limits, decode, steps, encode, choose.

Why compressing twice returns the same pixels
---------------------------------------------
Nothing is remembered between two calls; what has to be known stands in the file.

* JPEG, GIF, AVIF and lossy WebP that the engine encodes with loss carry the level they were made at, as a comment of 14
  bytes, or a private chunk or box of 10, which decoders skip. Such a file is encoded again only at a strictly lower
  level. If it is asked for at the same level or a higher one, it is repacked without loss, and the mark stays.
* A palette PNG of ours, animated or not, is known by the order of its colours, posterised truecolour by the grid of
  its values, and truecolour whose colours were merged by an empty private chunk. Each is only ever repacked, and so is
  a foreign file that looks like it. Up to 16 colours stay as they are.
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

from dataclasses import replace

from minipic.domain.image import Compressed, ImageFormat, Options
from minipic.errors import BadRequest, ImageTooComplex, MiniPicError

from . import animation, colour, deep, effort, film, gif, metadata, orientation, pages, resize
from .fingerprint import fingerprint
from .formats import CODECS, DECODERS
from .goal import Encoded, Goal, exact, goal_at, goal_of
from .header import check_limits, too_long
from .job import Job
from .kept import NOTHING
from .original import Original
from .sniff import sniff

_BY_TIME = (ImageFormat.JPEG, ImageFormat.WEBP, ImageFormat.AVIF, ImageFormat.GIF, ImageFormat.TIFF, ImageFormat.PNG)
"""The formats in a list are tried in this order, the quickest first; for equal results the list's own counts."""

_TIFF_IN_A_LIST_PIXELS = 4 * effort.MEGAPIXEL
_PROVED_BY_PACKING = frozenset({ImageFormat.PNG, ImageFormat.GIF, ImageFormat.TIFF})
"""Formats whose repack reads the pixels: a broken file is found out there, and is not decoded for that alone."""


def compress(data: bytes, options: Options) -> Compressed:
    """Return ``data`` compressed as ``options`` ask; pure, and deterministic unless the time runs short.

    Never larger than ``data`` when the format is kept and neither a size nor a background is asked. Of several formats
    the smallest result wins, the first named among equals; one that can't hold the image is passed over if another can.
    Raises UnsupportedMediaType, DecodeError, ImageTooComplex, and BadRequest for options that do not fit the image.
    """
    return _compress(data, options, goal_of(options.quality))


def compress_to(data: bytes, options: Options, target: float) -> Compressed:
    """Return ``data`` compressed to a score of at least ``target``, in whatever format, for measurements."""
    return _compress(data, options, goal_at(target))


def _compress(data: bytes, options: Options, goal: Goal) -> Compressed:
    source = sniff(data)
    codec = DECODERS[source]
    with effort.budget():
        try:
            header = codec.read_header(data)
            check_limits(header)
            kept = metadata.find(codec.read_metadata(data), options.preserve) if options.preserve else NOTHING
            job = Job(data, header, options, goal, resize.plan(options.resize, header.shown_size), kept)
            smallest = _smallest(job)
            return replace(smallest, fingerprint=_fingerprint(job)) if options.fingerprint else smallest
        except MemoryError as error:
            raise ImageTooComplex from error


def _smallest(job: Job) -> Compressed:
    """Return the smallest of the results in all formats that fit, of which the later are tried while there is time."""
    results: list[Compressed] = []
    fitting = _fitting(job)
    for target in sorted(fitting, key=_BY_TIME.index):
        if results and effort.is_short():
            results = [replace(result, reduced_effort=True) for result in results]
            break
        results.append(_compressed(job, target))
    return min(results, key=lambda result: (result.size_bytes, fitting.index(result.format)))


def _own_target(job: Job) -> ImageFormat:
    """Return the format of a result when none is asked: the file's own, or what stands for one that is not written."""
    own = job.header.format
    if own is ImageFormat.HEIC:
        return ImageFormat.PNG if job.prepared.has_alpha else ImageFormat.JPEG
    return ImageFormat.PNG if own is ImageFormat.BMP else own


def _fitting(job: Job) -> list[ImageFormat]:
    """Return the formats asked for, or the file's own, that can hold the image; raises the error of the one that can't.

    Raises BadRequest when there are several and none can.
    """
    targets = tuple(dict.fromkeys(job.options.formats)) or (_own_target(job),)
    refusals = {target: _refusal(job, target) for target in targets}
    fitting = [target for target, error in refusals.items() if error is None]
    errors = [error for error in refusals.values() if error is not None]
    if fitting:
        return [target for target in fitting if len(fitting) == 1 or _may_win(job, target)] or fitting
    if len(errors) == 1:
        raise errors[0]
    raise BadRequest("None of the formats can hold this image. " + " ".join(error.message for error in errors))


def _may_win(job: Job, target: ImageFormat) -> bool:
    """Tell whether ``target`` is worth trying beside others.

    GIF is where it holds every colour: else it would win by what it drops. TIFF is where it costs little time: PNG is
    as exact and mostly smaller.
    """
    if target is ImageFormat.GIF:
        return job.header.is_animated or gif.holds(job.prepared)
    width, height = job.size
    return target is not ImageFormat.TIFF or bool(job.header.pages) or width * height <= _TIFF_IN_A_LIST_PIXELS


def _refusal(job: Job, target: ImageFormat) -> MiniPicError | None:
    header = job.header
    if target not in CODECS:
        return BadRequest(f"{target.name} is read, not written. Choose another `format`.")
    is_changed = job.plan is not None or job.options.background is not None
    if header.is_animated and (error := animation.refusal(header, target, job.plan, is_changed=is_changed)):
        return error
    if error := colour.refusal(header, target, is_changed=is_changed) or pages.refusal(header, target):
        return error
    if error := too_long(job.size, CODECS[target].MAX_OUTPUT_SIDE, target):
        return error
    if target is ImageFormat.JPEG and header.format is not ImageFormat.JPEG and job.prepared.has_alpha:
        return BadRequest(
            "A transparent image to JPEG needs `background` (`transform.background`): #RRGGBB, white or black."
        )
    return None


def _compressed(job: Job, target: ImageFormat) -> Compressed:
    header, options = job.header, job.options
    goal = job.goal_in(target)
    effort.was_reduced()
    if header.is_animated:
        result = animation.compress(job.data, header, target, goal, job.plan, options.background)
    elif header.pages:
        result = exact(pages.compress(job.data, header, job.needed_icc, options))
    elif job.keeps_pixels(target):
        result = _still_in_own_format(job, goal)
    else:
        result = _deep(job, target) or CODECS[target].encode(job.picture_for(target), goal)
    if job.keeps_pixels(target) and result.size_bytes > len(job.data):
        result = exact(job.data)
    width, height = job.size
    data = _with_metadata(job, target, result.data)
    score = _score(job, target, result)
    return Compressed(data, target, width, height, effort.was_reduced(), score=score, trials=result.trials)


def _score(job: Job, target: ImageFormat, result: Encoded) -> float | None:
    """Return the score of a result, measured now if the encoder had no need to; None where time or memory is short."""
    if result.score is not None or job.header.is_animated:
        return result.score
    picture = job.picture_for(target)
    original = Original(colour.in_srgb(picture) if target is ImageFormat.GIF else picture)
    if not original.can_be_scored:
        return None
    codec = CODECS[target]
    try:
        return original.score(codec.decode(result.data, codec.read_header(result.data)).image)
    except (ImageTooComplex, MemoryError):  # a finished result is worth more than its score
        return None


def _deep(job: Job, target: ImageFormat) -> Encoded | None:
    """Return a conversion that keeps 16 bits; None where something else is asked as well, or loss."""
    is_untouched = job.plan is None and (job.options.background is None or not job.stored.has_alpha)
    if not is_untouched or (not job.goal.is_lossless and target is not ImageFormat.TIFF):
        return None
    made = deep.converted(job.data, job.header, target, job.needed_icc)
    return None if made is None else exact(made)


def _fingerprint(job: Job) -> str:
    header = job.header
    if header.is_animated:
        return fingerprint(next(film.frames(job.data, header))[0])
    return fingerprint(orientation.upright(job.stored.image, header.orientation))


def _still_in_own_format(job: Job, goal: Goal) -> Encoded:
    """Return the file repacked or encoded again.

    It is larger only where the input's own tags are shorter than any that is written here: nothing is left to strip.
    """
    data, header, target = job.data, job.header, job.header.format
    codec = CODECS[target]
    if target not in _PROVED_BY_PACKING:
        _ = job.stored
    if codec.is_settled(header, lambda: job.stored, goal.level):
        return exact(codec.repack(data, header, job.needed_icc))
    return codec.smallest(data, header, job.needed_icc, job.picture_for(target), goal)


def _with_metadata(job: Job, target: ImageFormat, result: bytes) -> bytes:
    if job.kept == NOTHING:
        return result
    codec = CODECS[target]
    made = codec.with_metadata(result, job.kept, is_tight=False)
    if len(made) > len(job.data) and job.keeps_pixels(target):
        return min(made, codec.with_metadata(result, job.kept, is_tight=True), key=len)
    return made
