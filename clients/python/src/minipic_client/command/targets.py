"""Where results go, decided before anything is sent."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minipic_client.command.items import Item
from minipic_client.formats import FORMAT_OF_SUFFIX, format_of, format_of_type, suffix_for


class Clash(Exception):
    """Two images would become one file; the text names them."""


@dataclass(frozen=True)
class Place:
    """Where results go: in place, into ``folder``, into the one ``file``, or to standard output if none of these."""

    in_place: bool = False
    folder: Path | None = None
    file: Path | None = None

    @property
    def is_stdout(self) -> bool:
        """Whether the result goes to standard output."""
        return not (self.in_place or self.folder or self.file)


def choose_targets(items: Sequence[Item], place: Place, wanted: str) -> list[Path | None]:
    """Return where each item's result goes, None for standard output; Clash where two would meet.

    When a new format makes two names equal, those that change keep their old suffix inside: ``hero.png.webp``.
    """
    first = [_target(item, place, wanted) for item in items]
    counts = Counter(folded(target) for target in first if target)
    chosen = [
        _long_name(item, target) if target and counts[folded(target)] > 1 else target
        for item, target in zip(items, first)
    ]
    taken: dict[str, tuple[Item, Path]] = {}
    for item, target in zip(items, chosen):
        if target is None or item.problem:
            continue
        other, its = taken.setdefault(folded(target), (item, target))
        stay = target == item.path and its == other.path  # two files that are there are no one file
        if other is not item and not stay:
            raise Clash(f"{other.name} and {item.name} would both become {target}")
    return chosen


def target_for_type(item: Item, target: Path, wanted: str, media_type: str) -> Path:
    """Return the target with the suffix that the result turned out to need: a HEIC becomes a JPEG or a PNG.

    A file that keeps its format keeps its name, whatever that says.
    """
    made = format_of_type(media_type)
    is_own_name = item.path is not None and target.suffix == item.path.suffix
    return target if not made or (wanted == "keep" and is_own_name) else _with_suffix(target, made)


def free_target(item: Item, number: int, target: Path, claimed: dict[str, int]) -> Path:
    """Claim for the image ``number`` the target that it turned out to need, and return it; Clash.

    ``claimed`` says which image each planned or written file belongs to. Where another image's is in the way, the old
    suffix stays inside.
    """
    if target == item.path:
        return target
    for name in (target, target.with_name(target.stem + item.relative.suffix + target.suffix)):
        if claimed.setdefault(folded(name), number) == number:
            return name
    raise Clash(f"another image becomes {target}")


def plain_target(item: Item, place: Place, wanted: str) -> Path | None:
    """Return where a result would go if no other had the same name, None for standard output."""
    return _target(item, place, wanted)


def own_target(item: Item, place: Place, data: bytes) -> Path | None:
    """Return where an item goes that stays as it is, None for standard output."""
    if item.is_stdin:  # it has no name, but its bytes tell the suffix
        where, made = _where(item, place), format_of(data)
        if where is None or made:
            return where and _with_suffix(where, made)
        # A HEIC or a BMP, which are only read: no suffix rather than a false one.
        return where.with_suffix("") if where.suffix.lower() in FORMAT_OF_SUFFIX else where
    if place.file is None:
        return _where(item, place)
    own, chosen = item.relative.suffix.lower(), place.file.suffix.lower()
    if FORMAT_OF_SUFFIX.get(own) == FORMAT_OF_SUFFIX.get(chosen):
        return place.file
    bare = place.file.with_suffix("") if chosen in FORMAT_OF_SUFFIX else place.file
    return bare.with_name(bare.name + item.relative.suffix)


def _where(item: Item, place: Place) -> Path | None:
    if place.folder:
        return place.folder / item.relative
    return place.file or (item.path if place.in_place else None)


def _target(item: Item, place: Place, wanted: str) -> Path | None:
    where = _where(item, place)
    return None if where is None or item.problem else _with_suffix(where, wanted)


def _with_suffix(path: Path, wanted: str) -> Path:
    suffix = suffix_for(path.suffix, wanted)
    if suffix == path.suffix:
        return path
    is_known = path.suffix.lower() in FORMAT_OF_SUFFIX
    return path.with_suffix(suffix) if is_known else path.with_name(path.name + suffix)


def _long_name(item: Item, target: Path) -> Path:
    own = item.relative.suffix
    return target if target.suffix == own else target.with_name(target.stem + own + target.suffix)


def folded(path: Path) -> str:
    """Return what is equal for names that may be one file."""
    # On many machines A.png and a.png are one file; ways through links and `..` lead to one folder.
    return os.path.join(os.path.realpath(path.parent), path.name).lower()
