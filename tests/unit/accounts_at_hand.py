"""An account, a plan and a lease for tests of the rules."""

from dataclasses import replace

from minipic.domain.account import Account, Key, Plan
from minipic.domain.keys import Environment
from minipic.domain.metering import LEASE_MS, Lease

PLAN = Plan("free", free_images=3, max_bytes=1000)
NOW_MS = 1_795_000_000_000  # 2026-11-18
MONTH = 202611
SANDBOX_LIMIT = 3


def make_account(free_limit: int = 3, **changes: object) -> Account:
    """Return an account with a live key ``k`` and a sandbox key ``t``."""
    keys = {"k": Key(Environment.LIVE, "main", 0), "t": Key(Environment.TEST, "sandbox", 0)}
    account = Account(id="a", name="A", created_ms=0, plan="free", free_limit=free_limit, keys=keys)
    return replace(account, **changes)  # type: ignore[arg-type]


def make_lease(name: str = "l", key_id: str = "k", now_ms: int = NOW_MS) -> Lease:
    """Return a lease that begins now."""
    return Lease("a", key_id, name, now_ms + LEASE_MS)
