"""What is to be worked on: files, folders, patterns, addresses and standard input become a list of items."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from minipic_client.command.names import name_from_url, reason
from minipic_client.formats import FORMAT_OF_SUFFIX

STDIN = "-"


@dataclass(frozen=True)
class Item:
    """One image: a file, or what is at ``url``, or standard input.

    ``name`` is as given or found; ``relative`` is its place beneath an output folder; ``problem`` says why it cannot
    be worked on, "" if it can.
    """

    name: str
    relative: Path
    path: Path | None = None
    url: str = ""
    problem: str = ""

    @property
    def is_stdin(self) -> bool:
        """Whether the image comes from standard input."""
        return self.path is None and not self.url and not self.problem


def gather(arguments: Iterable[str], output: Path | None) -> list[Item]:
    """Return what the arguments stand for, each file once, in their order; folders sorted.

    Folders are searched to their depth for names of images. Hidden files and folders, links and the ``output`` folder
    are left out there; whatever is named itself is taken.
    """
    items: list[Item] = []
    seen: set[str] = set()
    skipped = os.path.realpath(output) if output else ""
    for argument in arguments:
        for item in _of_argument(argument, skipped):
            identity = os.path.realpath(item.path) if item.path else item.url or item.name
            if identity not in seen:
                seen.add(identity)
                items.append(item)
    return items


def _of_argument(argument: str, skipped: str) -> Iterator[Item]:
    path = Path(argument)
    if argument == STDIN:
        yield Item("standard input", Path("image"))
    elif argument.lower().startswith(("http://", "https://")):
        try:
            yield Item(argument, Path(name_from_url(argument)), url=argument)
        except ValueError:
            yield Item(argument, Path("none"), problem="this is no address")
    elif os.path.isdir(path):
        yield from _in_folder(path, path, skipped)
    elif os.path.lexists(path):
        yield _file(path, Path(path.name))
    elif glob.has_magic(argument):
        yield from _matches(argument, skipped)
    else:
        yield Item(argument, Path(path.name), problem="there is no such file")


def _file(path: Path, relative: Path) -> Item:
    try:
        is_file = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        return Item(str(path), relative, problem=reason(error))
    # A link that was named stands for its file: that is what gets written in its place.
    problem = "" if is_file else "this is no file"
    return Item(str(path), relative, path=Path(os.path.realpath(path)) if path.is_symlink() else path, problem=problem)


def _in_folder(folder: Path, top: Path, skipped: str) -> Iterator[Item]:
    problems: list[Item] = []

    def note(error: OSError) -> None:
        problems.append(Item(str(error.filename), Path("unreadable"), problem="this folder cannot be read"))

    for current, folders, files in os.walk(folder, onerror=note):
        here = Path(current)
        folders[:] = sorted(
            name for name in folders
            if not name.startswith(".") and not os.path.islink(here / name) and os.path.realpath(here / name) != skipped
        )  # fmt: skip
        for name in sorted(files):
            path = here / name
            if _is_image_name(name) and not os.path.islink(path):
                yield _file(path, path.relative_to(top))
    yield from problems


def _matches(pattern: str, skipped: str) -> Iterator[Item]:
    found = [path for path in map(Path, sorted(glob.glob(pattern, recursive=True))) if os.path.isfile(path)]
    top = _fixed_part(pattern)
    is_beneath = _is_in(skipped, os.path.realpath(top))  # else the output folder is what was asked for
    images = [
        path for path in found
        if _is_image_name(path.name) and not (is_beneath and _is_in(os.path.realpath(path), skipped))
    ]  # fmt: skip
    if not images:
        yield Item(pattern, Path("none"), problem="no image matches")
    for path in images:
        yield _file(path, path.relative_to(top))


def _is_in(path: str, folder: str) -> bool:
    return folder in map(str, Path(path).parents)


def _fixed_part(pattern: str) -> Path:
    """Return the folders of a pattern before its first wildcard."""
    fixed = Path()
    for part in Path(pattern).parts[:-1]:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed


def _is_image_name(name: str) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in FORMAT_OF_SUFFIX
