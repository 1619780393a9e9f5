"""The process: arguments in, an exit code out."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import traceback
from types import FrameType
from typing import NoReturn

from minipic_client.client import Client
from minipic_client.command.account import ACCOUNT_COMMANDS
from minipic_client.command.arguments import compress_parser, read_order
from minipic_client.command.cache import Cache, cache_path
from minipic_client.command.items import gather
from minipic_client.command.names import reason
from minipic_client.command.order import Order
from minipic_client.command.outcomes import Exit, exit_code, exit_for
from minipic_client.command.report import Screen, told, total_line
from minipic_client.command.run import Run
from minipic_client.command.targets import Clash, choose_targets
from minipic_client.errors import BadSetting, MinipicError
from minipic_client.settings import service_key, service_url


class Terminated(BaseException):
    """SIGTERM came."""


def main() -> NoReturn:
    """Run the command and end the process; threads that still wait for the network do not hold it up."""
    signal.signal(signal.SIGTERM, _on_sigterm)
    _print_whatever_comes()
    screen = Screen()
    try:
        code = _dispatch(sys.argv[1:], screen)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except Terminated:
        code = Exit.TERMINATED
    except BrokenPipeError:  # whoever read the output has seen enough
        code = Exit.DONE
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except OSError as error:  # a full disk under standard output
        screen.say(f"minipic: {reason(error)}")
        code = Exit.FAILED
    except MinipicError as error:
        screen.say(f"minipic: {error}")
        code = Exit.USAGE if isinstance(error, BadSetting) else exit_for(error)
    except Exception:
        screen.say_all(traceback.format_exc())
        code = Exit.FAILED
    sys.stderr.flush()
    os._exit(code)


def _print_whatever_comes() -> None:
    """Let no character that the terminal's encoding lacks end the run after the work is done and paid."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _dispatch(words: list[str], screen: Screen) -> Exit:
    command = ACCOUNT_COMMANDS.get(words[0]) if words else None
    return command(words[1:], screen) if command else _compress(words, screen)


def _compress(words: list[str], screen: Screen) -> Exit:
    parser = compress_parser()
    given = parser.parse_args(words)
    order = read_order(parser, given)
    if order.place.is_stdout and order.writes:
        if given.json:
            parser.error("--json and the image cannot both go to standard output")
        if sys.stdout.isatty():
            parser.error("an image is no text for a terminal: add --output FILE, or > FILE")
        screen.use_stderr()
    items = gather(given.paths, order.place.folder)
    try:
        targets = choose_targets(items, order.place, order.options.format)
    except Clash as clash:
        parser.error(screen.clean(f"{clash}; use several runs, or other folders"))
    return _perform(
        Run(items, targets, order), order, screen, given.jobs, as_json=given.json, cached=not given.no_cache
    )


def _perform(run: Run, order: Order, screen: Screen, jobs: int, *, as_json: bool, cached: bool) -> Exit:
    stop = threading.Event()
    cache = Cache(cache_path() if cached else None, order.options)
    client = None
    if not order.dry_run:
        url = service_url()
        screen.secret = service_key(url)
        client = Client(screen.secret, url, stop, cache)
    code = Exit.INTERRUPTED
    try:
        with screen.progress(len(run.outcomes)) as progress:
            run.perform(cache, client, jobs, stop, progress)
        code = exit_code(run.outcomes)
    except Terminated:
        code = Exit.TERMINATED
    except KeyboardInterrupt:
        pass
    try:
        if as_json:
            screen.show_json(told(run.outcomes, code))
        else:
            screen.show(run.outcomes, total_line(run.outcomes, is_check=order.policy.check_percent is not None))
    except BrokenPipeError:  # whoever read the report has seen enough; what came of the run stays what it is
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code


def _on_sigterm(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated
