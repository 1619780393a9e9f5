"""``minipic-admin ledger``."""

import argparse

from minipic.admin.packs import MAX_PACK_IMAGES, reference
from minipic.admin.shown import Answer, described
from minipic.service import Services
from minipic.service import administration as admin

MAX_REASON_CHARS = 500


def add_commands(noun: argparse.ArgumentParser) -> None:
    """Describe the commands of this noun."""
    verbs = noun.add_subparsers(required=True)
    command = verbs.add_parser("correct", help="add credits or take them away, as a new line with a reason")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("credits", metavar="CREDITS", type=_credits, help="how many; negative takes away")
    command.add_argument("--reference", required=True, type=reference, help="makes it repeatable: it happens once")
    command.add_argument("--reason", required=True, type=_reason, help="why; it stands in the ledger")
    command.set_defaults(run=_correct)


def _credits(text: str) -> int:
    credits = int(text)
    if credits == 0 or abs(credits) > MAX_PACK_IMAGES:
        raise argparse.ArgumentTypeError(f"takes a number from 1 to {MAX_PACK_IMAGES}, or a negative one")
    return credits


def _reason(text: str) -> str:
    if not 1 <= len(text) <= MAX_REASON_CHARS or not text.isprintable():
        raise argparse.ArgumentTypeError(f"takes 1 to {MAX_REASON_CHARS} printable characters")
    return text


def _correct(services: Services, options: argparse.Namespace) -> Answer:
    account = admin.correct_credits(services, options.account, options.credits, options.reference, options.reason)
    return {"correction": options.reference, "credits": options.credits} | described(services, account)
