"""``minipic-admin ledger``."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from minipic.admin.packs import MAX_PACK_IMAGES, reference
from minipic.admin.shown import Answer, Negative, described
from minipic.domain.ledger import Line
from minipic.domain.options import parse_month
from minipic.domain.statement import COLUMNS, Row, as_row, moment_to_the_ms, write_csv
from minipic.errors import BadRequest
from minipic.service import Services
from minipic.service import administration as admin
from minipic.service.auditing import Progress, audit_all, repair
from minipic.service.usage import PAGE_LINES
from minipic.stores import Ledger

MAX_REASON_CHARS = 500
TELL_EVERY_S = 5.0


def add_commands(noun: argparse.ArgumentParser) -> None:
    """Describe the commands of this noun."""
    verbs = noun.add_subparsers(required=True)
    command = verbs.add_parser("verify", help="check every line, count and balance; exit code 1 when one is wrong")
    whose = command.add_mutually_exclusive_group(required=True)
    whose.add_argument("account", metavar="ACCOUNT", nargs="?")
    whose.add_argument("--all", action="store_true", help="every account, deleted ones too")
    command.set_defaults(run=_verify)
    command = verbs.add_parser("export", help="every line, as CSV or as a JSON object a line")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("--month", type=_month, help="this one only, such as 2026-11")
    command.add_argument("--format", choices=["csv", "jsonl"], default="csv")
    command.add_argument("--output", type=Path, metavar="FILE", help="instead of standard output")
    command.set_defaults(run=_export)
    command = verbs.add_parser("correct", help="add credits or take them away, as a new line with a reason")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("credits", metavar="CREDITS", type=_credits, help="how many; negative takes away")
    command.add_argument("--reference", required=True, type=reference, help="makes it repeatable: it happens once")
    command.add_argument("--reason", required=True, type=_reason, help="why; it stands in the ledger")
    command.set_defaults(run=_correct)
    command = verbs.add_parser("repair", help="write lines in place of those that were lost; no count changes")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("--reason", required=True, type=_reason, help="why; it stands in the ledger")
    command.set_defaults(run=_repair)


def _credits(text: str) -> int:
    credits = int(text)
    if credits == 0 or abs(credits) > MAX_PACK_IMAGES:
        raise argparse.ArgumentTypeError(f"takes a number from 1 to {MAX_PACK_IMAGES}, or a negative one")
    return credits


def _reason(text: str) -> str:
    if not 1 <= len(text) <= MAX_REASON_CHARS or not text.isprintable():
        raise argparse.ArgumentTypeError(f"takes 1 to {MAX_REASON_CHARS} printable characters")
    return text


def _month(text: str) -> int | None:
    try:
        return parse_month(text)
    except BadRequest as error:
        raise argparse.ArgumentTypeError("takes a month such as 2026-11") from error


def _verify(services: Services, options: argparse.Namespace) -> Answer | Negative:
    accounts = services.accounts.list_all() if options.all else [admin.find_account(services, options.account)]
    progress = Progress() if options.as_json else Progress(teller())
    failure = audit_all(services, accounts, progress)
    counts = {"accounts": progress.accounts, "lines": progress.lines}
    if failure is None:
        return counts
    wrong = failure.discrepancy
    return Negative(
        {"account": failure.account_id, "line": wrong.seq or None, "expected": wrong.expected, "found": wrong.found}
        | {"checked_before": counts}
    )


def teller(every_s: float = TELL_EVERY_S) -> Callable[[Progress], None]:
    """Return what tells people on stderr, every few seconds, how far it is."""
    next_s = time.monotonic() + every_s

    def tell(progress: Progress) -> None:
        nonlocal next_s
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + every_s
            print(f"{progress.accounts} accounts, {progress.lines} lines …", file=sys.stderr, flush=True)

    return tell


def _export(services: Services, options: argparse.Namespace) -> Answer | None:
    account = admin.find_account(services, options.account)
    by_month = options.month is not None
    ledger = services.ledger
    lines = _lines_of_month(ledger, account.id, options.month) if by_month else ledger.all_lines(account.id)
    write = _write_csv if options.format == "csv" else _write_json
    if options.output is None:
        write(sys.stdout, map(_as_row, lines))
        return None
    with options.output.open("w", encoding="utf-8", newline="") as target:
        write(target, map(_as_row, lines))
    return {"account": account.id, "file": str(options.output)}


def _lines_of_month(ledger: Ledger, account_id: str, month: int) -> Iterator[Line]:
    after_seq = 0
    while page := ledger.lines(account_id, month, after_seq, PAGE_LINES):
        yield from page
        after_seq = page[-1].seq


def _as_row(line: Line) -> Row:
    """Return what /v1/ledger tells of a line, its time to the millisecond, and the key's id: names may change."""
    return as_row(line) | {"time": moment_to_the_ms(line.at_ms), "key_id": line.key_id}


def _write_csv(target: TextIO, rows: Iterable[Row]) -> None:
    write_csv(target, (*COLUMNS, "key_id"), rows)


def _write_json(target: TextIO, rows: Iterable[Row]) -> None:
    target.writelines(json.dumps(row) + "\n" for row in rows)


def _correct(services: Services, options: argparse.Namespace) -> Answer:
    account = admin.correct_credits(services, options.account, options.credits, options.reference, options.reason)
    return {"correction": options.reference, "credits": options.credits} | described(services, account)


def _repair(services: Services, options: argparse.Namespace) -> Answer:
    account = admin.find_account(services, options.account)
    made = repair(services, account, options.reason)
    return {"account": account.id, "repaired": len(made)} | (
        {"first": made[0].seq, "last": made[-1].seq} if made else {}
    )
