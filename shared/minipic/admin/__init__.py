"""``minipic-admin``: the operator's command line, on either store, also while the service runs."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence

from minipic.admin import accounts, keys, ledger, packs
from minipic.admin.shown import Answer, as_text
from minipic.domain.credits import NotEnoughCredits
from minipic.errors import MiniPicError
from minipic.settings import SettingError, read_settings
from minipic.stores import TooManyKeys
from minipic.wiring import build_services


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
        answer: Answer = options.run(services, options)
    except (SettingError, LookupError, TooManyKeys, NotEnoughCredits, MiniPicError) as error:
        message = str(error.args[0]) if error.args else type(error).__name__
        print(json.dumps({"error": message}) if as_json else f"minipic-admin: {message}", file=sys.stderr)
        return 1
    print(json.dumps(answer, indent=2) if as_json else as_text(answer))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="minipic-admin", description=__doc__)
    parser.add_argument("--store", choices=["local", "aws"], help="instead of MINIPIC_STORE (default: local)")
    parser.epilog = "--json, anywhere, prints an object for scripts."
    nouns = parser.add_subparsers(required=True, metavar="accounts|keys|packs|ledger")
    accounts.add_commands(nouns.add_parser("accounts", help="who may use the service"))
    keys.add_commands(nouns.add_parser("keys", help="the keys of an account"))
    packs.add_commands(nouns.add_parser("packs", help="prepaid images"))
    ledger.add_commands(nouns.add_parser("ledger", help="every image and every credit, line by line"))
    return parser
