"""The one scale of quality: a level is a whole number from 1 to 101.

1 to 100 are the numbers of the API. A preset is the level that equals its target score, so that presets and numbers
share every table. 100 is lossless where the format can be; 101 stands for ``lossless``, which also forbids re-encoding
a JPEG.
"""

import bisect
import math

from minipic.domain.image import Preset, Quality
from minipic.errors import BadRequest

HIGH = 90
BEST = 100
LOSSLESS = 101
_PRESETS = {Preset.EXTREME: 65, Preset.SMART: 80, Preset.HIGH: HIGH, Preset.LOSSLESS: LOSSLESS}


def level_of(quality: Quality) -> int:
    """Return the level of a preset or number; raises BadRequest for a number outside 1 to 100."""
    if isinstance(quality, Preset):
        return _PRESETS[quality]
    if not 1 <= quality <= BEST:
        raise BadRequest(f"`quality` is {quality}; use smart, high, extreme, lossless or a number from 1 to 100.")
    return quality


def interpolate(level: float, anchors: tuple[tuple[int, float], ...], *, log: bool = False) -> float:
    """Return the setting at ``level`` between ``anchors`` (level, setting), rising in level; geometric when ``log``."""
    levels = [anchor[0] for anchor in anchors]
    if level <= levels[0]:
        return anchors[0][1]
    if level >= levels[-1]:
        return anchors[-1][1]
    right = bisect.bisect_left(levels, level)
    (low, at_low), (high, at_high) = anchors[right - 1], anchors[right]
    share = (level - low) / (high - low)
    if log:
        return math.exp(math.log(at_low) * (1 - share) + math.log(at_high) * share)
    return at_low * (1 - share) + at_high * share
