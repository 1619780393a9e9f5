"""What an account's hot state need not carry any longer, so that a request costs the same in ten years' time."""

from dataclasses import replace

from minipic.domain.account import Account, Pack
from minipic.domain.metering import live_leases, month_of

KEPT_MONTHS = 13  # this month, and a year to look back
DAY_MS = 86_400_000


def spent_packs(account: Account, now_ms: int) -> tuple[Pack, ...]:
    """Return the packs and corrections that no draw will meet again.

    The newest one stays: it is what a grant looks at to see that no other grant came between. So do those of the last
    day, while their payment's reference may still be sent twice at once.
    """
    return tuple(
        pack for pack in account.packs[:-1] if pack.end <= account.credits_drawn and pack.purchased_ms < now_ms - DAY_MS
    )


def first_kept_month(now_ms: int) -> int:
    """Return the oldest month that is kept, as yyyymm."""
    year, number = divmod(month_of(now_ms), 100)
    months = year * 12 + number - KEPT_MONTHS
    return months // 12 * 100 + months % 12 + 1


def gone_keys(account: Account, now_ms: int) -> tuple[str, ...]:
    """Return the deleted keys whose last request has ended, or was given up."""
    return tuple(key_id for key_id, key in account.keys.items() if key.deleted and not live_leases(key.leases, now_ms))


def pruned(account: Account, now_ms: int) -> Account:
    """Return the account without old months, spent packs and deleted keys; nothing that counts changes."""
    spent, gone, first = spent_packs(account, now_ms), gone_keys(account, now_ms), first_kept_month(now_ms)
    return replace(
        account,
        free_used={month: used for month, used in account.free_used.items() if month >= first},
        images={month: images for month, images in account.images.items() if month >= first},
        sandbox_used={month: used for month, used in account.sandbox_used.items() if month >= first},
        packs=tuple(pack for pack in account.packs if pack not in spent),
        keys={key_id: key for key_id, key in account.keys.items() if key_id not in gone},
    )
