"""What an animation shows for how long, and how often."""

from dataclasses import dataclass
from itertools import accumulate, pairwise

_TICK_MS = 10
_LEAST_TICKS = 2
_UNSET_MS = 10
_BROWSERS_MS = 100


@dataclass(frozen=True, slots=True)
class Timeline:
    """How long each frame is shown (ms), and how often all of them are (0: for ever)."""

    durations: tuple[int, ...]
    plays: int = 0

    def as_shown(self) -> "Timeline":
        """Return the timeline as browsers keep it: whoever asks for 10 ms or less gets 100.

        A GIF's frame without a duration has 0, which other formats take by the word.
        """
        return Timeline(tuple(_BROWSERS_MS if ms <= _UNSET_MS else ms for ms in self.durations), self.plays)

    def in_ticks(self) -> "Timeline":
        """Return the timeline in GIF's hundredths of a second: rounded so that no frame comes late by more than half.

        Less than two of them would be shown as ten.
        """
        ends = [round(end / _TICK_MS) for end in accumulate(self.durations, initial=0)]
        ticks = [max(_LEAST_TICKS, after - before) for before, after in pairwise(ends)]
        return Timeline(tuple(tick * _TICK_MS for tick in ticks), self.plays)
