#!/usr/bin/env python3
"""Compress or convert images with the MiniPic API, and report what was saved.

Reads the key from MINIPIC_API_KEY and the service's address from MINIPIC_URL. Overwrites nothing unless told to.
Exit codes: 0 done, 1 some images failed, 2 wrong usage or no key.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from image_files import (
    FORMATS,
    MADE_OF,
    NO_FURTHER,
    READ_ONLY,
    SUFFIXES,
    Changed,
    files_in,
    folder_beside,
    min_name,
    name_from_url,
    read,
    require_writable,
    with_format,
    write,
)  # fmt: skip
from minipic_api import ApiError, Result, Service
from report import Row, report, say

DEFAULT_URL = "https://api.minipic.cn"
JOBS = 4


@dataclass(frozen=True)
class Image:
    """What is to be compressed, and where the result goes."""

    source: str
    target: Path
    is_url: bool = False


@dataclass(frozen=True)
class Original:
    """What was read, and its file's state then; no status for an address."""

    data: bytes
    status: os.stat_result | None


def read_arguments() -> argparse.Namespace:
    """Return the command line's options; ends the program with exit code 2 where they are wrong."""
    parser = argparse.ArgumentParser(description="Compress or convert images with the MiniPic API.", allow_abbrev=False)
    parser.add_argument("paths", nargs="+", metavar="PATH", help="file, folder, or http(s) address")
    parser.add_argument("--quality", default="smart", help="smart, high, extreme, lossless or 1 to 100")
    parser.add_argument("--format", default="keep", choices=["keep", *SUFFIXES])
    parser.add_argument("--background", default="", help="#RRGGBB, white or black fills what is transparent")
    parser.add_argument("--output", help="a file for one image, else a folder")
    parser.add_argument("--in-place", action="store_true", help="replace the originals")
    parser.add_argument("--overwrite", action="store_true", help="replace other files that exist")
    parser.add_argument("--list", action="store_true", help="send nothing, list what would be sent")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    given = parser.parse_args()
    if "" in given.paths or given.output == "":
        parser.error("a path is empty: is a variable not set?")
    if given.output and given.format == "keep" and len(given.paths) == 1 and not Path(given.output).is_dir():
        own, asked = (FORMATS.get(Path(path).suffix.lower(), "") for path in (given.paths[0], given.output))
        if own and asked and MADE_OF.get(own, own) != asked:
            parser.error(f"{given.output} is named as another format: add --format {asked}")
    if given.in_place and (given.output or any(map(is_url, given.paths))):
        parser.error("--in-place is for files and folders, without --output")
    if not given.output and any(map(is_url, given.paths)):
        parser.error("an address needs --output")
    return given


def is_url(path: str) -> bool:
    """Tell whether a path is an address."""
    return path.lower().startswith(("http://", "https://"))


def images_of(given: argparse.Namespace) -> Iterator[Image]:
    """Yield every image that the paths stand for, folders searched to their depth, with its place."""
    is_single = len(given.paths) == 1 and not os.path.isdir(given.paths[0])
    folder = None
    if given.output and not (is_single and not Path(given.output).is_dir() and not given.output.endswith("/")):
        folder = Path(given.output)
    for path in given.paths:
        if is_url(path):
            try:
                name = name_from_url(path)
            except ValueError:
                name = "image"  # no address at all: the service says so
            yield Image(path, folder / name if folder else Path(given.output), is_url=True)
        elif os.path.isdir(path):
            top = Path(path)
            place = top if given.in_place else folder or folder_beside(top)
            for found in files_in(top, place):
                yield Image(str(found), place / found.relative_to(top))
        else:
            # A link that was named stands for its file: that is what gets replaced.
            file = Path(os.path.realpath(path)) if given.in_place and os.path.islink(path) else Path(path)
            yield Image(str(file), target_of_file(file, folder, given))


def each_once(images: Iterable[Image]) -> Iterator[Image]:
    """Yield each file once, in whatever ways it is reached."""
    seen: set[str] = set()
    for image in images:
        identity = image.source if image.is_url else os.path.realpath(image.source)
        if identity not in seen:
            seen.add(identity)
            yield image


def with_own_targets(images: Iterable[Image], wanted: str, *, overwrite: bool) -> list[Image]:
    """Return the images with their results' suffixes; where two results' names meet, the old suffix stays inside."""
    placed: list[Image] = []
    taken: set[str] = set()
    for image in sorted(images, key=lambda one: with_format(one.target, wanted) != one.target):  # new names give way
        target = with_format(image.target, wanted)
        if str(target) == image.source:  # it is there: a new name beside it may be its result, made by an earlier run
            placed.append(image)
            if overwrite:  # then nothing else would keep another's result from taking its place
                taken.add(str(target).casefold())
            continue
        while str(target).casefold() in taken:
            own = image.target.suffix or "-2"  # without a suffix the name would stay the same for ever
            target = target.with_name(f"{target.stem}{own}{target.suffix}")
        taken.add(str(target).casefold())
        placed.append(replace(image, target=target))
    return placed


def target_of_file(path: Path, folder: Path | None, given: argparse.Namespace) -> Path:
    """Return where the result of a file that was named itself goes."""
    if given.in_place:
        return path
    if given.output:
        return folder / path.name if folder else Path(given.output)
    return path if given.format not in {"keep", FORMATS.get(path.suffix.lower())} else min_name(path)


def work(image: Image, given: argparse.Namespace, service: Service) -> Row:
    """Compress one image and write the result."""
    target = image.target
    if service.is_over:
        return Row(image.source, note="not tried", failed=True)
    try:
        before, status = (b"", None) if image.is_url else read(image.source)
        if not (given.overwrite or is_original(image, given)) and os.path.lexists(target):
            return Row(image.source, note=f"{target} exists already", failed=True)
        require_writable(target.parent)  # before it is paid for
        query = {"quality": given.quality, "format": given.format, "background": given.background}
        query = {name: value for name, value in query.items() if value not in {"", "smart", "keep"}}
        result = service.compress_url(image.source, query) if image.is_url else service.compress(before, query)
        return put(image, Original(before, status), result, given, service)
    except ApiError as error:
        service.is_over = service.is_over or error.is_final
        return Row(image.source, note=str(error), failed=True)
    except Changed:
        return Row(image.source, note="was changed by somebody else meanwhile", failed=True)
    except OSError as error:
        return Row(image.source, note=(error.strerror or "cannot be read").lower(), failed=True)


def put(image: Image, original: Original, result: Result, given: argparse.Namespace, service: Service) -> Row:
    """Write the result and return the report's row; a disk that takes nothing more ends the run."""
    try:
        return written(image, image.target, original, result, given)
    except OSError as error:
        service.is_over = service.is_over or error.errno in NO_FURTHER
        raise


def is_original(image: Image, given: argparse.Namespace) -> bool:
    """Tell whether the result is to take its original's place."""
    return bool(given.in_place) and str(image.target) == image.source


def written(image: Image, target: Path, original: Original, result: Result, given: argparse.Namespace) -> Row:
    """Write the result, or the original where the result is no gain, and return the report's row."""
    before = original.data
    made = result.media_type.partition("/")[2]
    is_unsure = image.is_url or not target.suffix or Path(image.source).suffix.lower() in READ_ONLY
    if is_unsure and made in SUFFIXES:
        target = with_format(target, made)
    is_gain = image.is_url or target.suffix != Path(image.source).suffix or len(result.data) < len(before)
    data = result.data if is_gain else before
    replaces = given.in_place and str(target) == image.source
    is_same = not image.is_url and os.path.realpath(target) == os.path.realpath(image.source)
    if is_gain or not replaces:
        # `--output photo.png` does not name the photo.jpg that an address turned out to be.
        is_named = bool(given.output) and image.target == Path(given.output)
        renamed = is_named and image.target.suffix and target != image.target
        may_replace = replaces or (given.overwrite and not renamed)
        keep_owner = given.in_place or is_same  # elsewhere a folder may have a group of its own
        write(
            target, data, may_replace=may_replace, like=original.status, keep_owner=keep_owner, is_original=is_same
        )  # fmt: skip
    note = "" if is_gain else "nothing to gain"
    return Row(image.source, str(target), result.input_bytes, len(data), note)


def main() -> int:
    """Do what the command line says; return the exit code."""
    given = read_arguments()
    images = with_own_targets(each_once(images_of(given)), given.format, overwrite=given.overwrite)
    if given.list:
        sent = [image.source for image in images if not os.path.isdir(image.source)]  # not a folder that cannot be read
        say("\n".join([*sent, f"{len(sent)} images would be sent"]))
        return 0
    key = os.environ.get("MINIPIC_API_KEY", "").strip()
    if not key:
        print("MINIPIC_API_KEY is not set: put an API key there.", file=sys.stderr)
        return 2
    try:
        service = Service(os.environ.get("MINIPIC_URL") or DEFAULT_URL, key)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    with ThreadPoolExecutor(JOBS) as pool:
        try:
            rows = list(pool.map(lambda image: work(image, given, service), images))
        except KeyboardInterrupt:
            service.is_over = True  # what waits is not begun any more
            raise
    report(rows, key, as_json=given.json)
    return 1 if any(row.failed for row in rows) or not rows else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
