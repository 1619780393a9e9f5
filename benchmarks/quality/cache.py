"""What was measured before, by what it depends on; and the files that were made, by their hash."""

import hashlib
import json
import os
import sqlite3
from pathlib import Path
from typing import Any, Self

from benchmarks.quality.corpus import ROOT

FOLDER = ROOT / ".cache" / "quality"
Record = dict[str, Any]


class Cache:
    """Records by key, and files by their SHA-256, kept between runs."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.files = folder / "files"
        self.files.mkdir(parents=True, exist_ok=True)
        self._table = sqlite3.connect(folder / "records.sqlite", timeout=60, isolation_level=None)
        self._table.execute("CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, record TEXT NOT NULL)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the table."""
        self._table.close()

    def read(self, *key: object) -> Record | None:
        """Return what was recorded under ``key``, if anything."""
        row = self._table.execute("SELECT record FROM records WHERE key = ?", [_text(key)]).fetchone()
        return None if row is None else json.loads(row[0])

    def write(self, record: Record, *key: object) -> Record:
        """Record and return ``record``."""
        self._table.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", [_text(key), json.dumps(record)])
        return record

    def keep(self, data: bytes) -> str:
        """Keep a file and return its hash."""
        name = hashlib.sha256(data).hexdigest()
        path = self.files / name
        if not path.is_file():
            unfinished = self.unfinished(name)
            unfinished.write_bytes(data)
            unfinished.rename(path)
        return name

    def unfinished(self, name: str) -> Path:
        """Return a path for a file that is being written, which no other process uses."""
        return self.files / f"{name}.{os.getpid()}.part"

    def file(self, name: str) -> bytes:
        """Return the file of that hash."""
        return (self.files / name).read_bytes()


def _text(key: tuple[object, ...]) -> str:
    return json.dumps(key, default=str)
