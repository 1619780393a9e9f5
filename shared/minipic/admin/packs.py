"""``minipic-admin packs``."""

import argparse

from minipic.admin.shown import Answer, described, described_pack, listed_packs
from minipic.domain.ledger import PLAN
from minipic.service import Services
from minipic.service import administration as admin

MAX_PACK_IMAGES = 1_000_000_000
MAX_REFERENCE_CHARS = 200


def add_commands(noun: argparse.ArgumentParser) -> None:
    """Describe the commands of this noun."""
    verbs = noun.add_subparsers(required=True)
    command = verbs.add_parser("grant", help="give an account a pack; the same reference again gives nothing more")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("images", metavar="IMAGES", type=_images)
    command.add_argument("--reference", required=True, type=reference, help="of the payment: makes it repeatable")
    command.set_defaults(run=_grant)
    command = verbs.add_parser("list", help="an account's packs and corrections, and what is left of each")
    command.add_argument("account", metavar="ACCOUNT")
    command.set_defaults(run=_list)


def _images(text: str) -> int:
    images = int(text)
    if not 1 <= images <= MAX_PACK_IMAGES:
        raise argparse.ArgumentTypeError(f"takes a number from 1 to {MAX_PACK_IMAGES}")
    return images


def reference(text: str) -> str:
    """Return what names a payment or a correction."""
    if not 1 <= len(text) <= MAX_REFERENCE_CHARS or not text.isprintable():
        raise argparse.ArgumentTypeError(f"takes 1 to {MAX_REFERENCE_CHARS} printable characters")
    if text == PLAN:
        raise argparse.ArgumentTypeError(f"takes anything but {PLAN!r}, which is what free images are drawn from")
    return text


def _grant(services: Services, options: argparse.Namespace) -> Answer:
    account = admin.grant_pack(services, options.account, options.images, options.reference)
    found = [described_pack(account, pack) for pack in account.packs if pack.id == options.reference]
    spent = {"pack": options.reference, "images": options.images, "remaining": 0}
    return (found[0] if found else spent) | described(services, account)


def _list(services: Services, options: argparse.Namespace) -> Answer:
    return {"packs": listed_packs(admin.find_account(services, options.account))}
