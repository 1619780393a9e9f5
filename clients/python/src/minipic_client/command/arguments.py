"""The command line's words."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from minipic_client import __version__
from minipic_client.command.order import Order
from minipic_client.command.outcomes import Policy
from minipic_client.command.targets import Place
from minipic_client.options import FORMATS, PRESERVABLE, PRESETS, BadOption, Options, Resize

MAX_JOBS = 20  # what a key may have in progress
T = TypeVar("T")
EPILOG = """\
minipic usage    what was used this month, and what is left
minipic login    keep the service's address and a key in the keyring
minipic logout   remove them

The key comes from MINIPIC_API_KEY or the keyring, the address from MINIPIC_URL or the keyring.

exit codes: 0 done, 1 --check found something, 2 wrong usage, 3 some images failed, 4 key refused,
5 nothing left this month, 6 service not reached, 130 interrupted
"""


def compress_parser() -> argparse.ArgumentParser:
    """Return the parser of everything but the other commands."""
    parser = argparse.ArgumentParser(
        "minipic", description="Make images smaller.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
    )  # fmt: skip
    add = parser.add_argument
    add("paths", nargs="+", metavar="PATH", help='file, folder, pattern ("photos/**/*.png"), http(s) address, or -')
    add("--version", action="version", version=__version__)
    look = parser.add_argument_group("the image")
    add = look.add_argument
    add("--quality", default="smart", metavar="Q", help=f"{', '.join(PRESETS)} or 1 to 100 (default: smart)")
    add("--format", default="keep", metavar="F", help=f"{', '.join(FORMATS)} (default: keep)")
    add(
        "--resize", type=_checked(Resize.parse), metavar="SIZE", help="800x600 (fits inside), 800x, x600, cover:800x600"
    )
    add("--preserve", default="", metavar="NAMES", help=f"metadata to keep: {', '.join(PRESERVABLE)}, by comma")
    add("--background", default="", metavar="COLOUR", help="#RRGGBB, white or black fills what is transparent")
    _add_places(parser)
    run = parser.add_argument_group("the run")
    add = run.add_argument
    add("--skip-if-larger", action=argparse.BooleanOptionalAction, default=True,
        help="keep what would not get smaller in its own format (default: yes)")  # fmt: skip
    add("--min-savings", type=_percent, default=0.0, metavar="PERCENT", help="keep what would save less than this")
    add("--check", type=_percent, metavar="PERCENT",
        help="write nothing; exit 1 if an image could shrink by more (costs an image for each new one)")  # fmt: skip
    add("--dry-run", action="store_true", help="send nothing, write nothing, list what would be sent")
    add("--jobs", type=_jobs, default=4, metavar="N", help=f"images at a time, 1 to {MAX_JOBS} (default: 4)")
    add("--no-cache", action="store_true", help="forget earlier runs")
    add("--json", action="store_true", help="an object for scripts instead of the table")
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    places = parser.add_argument_group("where results go")
    one = places.add_mutually_exclusive_group()
    one.add_argument("--output", metavar="PATH", help="a folder (or a file, for one image); - for standard output")
    one.add_argument("--in-place", action="store_true", help="replace the originals")
    add = places.add_argument
    add("--keep-original", action="store_true", help="with --in-place: keep it too, as NAME.orig in the same format")
    add("--keep-mtime", action="store_true", help="results get the time of their originals")
    add("--overwrite", action="store_true", help="replace files in the output folder")


def read_order(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Order:
    """Return what is to be done; ends the program with exit code 2 where that is contradictory."""
    if "" in given.paths or given.output == "":
        parser.error("a path is empty: is a variable not set?")
    try:
        options = Options(
            given.quality, given.format.lower().replace("jpg", "jpeg"), given.resize,
            tuple(name for name in given.preserve.split(",") if name), given.background,
        )  # fmt: skip
    except BadOption as error:
        parser.error(str(error))
    policy = Policy(given.skip_if_larger, given.min_savings, given.check)
    place = _read_place(parser, given)
    if given.keep_original and not given.in_place:
        parser.error("--keep-original belongs to --in-place")
    return Order(
        options, place, policy, given.overwrite, given.keep_original, given.keep_mtime, given.dry_run
    )  # fmt: skip


def _read_place(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Place:
    paths: Sequence[str] = given.paths
    elsewhere = [path for path in paths if path == "-" or path.lower().startswith(("http://", "https://"))]
    if given.in_place:
        if elsewhere:
            parser.error(f"{elsewhere[0]} cannot be replaced in place: use --output")
        return Place(in_place=True)
    single = len(paths) == 1 and not os.path.isdir(paths[0]) and (bool(elsewhere) or os.path.lexists(paths[0]))
    if given.output is None and list(paths) == ["-"]:
        return Place()
    if given.output is None and (given.check is not None or given.dry_run):
        return Place(in_place=True)
    if given.output is None:
        parser.error("say where results go: --output PATH or --in-place")
    if given.output == "-":
        if not single:
            parser.error("only one image can go to standard output")
        return Place()
    is_folder = os.path.isdir(given.output) or given.output.endswith(("/", os.sep)) or not single
    return Place(folder=Path(given.output)) if is_folder else Place(file=Path(given.output))


def _checked(read: Callable[[str], T]) -> Callable[[str], T]:
    def checked(text: str) -> T:
        try:
            return read(text)
        except BadOption as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return checked


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError("a percentage is from 0 to 100")
    return percent


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MAX_JOBS} is needed")
    return int(text)
