"""``minipic-admin keys``."""

import argparse

from minipic.admin.shown import Answer, listed_keys
from minipic.domain.keys import Environment
from minipic.service import Services
from minipic.service import administration as admin


def add_commands(noun: argparse.ArgumentParser) -> None:
    """Describe the commands of this noun."""
    verbs = noun.add_subparsers(required=True)
    command = verbs.add_parser("create", help="make a key; it is shown this once")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("--test", action="store_true", help="a sandbox key, never billed")
    command.add_argument("--name", default="")
    command.set_defaults(run=_create)
    command = verbs.add_parser("list", help="an account's keys")
    command.add_argument("account", metavar="ACCOUNT")
    command.set_defaults(run=_list)
    for verb, run, text in (
        ("disable", _disable, "disable a key"),
        ("enable", _enable, "enable a key"),
        ("rotate", _rotate, "make a key in place of this one, which stops working at once"),
        ("delete", _delete, "delete a key for good"),
    ):
        command = verbs.add_parser(verb, help=text)
        command.add_argument("key", metavar="KEY", nargs="+", help="the key's id; its account may stand before it")
        command.set_defaults(run=run)


def _create(services: Services, options: argparse.Namespace) -> Answer:
    environment = Environment.TEST if options.test else Environment.LIVE
    key = admin.create_key(services, options.account, options.name, environment)
    return {"key": key.text, "id": key.id}


def _list(services: Services, options: argparse.Namespace) -> Answer:
    return {"keys": listed_keys(services, admin.find_account(services, options.account))}


def _disable(services: Services, options: argparse.Namespace) -> Answer:
    admin.set_key_enabled(services, options.key[-1], False)
    return {"id": options.key[-1], "enabled": False}


def _enable(services: Services, options: argparse.Namespace) -> Answer:
    admin.set_key_enabled(services, options.key[-1], True)
    return {"id": options.key[-1], "enabled": True}


def _rotate(services: Services, options: argparse.Namespace) -> Answer:
    key = admin.rotate_key(services, options.key[-1])
    return {"key": key.text, "id": key.id}


def _delete(services: Services, options: argparse.Namespace) -> Answer:
    admin.delete_key(services, options.key[-1])
    return {"id": options.key[-1], "deleted": True}
