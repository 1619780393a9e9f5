"""What holds for every test: a busy machine and the end of a month fail none."""

import time
from datetime import UTC, datetime, timedelta

from hypothesis import settings

LAST_S = 60  # of a month

settings.register_profile("patient", deadline=None)  # pytest's own time limit stays
settings.load_profile("patient")


def pytest_runtest_setup() -> None:
    """Begin no test right before a month ends: what it counts would be in two."""
    now = datetime.now(UTC)
    next_month = (now.replace(day=1) + timedelta(days=31)).replace(day=1, hour=0, minute=0, second=0)
    left_s = (next_month - now).total_seconds()
    if left_s < LAST_S:
        time.sleep(left_s + 1)
