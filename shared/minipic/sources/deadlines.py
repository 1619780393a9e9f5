"""One moment by which a whole fetch is over, however many small steps it takes."""

import time


class Deadline:
    """Counts down from the moment it is made. Every wait takes its time from here, so no row of waits adds up."""

    def __init__(self, timeout_s: float) -> None:
        self._ends_at_s = time.monotonic() + timeout_s

    def left_s(self) -> float:
        """Return the seconds that are left, always more than zero; TimeoutError when none are."""
        left_s = self._ends_at_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s
