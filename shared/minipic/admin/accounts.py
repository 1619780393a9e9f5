"""``minipic-admin accounts``."""

import argparse

from minipic.admin import notices
from minipic.admin.shown import Answer, described, listed_keys, listed_packs
from minipic.domain.account import Overrides, Status
from minipic.service import Services
from minipic.service import administration as admin
from minipic.settings import PLAN_RANGES

FOLLOW_PLAN = "plan"


def add_commands(noun: argparse.ArgumentParser) -> None:
    """Describe the commands of this noun."""
    verbs = noun.add_subparsers(required=True)
    command = verbs.add_parser("create", help="make an account")
    command.add_argument("--name", required=True)
    command.add_argument("--plan", default="free")
    command.set_defaults(run=_create)
    command = verbs.add_parser("list", help="every account")
    command.add_argument("--deleted", action="store_true", help="those that are deleted, too")
    command.set_defaults(run=_list)
    for verb, run in (("show", _show), ("suspend", _suspend), ("resume", _resume)):
        command = verbs.add_parser(verb, help=f"{verb} an account")
        command.add_argument("account", metavar="ACCOUNT", help="its id or name")
        command.set_defaults(run=run)
    command = verbs.add_parser("delete", help="delete an account for good; its ledger stays")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("--yes", action="store_true", required=True, help="it cannot be undone")
    command.set_defaults(run=_delete)
    command = verbs.add_parser("set-plan", help="put an account on a plan")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("plan", metavar="PLAN")
    command.set_defaults(run=_set_plan)
    command = verbs.add_parser("override", help="let an account do other than its plan says")
    command.add_argument("account", metavar="ACCOUNT")
    for name, low, high in PLAN_RANGES:
        if name in Overrides.__dataclass_fields__:
            _add_override(command, name, low, high)
    command.set_defaults(run=_override)
    notices.add_command(verbs.add_parser("notify", help="tell an account's owner of a low balance by a webhook"))


def _add_override(command: argparse.ArgumentParser, name: str, low: int, high: int) -> None:
    def parse(text: str) -> int | str:
        if text == FOLLOW_PLAN:
            return text
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"takes a number from {low} to {high}, or {FOLLOW_PLAN!r}")
        return int(text)

    command.add_argument(f"--{name.replace('_', '-')}", type=parse, metavar="N", help=f"{low} to {high}, or 'plan'")


def _create(services: Services, options: argparse.Namespace) -> Answer:
    return described(services, admin.create_account(services, options.name, admin.find_plan(services, options.plan)))


def _list(services: Services, options: argparse.Namespace) -> Answer:
    by_age = sorted(services.accounts.list_all(), key=lambda account: account.created_ms)
    return {
        "accounts": [
            described(services, account)
            for account in by_age
            if options.deleted or account.status is not Status.DELETED
        ]
    }


def _show(services: Services, options: argparse.Namespace) -> Answer:
    account = admin.find_account(services, options.account)
    return (
        described(services, account)
        | account.overrides.given()
        | notices.told(services, account)
        | {"keys": listed_keys(services, account), "packs": listed_packs(account)}
    )


def _suspend(services: Services, options: argparse.Namespace) -> Answer:
    return described(services, admin.set_status(services, options.account, Status.SUSPENDED))


def _resume(services: Services, options: argparse.Namespace) -> Answer:
    return described(services, admin.set_status(services, options.account, Status.ACTIVE))


def _delete(services: Services, options: argparse.Namespace) -> Answer:
    return described(services, admin.delete_account(services, options.account))


def _set_plan(services: Services, options: argparse.Namespace) -> Answer:
    return described(services, admin.set_plan(services, options.account, admin.find_plan(services, options.plan)))


def _override(services: Services, options: argparse.Namespace) -> Answer:
    given = {name: getattr(options, name) for name in Overrides.__dataclass_fields__}
    changes = {name: None if value == FOLLOW_PLAN else value for name, value in given.items() if value is not None}
    account = admin.set_overrides(services, options.account, changes)
    return described(services, account) | account.overrides.given()
