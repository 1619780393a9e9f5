"""What is promised, as data: each goal names a line of the table, one of its figures, and a limit."""

from dataclasses import dataclass

from benchmarks.quality import peers
from benchmarks.quality.aims import EXACT, EXTREME, HIGH, LIKE_SHARP, NUMBER, SMART
from benchmarks.quality.corpus import CAMERA, GRAPHICS, PHOTOS, RECORDINGS, SCREENS

PAIRS = "recorded pairs"
AT_THEIR_SCORE = "aimed at their score: bytes, score at least theirs"
BEST_AT_THEIR_SCORE = "aimed at their score, best care: bytes, score at least theirs"
BLIND = "smart, blind: bytes and score against theirs"
_LOSSY = ("jpeg", "webp", "avif")


_NAMES = {
    "ratio": "bytes", "cpu_ratio": "CPU", "butteraugli_ratio": "Butter.", "landed_share": "landed",
    "trials_max": "trials",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goal:
    """``field`` of the line must not be above ``limit``, or not below it where ``at_least``."""

    kind: str
    parts: tuple[str, ...]
    measure: str
    field: str
    limit: float
    at_least: bool = False
    is_stretch: bool = False

    def is_met(self, value: float | None) -> bool | None:
        """Tell whether ``value`` meets the goal; None where there is no value."""
        if value is None:
            return None
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        name = _NAMES[self.field]
        limit = f"{self.limit:.0%}" if self.field == "landed_share" else f"{self.limit:g}"
        return f"{'stretch ' if self.is_stretch else ''}{name} {'>=' if self.at_least else '<='} {limit}"


def against(aim: str, peer: str, setting: str = "") -> str:
    """Return the name of the line that compares ``aim`` with ``peer``, at equal score unless a setting is named."""
    return f"{aim}: bytes against {peer}, {f'its {setting}' if setting else 'equal score'}"


_JPEG_80, _JPEG_90 = against(SMART, peers.SHARP_JPEG), against(HIGH, peers.SHARP_JPEG)
_AVIF = against(LIKE_SHARP, peers.SHARP_AVIF)
_WEBP = against(LIKE_SHARP, peers.SHARP_WEBP)
_PNG_90, _PNG_95 = against(SMART, peers.VIPS_PNG), against(HIGH, peers.VIPS_PNG)
_SECOND_OPINION_LIMIT = 1.10

GOALS = (
    Goal("jpeg", (PHOTOS, CAMERA), _JPEG_80, "ratio", 0.945),
    Goal("jpeg", (PHOTOS, CAMERA), _JPEG_90, "ratio", 0.85),
    Goal("jpeg", (PHOTOS, CAMERA), _JPEG_80, "butteraugli_ratio", _SECOND_OPINION_LIMIT),
    Goal("jpeg", (PHOTOS, CAMERA), _JPEG_90, "butteraugli_ratio", _SECOND_OPINION_LIMIT),
    Goal("jpeg", (PHOTOS, CAMERA), _JPEG_80, "cpu_ratio", 1.5),
    Goal("jpeg", (PHOTOS, CAMERA), _JPEG_80, "cpu_ratio", 1.0, is_stretch=True),
    Goal("jpeg", (PHOTOS, CAMERA), against(NUMBER, peers.SHARP_JPEG), "cpu_ratio", 0.25),
    Goal("webp", (PHOTOS, CAMERA), _WEBP, "ratio", 0.95),
    Goal("webp", (PHOTOS, CAMERA), _WEBP, "butteraugli_ratio", _SECOND_OPINION_LIMIT),
    Goal("avif", (PHOTOS, CAMERA), _AVIF, "ratio", 1.05),
    Goal("avif", (PHOTOS, CAMERA), _AVIF, "ratio", 1.0, is_stretch=True),
    Goal("avif", (PHOTOS, CAMERA), _AVIF, "cpu_ratio", 0.25),
    Goal("avif", (PHOTOS, CAMERA), _AVIF, "butteraugli_ratio", _SECOND_OPINION_LIMIT),
    *(Goal(kind, (PHOTOS,), f"{aim}: score, trials", "landed_share", 0.95, at_least=True)
      for kind in _LOSSY for aim in (SMART, HIGH, EXTREME)),
    *(Goal(kind, (PHOTOS,), f"{SMART}: score, trials", "trials_max", 6) for kind in _LOSSY),
    Goal("png", (GRAPHICS, SCREENS), _PNG_90, "ratio", 0.82),
    Goal("png", (GRAPHICS, SCREENS), _PNG_95, "ratio", 0.82),
    Goal("png", (GRAPHICS, SCREENS), against(SMART, peers.PNGQUANT), "cpu_ratio", 5.0),
    Goal("png", (GRAPHICS, SCREENS), against(EXACT, peers.OXIPNG, "4"), "ratio", 1.0),
    Goal("png", (GRAPHICS, SCREENS), against(EXACT, peers.OXIPNG, "4"), "cpu_ratio", 1.0),
    Goal("gif", (RECORDINGS,), against(SMART, peers.GIFSICLE, "-O3"), "ratio", 1.0),
    Goal("gif", (RECORDINGS,), against(EXTREME, peers.GIFSICLE, "-O3"), "ratio", 0.60),
    Goal("gif → webp", (RECORDINGS,), against(SMART, peers.PILLOW_FILM), "ratio", 0.95),
    Goal("jpeg", (PAIRS,), AT_THEIR_SCORE, "ratio", 0.88),
    Goal("jpeg", (PAIRS,), AT_THEIR_SCORE, "ratio", 0.80, is_stretch=True),
    Goal("jpeg", (PAIRS,), AT_THEIR_SCORE, "butteraugli_ratio", _SECOND_OPINION_LIMIT),
    Goal("png", (PAIRS,), AT_THEIR_SCORE, "ratio", 0.86),
    Goal("png", (PAIRS,), AT_THEIR_SCORE, "butteraugli_ratio", 1.05),
    Goal("png", (PAIRS,), AT_THEIR_SCORE, "cpu_ratio", 5.0),
    Goal("png", (PAIRS,), BEST_AT_THEIR_SCORE, "ratio", 0.78),
    Goal("png", (PAIRS,), BEST_AT_THEIR_SCORE, "cpu_ratio", 10.0),
    Goal("png", (PAIRS,), BEST_AT_THEIR_SCORE, "ratio", 0.70, is_stretch=True),
)  # fmt: skip


def goals_of(kind: str, part: str, measure: str) -> list[Goal]:
    """Return what is promised of one line of the table."""
    return [goal for goal in GOALS if goal.kind == kind and part in goal.parts and goal.measure == measure]
