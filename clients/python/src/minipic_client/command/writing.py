"""Files are written whole or not at all: beside their place, flushed to the disk, then moved there in one step."""

from __future__ import annotations

import errno
import filecmp
import itertools
import os
import secrets
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from minipic_client.command.cache import digest_of

PREFIX, SUFFIX = ".minipic-", ".tmp"
LEFT_AFTER_S = 3600
BACKUP_SUFFIX = ".orig"
FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_UMASK = os.umask(0o077)  # it can only be read by setting it, so here, before there are threads
os.umask(_UMASK)


class Changed(Exception):
    """The file is no longer the one that was read."""


def write_file(
    target: Path,
    data: bytes,
    like: os.stat_result | None,
    *,
    overwrite: bool,
    keep_owner: bool = False,
    keep_mtime: bool = False,
    is_original: bool = False,
) -> None:
    """Put the data at ``target`` with the mode and, if asked, the owner and time of ``like``; FileExistsError, OSError.

    ``is_original``: ``like`` is of the target itself; Changed where somebody has changed that since.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary, handle = _new_temporary(target)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if like is not None:
            _take_after(temporary, like, keep_owner, keep_mtime)
        else:
            with suppress(OSError):  # a file system without modes
                os.chmod(temporary, 0o666 & ~_UMASK)
        if is_original and like is not None:
            require_unchanged(target, like)  # writing took a while
        if overwrite:
            os.replace(temporary, target)
        else:
            _move_to_free_name(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
    _flush_folder(target.parent)


def require_unchanged(path: Path, read: os.stat_result) -> None:
    """Raise Changed if the file is another one, or has other content, than when it was read."""
    try:
        now = os.stat(path)
    except OSError as error:
        raise Changed from error
    if (now.st_mtime_ns, now.st_size, now.st_ino) != (read.st_mtime_ns, read.st_size, read.st_ino):
        raise Changed


def require_writable(folder: Path) -> None:
    """Raise OSError if nothing can be written in a folder, or in the one that it would be made in; touches nothing.

    A full disk shows only when it is written to, and so do rights on Windows.
    """
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "The folder cannot be written to")


def digest_of_file(path: Path) -> str:
    """Return the digest of what a file holds, "" where there is none that can be read."""
    try:
        return digest_of(path.read_bytes())
    except OSError:
        return ""


def keep_backup(path: Path) -> None:
    """Keep the file as well under its name with ``.orig``, or ``.orig.1`` and so on where that holds something else."""
    for number in itertools.count():
        backup = path.with_name(path.name + BACKUP_SUFFIX + (f".{number}" if number else ""))
        if _has_content_of(backup, path):
            return
        with suppress(FileExistsError):
            _link_or_copy(path, backup)
            return


def sweep(folder: Path) -> None:
    """Remove what a killed run left in the folder more than an hour ago."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            is_ours = entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX)
            if is_ours and time.time() - entry.stat(follow_symlinks=False).st_mtime > LEFT_AFTER_S:
                os.unlink(entry.path)


def _take_after(path: Path, like: os.stat_result, keep_owner: bool, keep_mtime: bool) -> None:
    if hasattr(os, "chown") and (keep_owner or os.geteuid() == 0):
        for owner in (like.st_uid, -1):  # who is not root may still keep the group
            with suppress(OSError):
                os.chown(path, owner, like.st_gid)
                break
    os.chmod(path, stat.S_IMODE(like.st_mode))
    if keep_mtime:
        os.utime(path, ns=(like.st_atime_ns, like.st_mtime_ns))


def _new_temporary(target: Path) -> tuple[Path, int]:
    """Make a file beside the target; nobody else may read it before it has the mode of its original."""
    temporary = target.with_name(f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}")
    return temporary, os.open(temporary, FLAGS, 0o600)


def _has_content_of(backup: Path, path: Path) -> bool:
    return backup.is_file() and filecmp.cmp(backup, path, shallow=False)


def _link_or_copy(path: Path, backup: Path) -> None:
    try:
        os.link(path, backup)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        temporary, handle = _new_temporary(path)
        os.close(handle)
        try:
            shutil.copy2(path, temporary)
            _move_to_free_name(temporary, backup)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


def _move_to_free_name(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)  # fails where the name is taken, in one step
    except FileExistsError:
        raise
    except OSError as error:  # a file system without hard links
        if os.path.lexists(target):
            raise FileExistsError(target) from error
        os.replace(temporary, target)


def _flush_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
