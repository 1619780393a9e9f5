"""``minipic-admin accounts notify``: who is told of a low balance."""

import argparse

from minipic.admin.shown import Answer
from minipic.domain.account import Account
from minipic.domain.notices import MAX_LOW_BALANCE
from minipic.service import Services, notices


def add_command(command: argparse.ArgumentParser) -> None:
    """Describe the command."""
    command.add_argument("account", metavar="ACCOUNT", help="its id or name")
    when = command.add_mutually_exclusive_group(required=True)
    when.add_argument("--below", type=_images, metavar="N", help="tell when fewer images than this are left")
    when.add_argument("--off", action="store_true", help="tell no more")
    command.add_argument("--url", help="where to; makes a new signing secret, which is shown this once")
    command.set_defaults(run=_notify)


def _images(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_LOW_BALANCE:
        raise argparse.ArgumentTypeError(f"takes a number from 1 to {MAX_LOW_BALANCE}")
    return int(text)


def _notify(services: Services, options: argparse.Namespace) -> Answer:
    if options.off:
        return {"account": notices.mute(services, options.account).id, "low_balance": 0}
    account, webhook = notices.notify(services, options.account, options.below, options.url)
    shown = {"account": account.id, "low_balance": account.low_balance, "webhook_host": webhook.host}
    return shown | ({"secret": webhook.secret} if options.url else {})


def told(services: Services, account: Account) -> Answer:
    """Return below what an account's owner is told, and at which host; nothing where nobody is."""
    webhook = services.notices.webhook(account.id)
    below = {"low_balance": account.low_balance} if account.low_balance else {}
    return below | ({"webhook_host": webhook.host} if webhook else {})
