"""What is said of an image between the service and the engine: its format, what to do to it, and what came out."""

from dataclasses import dataclass
from enum import StrEnum


class ImageFormat(StrEnum):
    """A format that the engine reads and writes; the value is its name in the API."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """The type for Content-Type and the JSON answers, such as ``image/png``."""
        return f"image/{self.value}"


class Preset(StrEnum):
    """A promise of quality; see the README's table."""

    SMART = "smart"
    HIGH = "high"
    EXTREME = "extreme"
    LOSSLESS = "lossless"


Quality = Preset | int
Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Options:
    """What to do to an image.

    ``quality`` is a preset or a whole number from 1 to 100; ``format`` None keeps the input's own;
    ``background`` (sRGB, 0 to 255 each) fills what is transparent, and None keeps it transparent.
    """

    quality: Quality = Preset.SMART
    format: ImageFormat | None = None
    background: Rgb | None = None


@dataclass(frozen=True, slots=True)
class Compressed:
    """What came out: the file's bytes, its format, its size in pixels as a viewer shows it."""

    data: bytes
    format: ImageFormat
    width: int
    height: int
    reduced_effort: bool = False

    @property
    def size_bytes(self) -> int:
        """The length of the file."""
        return len(self.data)
