"""How far a long run is, on standard error."""

import sys
import time


class Progress:
    """Counts steps; what was done before this run takes no time and is left out of the estimate."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._done = self._measured = 0
        self._started_s = self._said_s = time.monotonic()

    def step(self, what: str, *, was_known: bool = False) -> None:
        """Count one step, and say so at most once a second."""
        self._done += 1
        self._measured += not was_known
        now_s = time.monotonic()
        if now_s - self._said_s < 1 and self._done < self._steps:
            return
        self._said_s = now_s
        each_s = (now_s - self._started_s) / max(1, self._measured)
        left_s = each_s * (self._steps - self._done)
        said = f"{self._done} of {self._steps}, at most {left_s / 60:.0f} min left: {what}"
        print(f"\r\033[K{said[:110]}" if sys.stderr.isatty() else said, end="", file=sys.stderr, flush=True)
        if not sys.stderr.isatty() or self._done == self._steps:
            print(file=sys.stderr)
