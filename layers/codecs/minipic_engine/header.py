"""What a file says of itself before a pixel is decoded, and the limits that are checked on it."""

from dataclasses import dataclass

from minipic.domain.image import ImageFormat
from minipic.errors import ImageTooComplex

from .effort import MEGAPIXEL

MAX_FRAME_PIXELS = 100 * MEGAPIXEL
MAX_TOTAL_PIXELS = 1_000 * MEGAPIXEL
MAX_FRAMES = 2_000
MAX_SIDE = 65_535
UPRIGHT = 1
"""EXIF's orientation of a picture that is stored as it is shown."""

MAX_ICC_BYTES = 4 * 1024 * 1024
"""Above this a colour profile is taken for broken: real ones, press profiles included, stay below 3 MB."""


@dataclass(frozen=True, slots=True)
class Header:
    """The facts of a file that are known without decoding it.

    ``width`` and ``height`` are those of the stored pixels, ``has_still_apart`` a still that is no frame and stands in
    for the animation, ``orientation`` is EXIF's (1 to 8), ``icc`` the embedded profile, ``gamma`` PNG's exponent of the
    stored values where it isn't sRGB's, ``made_at`` the level at which this engine made the file (see
    ``minipic_engine.level``), ``is_deep`` more than 8 bits a sample, ``is_wide`` colours (such as HDR) that no 8-bit
    picture holds, ``is_lossless`` that the stored pixels are exact, ``pages`` the sizes of a TIFF's pages where it has
    several.
    """

    format: ImageFormat
    width: int
    height: int
    frames: int = 1
    is_animated: bool = False
    has_still_apart: bool = False
    orientation: int = UPRIGHT
    icc: bytes | None = None
    gamma: float | None = None
    made_at: int | None = None
    is_deep: bool = False
    is_wide: bool = False
    is_lossless: bool = False
    pages: tuple[tuple[int, int], ...] = ()

    @property
    def pixels(self) -> int:
        """The number of pixels of one frame."""
        return self.width * self.height

    @property
    def all_pixels(self) -> int:
        """The number of pixels of all frames, or of all pages."""
        return sum(width * height for width, height in self.pages) or self.pixels * self.frames

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height as a viewer shows them, after the orientation."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def check_limits(header: Header) -> None:
    """Raise ImageTooComplex, naming the limit and what was found, unless all limits of an input are kept."""
    frames = max(header.frames, len(header.pages))
    if frames > MAX_FRAMES:
        raise ImageTooComplex(f"The image has {frames} frames; at most {MAX_FRAMES} are worked on.")
    for width, height in header.pages or ((header.width, header.height),):
        if width * height > MAX_FRAME_PIXELS:
            raise ImageTooComplex(
                f"The image has {width} x {height} = {width * height} pixels;"
                f" at most {MAX_FRAME_PIXELS // MEGAPIXEL} megapixels are worked on."
            )
        if max(width, height) > MAX_SIDE:
            raise ImageTooComplex(
                f"A side of the image is {max(width, height)} pixels long; at most {MAX_SIDE} are worked on."
            )
    if header.all_pixels > MAX_TOTAL_PIXELS:
        raise ImageTooComplex(
            f"The image has {frames} frames of {header.pixels} pixels;"
            f" at most {MAX_TOTAL_PIXELS // MEGAPIXEL} megapixels over all frames are worked on."
        )


def too_long(size: tuple[int, int], max_output_side: int, output: ImageFormat) -> ImageTooComplex | None:
    """Return the error of a result whose ``size`` its format can't hold; None if it can."""
    if max(size) <= max_output_side:
        return None
    return ImageTooComplex(
        f"A side of the image is {max(size)} pixels long; {output.value} holds at most {max_output_side}."
    )
