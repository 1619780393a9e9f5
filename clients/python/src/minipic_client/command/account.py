"""`minipic usage`, `login` and `logout`."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from typing import Any

from minipic_client.client import Client, Usage
from minipic_client.command.outcomes import Exit
from minipic_client.command.report import Screen, size_text
from minipic_client.settings import (
    DEFAULT_URL,
    KEY_VARIABLE,
    URL_VARIABLE,
    checked_key,
    checked_url,
    forget_login,
    keep_login,
    service_key,
    service_url,
)


def usage(words: list[str], screen: Screen) -> Exit:
    """Show what was used this month and what is left; costs nothing."""
    parser = argparse.ArgumentParser("minipic usage", description="What was used this month, and what is left.")
    parser.add_argument("--json", action="store_true", help="the service's answer as it is")
    given = parser.parse_args(words)
    url = service_url()
    screen.secret = service_key(url)
    with Client(screen.secret, url) as client:
        answer = client.usage()
    if given.json:
        told: dict[str, Any] = {**answer}
        screen.show_json(told)
    else:
        screen.show_pairs(_pairs(url, answer))
    return Exit.DONE


def login(words: list[str], screen: Screen) -> Exit:
    """Ask for a key, try it, and keep it in the keyring with the address."""
    about = "Keep the service's address and a key in the keyring. The key is asked for, or read from standard input."
    parser = argparse.ArgumentParser("minipic login", description=about)
    parser.add_argument("--url", help=f"the service's address; else that of before, else {DEFAULT_URL}")
    given = parser.parse_args(words)
    url = checked_url(given.url) if given.url else service_url()
    screen.secret = checked_key(getpass.getpass(f"Key for {url}: ") if sys.stdin.isatty() else sys.stdin.readline())
    with Client(screen.secret, url) as client:
        left = client.usage()
    keep_login(url, screen.secret)
    screen.say(f"The key for {url} is good, and kept. Images left this month: {_left(left)}.")
    stronger = [name for name in (KEY_VARIABLE, URL_VARIABLE) if os.environ.get(name)]
    if stronger:
        screen.say(f"But {' and '.join(stronger)} in the environment comes first.")
    return Exit.DONE


def logout(words: list[str], screen: Screen) -> Exit:
    """Remove the address and the key from the keyring."""
    argparse.ArgumentParser("minipic logout", description="Remove address and key from the keyring.").parse_args(words)
    url = service_url()
    screen.say(
        f"The key for {url} was removed." if forget_login(url) else f"There was no key for {url} in the keyring."
    )
    return Exit.DONE


def _pairs(url: str, answer: Usage) -> list[tuple[str, str]]:
    free = answer["free"]
    return [
        ("Service", url),
        ("Month", answer["month"]),
        ("Plan", answer["plan"]),
        ("Images this month", str(answer["count"])),
        ("Free", f"{free['used']} of {free['limit']} used, {free['remaining']} left"),
        ("Credits", str(answer["credits"]["remaining"])),
        ("In and out", f"{size_text(answer['bytes_in'])} → {size_text(answer['bytes_out'])}"),
        ("Largest file", size_text(answer["limits"]["max_bytes"])),
    ]


def _left(answer: Usage) -> int:
    return answer["free"]["remaining"] + answer["credits"]["remaining"]


ACCOUNT_COMMANDS = {"usage": usage, "login": login, "logout": logout}
