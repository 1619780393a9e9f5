"""An account, a plan and a lease for tests of the rules."""

from dataclasses import replace

from minipic.domain.account import Account, Key, Plan
from minipic.domain.keys import Environment
from minipic.domain.metering import LEASE_MS, Lease
from minipic.domain.plans import Plans

SANDBOX_LIMIT = 3
PLAN = Plan("free", free_images=SANDBOX_LIMIT, max_bytes=1000)
PAID = Plan("paid", free_images=3, max_bytes=2000)
PLANS = Plans({"free": PLAN, "paid": PAID})
NOW_MS = 1_795_000_000_000  # 2026-11-18
MONTH = 202611


def plans_with(free: Plan = PLAN, paid_images: int = PAID.free_images) -> Plans:
    """Return plans with this free one, or with another quota of the paid one."""
    return Plans({"free": free, "paid": replace(PAID, free_images=paid_images)})


def make_account(free_limit: int = 3, **changes: object) -> Account:
    """Return an account with a live key ``k`` and a sandbox key ``t``."""
    keys = {"k": Key(Environment.LIVE, "main", 0), "t": Key(Environment.TEST, "sandbox", 0)}
    account = Account(id="a", name="A", created_ms=0, plan="free", free_limit=free_limit, keys=keys)
    return replace(account, **changes)  # type: ignore[arg-type]


def make_lease(name: str = "l", key_id: str = "k", now_ms: int = NOW_MS) -> Lease:
    """Return a lease that begins now."""
    return Lease("a", key_id, name, now_ms + LEASE_MS)
