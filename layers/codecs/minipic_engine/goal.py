"""What an encoder is asked for, and what it gives."""

from dataclasses import dataclass

from minipic.domain.image import Preset, Quality

from .level import BEST, LOSSLESS, level_of
from .search import ABOVE

IDENTICAL = 100.0
"""The score of the same pixels."""

_TARGETS = {Preset.EXTREME: 65.0, Preset.SMART: 80.0, Preset.HIGH: 90.0}
_PALETTE_TARGETS = {Preset.EXTREME: 80.0, Preset.SMART: 90.0, Preset.HIGH: 95.0}
"""In few colours a change shows on every flat area, where the others hide it in texture."""

_MEASURED_ABOVE = 0.15


@dataclass(frozen=True, slots=True)
class Goal:
    """How good a result has to be.

    ``level`` (1 to 101) is written into results, and chooses fixed settings where there is no target. A preset has
    targets: the least SSIMULACRA2 against the picture that is encoded, for JPEG, WebP and AVIF and for palettes; it
    spares an input that has lost much before. A score of up to ``above`` the target is near enough.
    """

    level: int
    target: float | None = None
    palette_target: float | None = None
    spares_input: bool = False
    above: float = ABOVE

    @property
    def is_lossless(self) -> bool:
        """Whether the same pixels are asked for, where the format can hold them."""
        return self.level >= BEST


EXACT = Goal(LOSSLESS)


def goal_of(quality: Quality) -> Goal:
    """Return the goal of a preset or number; raises BadRequest for a number outside 1 to 100."""
    level = level_of(quality)
    if isinstance(quality, Preset):
        return Goal(level, _TARGETS.get(quality), _PALETTE_TARGETS.get(quality), spares_input=True)
    return Goal(level)


def goal_at(target: float) -> Goal:
    """Return the goal of one score for every format, as measurements ask for it: nearer to it than usual."""
    return Goal(max(1, min(BEST - 1, int(target))), target, target, above=_MEASURED_ABOVE)


@dataclass(frozen=True, slots=True)
class Encoded:
    """An encoder's file, its score against the picture (None where nobody measured it), and how many were tried."""

    data: bytes
    score: float | None = None
    trials: int = 0

    @property
    def size_bytes(self) -> int:
        """The length of the file."""
        return len(self.data)


def exact(data: bytes) -> Encoded:
    """Return a file that holds the very pixels."""
    return Encoded(data, IDENTICAL)


def smaller(*results: Encoded) -> Encoded:
    """Return the smallest result, the first among equals, with the trials of all."""
    best = min(results, key=lambda result: result.size_bytes)
    return Encoded(best.data, best.score, sum(result.trials for result in results))
