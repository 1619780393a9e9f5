"""What a JPEG has lost before it came here, guessed from its tables, and how much more it may lose.

A score says how far a result is from its input, not from the picture that the input was made of. Losses add up about
as the sides of a right angle do: a picture at 82 that is kept at 80 is at 73 of its original, not at 62.
"""

import math

from .jpeg_segments import coarseness

_HALF_RESOLUTION = 4.2
_WITHOUT_TABLES = 100.0
_FINEST = 0.27
"""Below this step, as a logarithm, the curve that was fitted would turn down."""

_ADDED_UP = 1.25
"""How far input and result together may be from the original, squared, in squares of what the target allows."""

UNREACHABLE = 97.0
"""Above this there is nothing to gain over the input's own coefficients."""


def score_of(data: bytes) -> float:
    """Return about the score that the JPEG had against its original, from its luma table and its colours' resolution.

    Fitted on photographs and graphics at eight qualities of libjpeg, mozjpeg and jpegli; standard deviation 6 points.
    """
    found = coarseness(data)
    if found is None:
        return _WITHOUT_TABLES
    step, is_halved = found
    log_step = max(_FINEST, math.log(step))
    return min(100.0, 92.9 + 1.42 * log_step - 2.65 * log_step**2 - (_HALF_RESOLUTION if is_halved else 0))


def target_after(score: float, target: float) -> float:
    """Return the target against an input of that score, so that all losses together stay near ``target``.

    An input that is twice as near to its original as asked is taken for the original.
    """
    lost, allowed = 100 - score, 100 - target
    if lost <= allowed / 2:
        return target
    return 100 - math.sqrt(max(0.0, _ADDED_UP * allowed**2 - lost**2))
