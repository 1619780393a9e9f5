"""What is known of images from earlier runs, by their content: no file is sent twice for nothing.

A line says what came of a content under certain options: the content and size of the result. Another table says,
for a day, which upload holds a large content: sent again, that is the same request. The file is SQLite, may be used by
several runs at once, and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minipic_client.options import Options

KEPT_S = 180 * 24 * 3600
UPLOADS_KEPT_S = 24 * 3600
_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS results (
  content TEXT NOT NULL, options TEXT NOT NULL, result TEXT NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL,
  PRIMARY KEY (content, options)
) WITHOUT ROWID
""",
    """
CREATE TABLE IF NOT EXISTS uploads (
  content TEXT PRIMARY KEY, upload TEXT NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID
""",
)


@dataclass(frozen=True)
class Known:
    """What became of a content: the result's digest and size in bytes."""

    digest: str
    size_bytes: int


def digest_of(data: bytes) -> str:
    """Return what names a content in the cache."""
    return hashlib.sha256(data).hexdigest()


def cache_path() -> Path | None:
    """Return where this system keeps what may be lost, None where a user has no such place."""
    home = Path(os.path.expanduser("~"))  # stays "~" for a user without a home
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        told = Path(os.environ.get("XDG_CACHE_HOME", ""))
        base = told if told.is_absolute() else home / ".cache"  # as the standard has it for what is relative
    return base / "minipic" / "results.sqlite3" if base.is_absolute() else None


class Cache:
    """The results of earlier runs under the same options; where the file cannot be used, nothing is known."""

    def __init__(self, path: Path | None, options: Options) -> None:
        self._options = json.dumps(options.query(), sort_keys=True)
        self._lock = threading.Lock()
        self._uploads: dict[str, str] = {}  # those of this run, where the file cannot be used
        self._connection = None if path is None else _opened(path)

    def find(self, content: str) -> Known | None:
        """Return what became of a content, None if that is not known."""
        rows = self._run("SELECT result, size FROM results WHERE content = ? AND options = ?", content, self._options)
        return Known(str(rows[0][0]), int(rows[0][1])) if rows else None

    def remember(self, content: str, result: str, size_bytes: int) -> None:
        """Note what became of a content."""
        line = (content, self._options, result, size_bytes, int(time.time()))
        self._run("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", *line)

    def get(self, content: str) -> str | None:
        """Return the upload that holds a content, None if that is not known."""
        rows = self._run("SELECT upload FROM uploads WHERE content = ?", content)
        return str(rows[0][0]) if rows else self._uploads.get(content)

    def __setitem__(self, content: str, upload: str) -> None:
        """Note which upload holds a content."""
        self._uploads[content] = upload
        self._run("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?)", content, upload, int(time.time()))

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()

    def _run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        with self._lock, suppress(sqlite3.Error), self._connection:
            return self._connection.execute(statement, values).fetchall()
        return []


def _opened(path: Path) -> sqlite3.Connection | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _prepared(path)
        except sqlite3.OperationalError:  # no right to write there, a full disk
            return None
        except sqlite3.DatabaseError:  # it is no such file any more: begin anew
            path.unlink()
            return _prepared(path)
    except (OSError, sqlite3.Error):
        return None


def _prepared(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5, check_same_thread=False)
    with connection:
        for statement in _SCHEMA:
            connection.execute(statement)
        now_s = int(time.time())
        connection.execute("DELETE FROM results WHERE used < ?", (now_s - KEPT_S,))
        connection.execute("DELETE FROM uploads WHERE used < ?", (now_s - UPLOADS_KEPT_S,))
    return connection
