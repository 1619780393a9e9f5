"""Images as files: which names are images, where results go, and how they are written."""

from __future__ import annotations

import errno
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
_BEGINNINGS = {
    "png": (b"\x89PNG\r\n\x1a\n",), "jpeg": (b"\xff\xd8\xff",), "gif": (b"GIF87a", b"GIF89a"),
    "tiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
}  # fmt: skip
_UMASK = os.umask(0o077)  # it can only be read by setting it, so here, before there are threads
os.umask(_UMASK)
READ_ONLY = {".heic", ".heif", ".bmp"}
NO_FURTHER = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}  # what the next image would meet, too


class Changed(Exception):
    """The original is no longer the file that was read."""


def is_image(data: bytes, format_name: str) -> bool:
    """Tell whether the data begins as a file of this format does."""
    if format_name == "avif":  # a box `ftyp` with the brand, which need not be the major one
        return data[4:8] == b"ftyp" and any(brand in data[8:64] for brand in (b"avif", b"avis"))
    if format_name == "webp":
        return data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return data.startswith(_BEGINNINGS.get(format_name, ()))


def read(path: str) -> tuple[bytes, os.stat_result]:
    """Return a file's bytes, and what tells later whether it is still the same; OSError."""
    with Path(path).open("rb") as file:
        status = os.fstat(file.fileno())
        return file.read(), status


def files_in(top: Path, place: Path) -> Iterator[Path]:
    """Yield a folder's images to its depth, sorted; no hidden ones, no links, nothing out of the results' folder."""
    unread: list[Path] = []
    for current, folders, files in os.walk(top, onerror=lambda error: unread.append(Path(error.filename))):
        here = Path(current)
        folders[:] = sorted(
            name for name in folders
            if not name.startswith(".") and not os.path.islink(here / name)
            and (place == top or (here / name).resolve() != place.resolve())
        )  # fmt: skip
        for name in sorted(files):
            path = here / name
            if not name.startswith(".") and path.suffix.lower() in FORMATS and not os.path.islink(path):
                yield path
    yield from unread  # reading them fails, and the report says so


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


def require_writable(folder: Path) -> None:
    """Raise OSError if nothing can be written in a folder, or in the one that it would be made in; touches nothing."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"{folder} cannot be written to")


def write(
    target: Path,
    data: bytes,
    *,
    may_replace: bool,
    like: os.stat_result | None,
    keep_owner: bool = False,
    is_original: bool = False,
) -> None:
    """Write a file whole or not at all, with the mode and, if asked, the owner of another one; FileExistsError.

    ``is_original``: ``like`` is of the target itself; Changed where somebody has changed that since.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".minipic-{secrets.token_hex(8)}.tmp")
    try:
        # Nobody else may read it before it has the mode of its original.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if keep_owner and like is not None:
            take_owner(temporary, like)
        temporary.chmod(0o666 & ~_UMASK if like is None else like.st_mode & 0o7777)
        if is_original and like is not None:
            require_unchanged(target, like)
        if may_replace:
            os.replace(temporary, target)
        else:
            move_to_free_name(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def take_owner(path: Path, like: os.stat_result) -> None:
    """Give a file the owner and the group of another one, or the group alone, as far as that is allowed."""
    if hasattr(os, "chown"):
        for owner in (like.st_uid, -1):
            with suppress(OSError):
                os.chown(path, owner, like.st_gid)
                return


def require_unchanged(path: Path, before: os.stat_result) -> None:
    """Raise Changed if the file is another one, or has other content, than when it was read."""
    try:
        now = os.stat(path)
    except OSError as error:
        raise Changed from error
    if (now.st_mtime_ns, now.st_size, now.st_ino) != (before.st_mtime_ns, before.st_size, before.st_ino):
        raise Changed


def move_to_free_name(temporary: Path, target: Path) -> None:
    """Give a file its name if nobody has that; FileExistsError."""
    try:
        os.link(temporary, target)  # one step, which fails where the name is taken
    except OSError as error:  # taken, or a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(17, f"{target} exists already") from error
        os.replace(temporary, target)
