"""Images as files: which names are images, where results go, and how they are written."""

from __future__ import annotations

import os
import re
import secrets
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

FORMATS = {
    ".png": "png", ".apng": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".jfif": "jpeg", ".webp": "webp", ".gif": "gif",
    ".avif": "avif", ".tif": "tiff", ".tiff": "tiff", ".heic": "heic", ".heif": "heic", ".bmp": "bmp",
}  # fmt: skip
SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "gif": ".gif", "avif": ".avif", "tiff": ".tiff"}
MADE_OF = {"heic": "jpeg", "bmp": "png"}  # read but never written, and what is mostly made of them
READ_ONLY = {".heic", ".heif", ".bmp"}


def files_in(top: Path, place: Path) -> Iterator[Path]:
    """Yield a folder's images to its depth, sorted; no hidden ones, no links, nothing out of the results' folder."""
    for current, folders, files in os.walk(top):
        here = Path(current)
        folders[:] = sorted(
            name for name in folders
            if not name.startswith(".") and not (here / name).is_symlink()
            and (place == top or (here / name).resolve() != place.resolve())
        )  # fmt: skip
        for name in sorted(files):
            path = here / name
            if not name.startswith(".") and path.suffix.lower() in FORMATS and not path.is_symlink():
                yield path


def folder_beside(folder: Path) -> Path:
    """Return the new folder for what came of one: beside it; within it where that is the working directory."""
    name = f"{folder.resolve().name}-min"
    return Path(name) if folder.name in {"", ".."} else folder.with_name(name)


def min_name(path: Path) -> Path:
    """Return the name beside a file for what came of it."""
    return path.with_name(f"{path.stem}-min{path.suffix}")


def name_from_url(url: str) -> str:
    """Return a file name for what is at the address, of characters that every file system takes."""
    last = urllib.parse.unquote(urllib.parse.urlsplit(url).path).replace("\\", "/").rpartition("/")[2]
    return re.sub(r'[<>:"|?*\x00-\x1f\x7f]', "_", last).strip(" .")[-120:] or "image"


def with_format(path: Path, wanted: str) -> Path:
    """Return the path with the suffix of a format, or as it is where that is true already."""
    own = FORMATS.get(path.suffix.lower(), "")
    made = MADE_OF.get(own, own) if wanted == "keep" else wanted
    if made == own:
        return path
    return path.with_suffix(SUFFIXES[made]) if own else path.with_name(path.name + SUFFIXES[made])


def write(target: Path, data: bytes, *, may_replace: bool, mode_of: str | None) -> None:
    """Write a file whole or not at all, with the mode of another one; FileExistsError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".minipic-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if mode_of is not None:
            temporary.chmod(os.stat(mode_of).st_mode & 0o7777)
        if may_replace:
            os.replace(temporary, target)
        else:
            move_to_free_name(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def move_to_free_name(temporary: Path, target: Path) -> None:
    """Give a file its name if nobody has that; FileExistsError."""
    try:
        os.link(temporary, target)  # one step, which fails where the name is taken
    except OSError as error:  # taken, or a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(17, f"{target} exists already") from error
        os.replace(temporary, target)
