"""New sizes: the arithmetic, in whole numbers, and the resampling.

Why in linear light: stored values are a curve of the light, and a mean of two of them is darker than the mean of the
two lights. Fine bright detail (stars, hair, text on black) would fade, and a black and white pattern would turn into
the wrong grey. Why premultiplied: else the colour that is hidden in transparent pixels would bleed into the edges.

A profile that travels with the pixels is linearised with sRGB's curve too. Display P3 has that very curve and Adobe
RGB's is close; only ratios of light near an edge differ, flat areas never change. Samples of 16 bits have been rounded
to 8 before: a picture that is made smaller is made for a screen.
"""

from dataclasses import dataclass

from minipic.domain.image import Resize, ResizeMethod
from minipic.errors import BadRequest

from .picture import Picture, from_vips, to_vips

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of what is cut out around the centre, and the size that this is scaled to: the result's."""

    cut: Size
    size: Size


def plan(resize: Resize | None, size: Size) -> Plan | None:
    """Return how a picture of ``size``, as a viewer sees it, gets the size that is asked; None if it has it.

    Nothing is ever enlarged. ``cover`` scales down until one side fits the box and the other is not inside it, and
    cuts the rest off evenly. Where the box is larger than the picture in a direction, covering it would enlarge: the
    picture keeps its scale, and only a side that is longer than the box is cut.

    Raises BadRequest when the sides do not fit the method.
    """
    if resize is None:
        return None
    width, height = size
    part, whole = _ratio(resize, size)
    if resize.method is ResizeMethod.COVER:
        new = min(width, resize.width or width), min(height, resize.height or height)
        cut = min(width, _share(new[0], whole, part)), min(height, _share(new[1], whole, part))
    else:
        new = _share(width, part, whole), _share(height, part, whole)
        cut = size
    return None if new == size else Plan(cut, new)


def _ratio(resize: Resize, size: Size) -> tuple[int, int]:
    """Return the scale as a fraction of two whole numbers, 1 at most."""
    width, height = size
    sides = [side for side in (resize.width, resize.height) if side is not None]
    if min(sides, default=0) < 1 or len(sides) != (1 if resize.method is ResizeMethod.SCALE else 2):
        raise BadRequest("`resize` takes `width` or `height` with scale, and both with fit and cover; 1 at least.")
    by_width = (resize.width or 0, width)
    by_height = (resize.height or 0, height)
    if resize.method is ResizeMethod.SCALE:
        part, whole = by_height if resize.width is None else by_width
    else:
        is_wider = by_width[0] * height <= by_height[0] * width  # the picture, beside the box
        part, whole = by_width if is_wider == (resize.method is ResizeMethod.FIT) else by_height
    return (part, whole) if part < whole else (1, 1)


def _share(side: int, part: int, whole: int) -> int:
    """Return ``side * part / whole``, rounded half up, and 1 at least."""
    return max(1, (2 * side * part + whole) // (2 * whole))


def resized(picture: Picture, plan: Plan) -> Picture:
    """Return ``picture``, upright already, as ``plan`` says; grey stays grey."""
    image = to_vips(picture)
    is_grey = image.bands < 3
    left, top = (image.width - plan.cut[0]) // 2, (image.height - plan.cut[1]) // 2
    image = image.crop(left, top, *plan.cut)
    if plan.cut != plan.size:
        if is_grey:  # libvips knows no linear grey
            image = image[0].bandjoin([image[0], *image.bandsplit()]).copy(interpretation="srgb")
        image = image.thumbnail_image(plan.size[0], height=plan.size[1], size="force", linear=True)
        if is_grey:
            image = image[0] if image.bands == 3 else image[0].bandjoin(image[3])
    return from_vips(image, picture.icc)
