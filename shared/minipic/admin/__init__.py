"""``minipic-admin``: the operator's command line, on either store, also while the service runs."""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence

from minipic.admin import accounts, keys, ledger, packs
from minipic.admin.shown import Negative, as_text
from minipic.domain.credits import CreditsRefused
from minipic.domain.gaps import Irreparable
from minipic.errors import MiniPicError
from minipic.settings import SettingError, read_settings
from minipic.stores import TooManyKeys
from minipic.wiring import build_services


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run one command; 0 when it was done, 1 when it could not be or the answer is no, 2 when it was not understood."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    options = _parser().parse_args([word for word in words if word != "--json"])
    options.as_json = as_json
    variables = dict(os.environ if environ is None else environ)
    if options.store:
        variables["MINIPIC_STORE"] = options.store
    try:
        services = build_services(read_settings(variables))
        answer = options.run(services, options)
    except BrokenPipeError:  # whoever reads the output has enough, as in `… | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (SettingError, LookupError, TooManyKeys, CreditsRefused, Irreparable, MiniPicError, OSError) as error:
        message = str(error.args[0]) if error.args else type(error).__name__
        message = str(error) if isinstance(error, OSError) else message
        print(json.dumps({"error": message}) if as_json else f"minipic-admin: {message}", file=sys.stderr)
        return 1
    if answer is None:  # the command has written what there is, line by line
        return 0
    fields = answer.fields if isinstance(answer, Negative) else answer
    print(json.dumps(fields, indent=2) if as_json else as_text(fields))
    return 1 if isinstance(answer, Negative) else 0


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
