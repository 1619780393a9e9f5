"""EXIF's eight orientations, applied to pixels."""

from PIL import Image

_APPLIED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return ``image`` turned and mirrored as ``orientation`` asks."""
    method = _APPLIED.get(orientation)
    return image if method is None else image.transpose(method)
