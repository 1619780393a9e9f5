"""Usage and ledger as the API tells them."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

from minipic.domain.ledger import Line
from minipic.http.answers import Credits, FreeQuota, LedgerAnswer, LedgerLine, Limits, PackAnswer, UsageAnswer
from minipic.service.usage import PAGE_LINES, Usage


def moment(at_ms: int) -> str:
    """Return a Unix time as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def month_text(month: int) -> str:
    """Return 202611 as 2026-11."""
    return f"{month // 100}-{month % 100:02}"


def next_month(month: int) -> int:
    """Return the month after 202612: 202701."""
    year, number = divmod(month, 100)
    return (year + 1) * 100 + 1 if number == 12 else month + 1


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


def _line_json(line: Line) -> LedgerLine:
    return LedgerLine(
        seq=line.seq,
        time=moment(line.at_ms),
        operation=line.operation,
        key=line.key_name,
        result=line.result_id,
        bytes_in=line.bytes_in,
        bytes_out=line.bytes_out,
        images=line.images,
        drawn_from=line.drawn_from,
        free_remaining=line.free_remaining,
        credits_remaining=line.credits_remaining,
        credits=line.credits,
        reason=line.reason,
    )


def ledger_json(lines: Sequence[Line]) -> LedgerAnswer:
    """Return a page of lines; its cursor is null on the last page."""
    cursor = str(lines[-1].seq) if len(lines) == PAGE_LINES else None
    return LedgerAnswer(lines=[_line_json(line) for line in lines], cursor=cursor)


def ledger_csv(lines: Sequence[Line]) -> str:
    """Return a page of lines as CSV with a header; the next page begins after the last line's ``seq``."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(LedgerLine.model_fields))
    writer.writeheader()
    for line in lines:
        row = _line_json(line).model_dump()
        for name in ("key", "drawn_from", "reason"):
            row[name] = _as_text_cell(row[name])
        writer.writerow(row)
    return text.getvalue()


def _as_text_cell(text: str) -> str:
    """Return other people's text so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
