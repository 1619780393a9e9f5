"""``minipic-admin``: the operator's command line, on either store, also while the service runs."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from minipic.domain.account import Account, Status
from minipic.domain.keys import Environment
from minipic.domain.metering import month_of
from minipic.errors import MiniPicError
from minipic.service import Services
from minipic.service import administration as admin
from minipic.settings import SettingError, read_settings
from minipic.stores import TooManyKeys
from minipic.wiring import build_services

Answer = dict[str, Any]
MAX_PACK_IMAGES = 1_000_000_000


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command; 0 when it was done, 1 when it could not be, 2 when it was not understood."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    options = _parser().parse_args([word for word in words if word != "--json"])
    variables = dict(os.environ if environ is None else environ)
    if options.store:
        variables["MINIPIC_STORE"] = options.store
    try:
        services = build_services(read_settings(variables))
        answer = options.run(services, options)
    except (SettingError, LookupError, TooManyKeys, MiniPicError) as error:
        message = str(error.args[0]) if error.args else type(error).__name__
        print(json.dumps({"error": message}) if as_json else f"minipic-admin: {message}", file=sys.stderr)
        return 1
    print(json.dumps(answer, indent=2) if as_json else _as_text(answer))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="minipic-admin", description=__doc__)
    parser.add_argument("--store", choices=["local", "aws"], help="instead of MINIPIC_STORE (default: local)")
    parser.epilog = "--json, anywhere, prints an object for scripts."
    nouns = parser.add_subparsers(required=True, metavar="accounts|keys|packs")

    accounts = nouns.add_parser("accounts", help="who may use the service").add_subparsers(required=True)
    command = accounts.add_parser("create", help="make an account")
    command.add_argument("--name", required=True)
    command.add_argument("--plan", default="free")
    command.set_defaults(run=_create_account)
    accounts.add_parser("list", help="every account").set_defaults(run=_list_accounts)
    for verb, run in (("show", _show), ("suspend", _suspend), ("resume", _resume)):
        command = accounts.add_parser(verb, help=f"{verb} an account")
        command.add_argument("account", metavar="ACCOUNT", help="its id or name")
        command.set_defaults(run=run)
    command = accounts.add_parser("set-plan", help="put an account on a plan")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("plan", metavar="PLAN")
    command.set_defaults(run=_set_plan)

    keys = nouns.add_parser("keys", help="the keys of an account").add_subparsers(required=True)
    command = keys.add_parser("create", help="make a key; it is shown this once")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("--test", action="store_true", help="a sandbox key, never billed")
    command.add_argument("--name", default="")
    command.set_defaults(run=_create_key)
    command = keys.add_parser("list", help="an account's keys")
    command.add_argument("account", metavar="ACCOUNT")
    command.set_defaults(run=_list_keys)
    for verb, run in (("disable", _disable_key), ("enable", _enable_key)):
        command = keys.add_parser(verb, help=f"{verb} a key")
        command.add_argument("key", metavar="KEY", nargs="+", help="the key's id; its account may stand before it")
        command.set_defaults(run=run)

    packs = nouns.add_parser("packs", help="prepaid images").add_subparsers(required=True)
    command = packs.add_parser("grant", help="give an account a pack; the same reference again gives nothing more")
    command.add_argument("account", metavar="ACCOUNT")
    command.add_argument("images", metavar="IMAGES", type=_images)
    command.add_argument("--reference", required=True, help="of the payment: it makes the grant repeatable")
    command.set_defaults(run=_grant)
    return parser


def _images(text: str) -> int:
    images = int(text)
    if not 1 <= images <= MAX_PACK_IMAGES:
        raise argparse.ArgumentTypeError(f"takes a number from 1 to {MAX_PACK_IMAGES}")
    return images


def _create_account(services: Services, options: argparse.Namespace) -> Answer:
    return _described(services, admin.create_account(services, options.name, admin.find_plan(services, options.plan)))


def _list_accounts(services: Services, options: argparse.Namespace) -> Answer:
    del options
    by_age = sorted(services.accounts.list_all(), key=lambda account: account.created_ms)
    return {"accounts": [_described(services, account) for account in by_age]}


def _show(services: Services, options: argparse.Namespace) -> Answer:
    account = admin.find_account(services, options.account)
    packs = [
        {"pack": pack.id, "images": pack.size, "remaining": pack.remaining(account.credits_drawn)}
        for pack in account.packs
    ]
    return _described(services, account) | {"keys": _keys(account), "packs": packs}


def _suspend(services: Services, options: argparse.Namespace) -> Answer:
    return _described(services, admin.set_status(services, options.account, Status.SUSPENDED))


def _resume(services: Services, options: argparse.Namespace) -> Answer:
    return _described(services, admin.set_status(services, options.account, Status.ACTIVE))


def _set_plan(services: Services, options: argparse.Namespace) -> Answer:
    return _described(services, admin.set_plan(services, options.account, admin.find_plan(services, options.plan)))


def _create_key(services: Services, options: argparse.Namespace) -> Answer:
    environment = Environment.TEST if options.test else Environment.LIVE
    key = admin.create_key(services, options.account, options.name, environment)
    return {"key": key.text, "id": key.id}


def _list_keys(services: Services, options: argparse.Namespace) -> Answer:
    return {"keys": _keys(admin.find_account(services, options.account))}


def _disable_key(services: Services, options: argparse.Namespace) -> Answer:
    admin.set_key_enabled(services, options.key[-1], False)
    return {"id": options.key[-1], "enabled": False}


def _enable_key(services: Services, options: argparse.Namespace) -> Answer:
    admin.set_key_enabled(services, options.key[-1], True)
    return {"id": options.key[-1], "enabled": True}


def _grant(services: Services, options: argparse.Namespace) -> Answer:
    account = admin.grant_pack(services, options.account, options.images, options.reference)
    pack = next(pack for pack in account.packs if pack.id == options.reference)
    return {"pack": pack.id, "images": pack.size, "remaining": pack.remaining(account.credits_drawn)} | _described(
        services, account
    )


def _described(services: Services, account: Account) -> Answer:
    month = max(account.month, month_of(services.now_ms()))
    return {
        "account": account.id,
        "name": account.name,
        "plan": account.plan,
        "status": str(account.status),
        "created": _moment(account.created_ms),
        "images_this_month": account.images.get(month, 0),
        "free_remaining": max(0, account.free_limit - account.free_used.get(month, 0)),
        "credits_remaining": account.credits_bought - account.credits_drawn,
    }


def _keys(account: Account) -> list[Answer]:
    return [
        {
            "id": key_id,
            "name": key.name,
            "environment": str(key.environment),
            "enabled": key.enabled,
            "created": _moment(key.created_ms),
        }
        for key_id, key in account.keys.items()
    ]


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _as_text(answer: Answer) -> str:
    """Return an answer for people: fields one below the other, lists as tables."""
    parts = []
    fields = {name: value for name, value in answer.items() if not isinstance(value, list)}
    if fields:
        width = max(map(len, fields))
        parts.append("\n".join(f"{name:<{width}}  {value}" for name, value in fields.items()))
    parts += [_table(name, rows) for name, rows in answer.items() if isinstance(rows, list)]
    return "\n\n".join(parts)


def _table(name: str, rows: list[Answer]) -> str:
    if not rows:
        return f"no {name}"
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) for line in cells)
