"""What the engine is asked for, by kind of result."""

from dataclasses import dataclass

from benchmarks.quality import peers

from minipic.domain.image import ImageFormat, Preset, Quality


@dataclass(frozen=True, slots=True)
class Aim:
    """One request to the engine: a preset or number with the score that it promises, or a score itself.

    ``like`` names the tool whose default result's score is aimed at. ``yardstick`` names the tool whose CPU time is
    measured beside.
    """

    name: str
    quality: Quality = Preset.SMART
    score: float | None = None
    is_free: bool = False
    """Whether ``score`` is aimed at by the entry for any score, rather than promised by ``quality``."""
    like: str = ""
    yardstick: str = ""


EXTREME, SMART, HIGH, EXACT, NUMBER, LIKE_SHARP = "extreme", "smart", "high", "lossless", "number 80", "sharp's score"


def _presets(extreme: float, smart: float, high: float, yardstick: str) -> tuple[Aim, ...]:
    return (
        Aim(EXTREME, Preset.EXTREME, extreme),
        Aim(SMART, Preset.SMART, smart, yardstick=yardstick),
        Aim(HIGH, Preset.HIGH, high, yardstick=yardstick),
    )


def _free(*scores: float) -> tuple[Aim, ...]:
    return tuple(Aim(f"{score:g}", score=score, is_free=True) for score in scores)


AIMS: dict[str, tuple[Aim, ...]] = {
    "jpeg": (
        *_presets(65, 80, 90, peers.SHARP_JPEG), Aim(NUMBER, 80, yardstick=peers.SHARP_JPEG), *_free(73, 85),
    ),
    "webp": (
        *_presets(65, 80, 90, peers.SHARP_WEBP),
        Aim(LIKE_SHARP, is_free=True, like=peers.SHARP_WEBP, yardstick=peers.SHARP_WEBP), *_free(73, 85),
    ),
    "avif": (
        *_presets(65, 80, 90, ""),
        Aim(LIKE_SHARP, is_free=True, like=peers.SHARP_AVIF, yardstick=peers.SHARP_AVIF), *_free(73),
    ),
    "png": (
        *_presets(80, 90, 95, peers.PNGQUANT), Aim(EXACT, Preset.LOSSLESS, yardstick=peers.OXIPNG), *_free(85),
    ),
    "gif": (Aim(SMART, Preset.SMART, yardstick=peers.GIFSICLE), Aim(EXTREME, Preset.EXTREME)),
    "gif → webp": _presets(65, 80, 90, peers.PILLOW_FILM), "gif → png": _presets(80, 90, 95, ""),
}  # fmt: skip

FORMATS = {
    "jpeg": ImageFormat.JPEG, "webp": ImageFormat.WEBP, "avif": ImageFormat.AVIF, "png": ImageFormat.PNG,
    "gif": ImageFormat.GIF, "gif → webp": ImageFormat.WEBP, "gif → png": ImageFormat.PNG,
}  # fmt: skip
