"""Usage and ledger as the API tells them."""

import io
from collections.abc import Sequence

from minipic.domain.ledger import Line
from minipic.domain.metering import next_month
from minipic.domain.statement import COLUMNS, as_row, moment, month_text, write_csv
from minipic.http.answers import Credits, FreeQuota, LedgerAnswer, LedgerLine, Limits, PackAnswer, UsageAnswer
from minipic.service.usage import PAGE_LINES, Usage


def usage_json(usage: Usage) -> UsageAnswer:
    """Return where an account stands, as the API tells it."""
    account, plan = usage.account, usage.plan
    used = account.free_used.get(usage.month, 0)
    return UsageAnswer(
        month=month_text(usage.month),
        plan=account.plan,
        count=account.images.get(usage.month, 0),
        free=FreeQuota(
            limit=account.free_limit,
            used=used,
            remaining=max(0, account.free_limit - used),
            resets_at=f"{month_text(next_month(usage.month))}-01T00:00:00Z",
        ),
        credits=Credits(
            remaining=account.credits_bought - account.credits_drawn,
            packs=[
                PackAnswer(
                    id=pack.id,
                    purchased_at=moment(pack.purchased_ms),
                    size=pack.size,
                    remaining=pack.remaining(account.credits_drawn),
                )
                for pack in account.packs
                if pack.size > 0
            ],
        ),
        by_operation=dict(usage.sums.images),
        bytes_in=usage.sums.bytes_in,
        bytes_out=usage.sums.bytes_out,
        limits=Limits(
            max_bytes=plan.max_bytes,
            max_pixels=plan.max_pixels,
            rate_per_second=plan.rate_per_second,
            burst=plan.burst,
            concurrency=plan.concurrency,
        ),
    )


def ledger_json(lines: Sequence[Line]) -> LedgerAnswer:
    """Return a page of lines; its cursor is null on the last page."""
    cursor = str(lines[-1].seq) if len(lines) == PAGE_LINES else None
    return LedgerAnswer(lines=[LedgerLine.model_validate(as_row(line)) for line in lines], cursor=cursor)


def ledger_csv(lines: Sequence[Line]) -> str:
    """Return a page of lines as CSV with a header; the next page begins after the last line's ``seq``."""
    text = io.StringIO()
    write_csv(text, COLUMNS, map(as_row, lines))
    return text.getvalue()
