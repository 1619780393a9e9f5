"""What is said of an image between the service and the engine: its format, what to do to it, and what came out."""

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum


class ImageFormat(StrEnum):
    """A format that the engine reads; the value is its name in the API. It writes those of ``OUTPUT_FORMATS``."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    AVIF = "avif"
    GIF = "gif"
    TIFF = "tiff"
    HEIC = "heic"
    BMP = "bmp"

    @property
    def media_type(self) -> str:
        """The type for Content-Type and the JSON answers, such as ``image/png``."""
        return f"image/{self.value}"


OUTPUT_FORMATS = tuple(kind for kind in ImageFormat if kind not in (ImageFormat.HEIC, ImageFormat.BMP))


class Preset(StrEnum):
    """A promise of quality; see the README's table."""

    SMART = "smart"
    HIGH = "high"
    EXTREME = "extreme"
    LOSSLESS = "lossless"


Quality = Preset | int
Rgb = tuple[int, int, int]


class ResizeMethod(StrEnum):
    """How a picture gets a new size."""

    SCALE = "scale"
    FIT = "fit"
    COVER = "cover"


class Preserve(StrEnum):
    """Metadata that may be kept; all else goes."""

    COPYRIGHT = "copyright"
    CREATION = "creation"
    LOCATION = "location"


MAX_RESIZE_PIXELS = 16_383


@dataclass(frozen=True, slots=True)
class Resize:
    """A new size in pixels, 1 to 16 383 a side; never a larger one than the picture has.

    ``scale`` takes one side, ``fit`` keeps the picture's shape inside both, ``cover`` fills both and crops around the
    centre.
    """

    method: ResizeMethod
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What to do to an image.

    ``quality`` is a preset or a whole number from 1 to 100. ``formats``: none keeps the input's own, of several the
    smallest result wins. ``background`` (sRGB, 0 to 255 each) fills what is transparent, and None keeps it transparent.
    ``fingerprint`` asks for the PDQ hash of the input beside the result.
    """

    quality: Quality = Preset.SMART
    formats: tuple[ImageFormat, ...] = ()
    background: Rgb | None = None
    resize: Resize | None = None
    preserve: frozenset[Preserve] = frozenset()
    fingerprint: bool = False

    def with_fingerprint(self) -> "Options":
        """Return the same options with the picture's fingerprint asked for."""
        return replace(self, fingerprint=True)

    def to_json(self) -> str:
        """Return the options as one line of ASCII."""
        fields = {**asdict(self), "preserve": sorted(self.preserve)}
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Options":
        """Return the options that ``to_json`` wrote."""
        fields = json.loads(text)
        quality, background, resize = fields["quality"], fields["background"], fields["resize"]
        return cls(
            quality=Preset(quality) if isinstance(quality, str) else quality,
            formats=tuple(map(ImageFormat, fields["formats"])),
            background=None if background is None else (background[0], background[1], background[2]),
            resize=None if resize is None else Resize(**{**resize, "method": ResizeMethod(resize["method"])}),
            preserve=frozenset(map(Preserve, fields["preserve"])),
            fingerprint=fields["fingerprint"],
        )


@dataclass(frozen=True, slots=True)
class Compressed:
    """What came out: the file's bytes, its format, its size in pixels as a viewer shows it.

    ``fingerprint`` is the PDQ hash of the input as 64 hexadecimal digits, where the options asked for it. ``score`` is
    the SSIMULACRA2 of the result against the pixels that were to be encoded, 100 for the same; None where nobody
    measured it. ``trials`` is how often something was encoded to find it.
    """

    data: bytes
    format: ImageFormat
    width: int
    height: int
    reduced_effort: bool = False
    fingerprint: str = ""
    score: float | None = None
    trials: int = 0

    @property
    def size_bytes(self) -> int:
        """The length of the file."""
        return len(self.data)
