"""Results as files: ``results/<yyyymmdd>/<id>``, a line of JSON facts followed by the bytes; originals beside them.

One file, written under another name, synced and renamed: after a crash a result is there whole, or not at all.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from minipic.domain.identifiers import storage_day
from minipic.domain.image import ImageFormat
from minipic.stores import ResultFacts, StoredResult

_DAY_FORMAT = "%Y%m%d"


class FileResults:
    """The port ``Results`` on the folders ``results`` and ``originals`` of one folder."""

    def __init__(self, folder: Path) -> None:
        self._results, self._originals = folder / "results", folder / "originals"
        for made in (self._results, self._originals):
            made.mkdir(parents=True, exist_ok=True)

    def _path(self, result_id: str) -> Path:
        return self._results / storage_day(result_id) / result_id

    def _original_path(self, original_id: str) -> Path:
        return self._originals / storage_day(original_id) / original_id

    def put(self, result_id: str, facts: ResultFacts, data: bytes) -> None:
        """Store a result; it is on disk when this returns."""
        _write(self._path(result_id), json.dumps(asdict(facts)).encode() + b"\n", data)

    def put_original(self, original_id: str, data: bytes) -> None:
        """Store an upload; it is on disk when this returns."""
        _write(self._original_path(original_id), data)

    def get_original(self, original_id: str) -> bytes | None:
        """Return an upload, or None."""
        try:
            return self._original_path(original_id).read_bytes()
        except FileNotFoundError:
            return None

    def delete_original(self, original_id: str) -> None:
        """Forget an upload."""
        self._original_path(original_id).unlink(missing_ok=True)

    def get(self, result_id: str, max_bytes: int | None = None) -> StoredResult | None:
        """Return a result, without its bytes if they are more than ``max_bytes``."""
        try:
            with self._path(result_id).open("rb") as file:
                facts = _read_facts(file)
                size_bytes = os.fstat(file.fileno()).st_size - file.tell()
                too_large = max_bytes is not None and size_bytes > max_bytes
                return StoredResult(facts, size_bytes, None if too_large else file.read())
        except FileNotFoundError:
            return None

    def delete(self, result_id: str) -> None:
        """Forget a result."""
        self._path(result_id).unlink(missing_ok=True)

    def presign(self, result_id: str, expires_in_s: int, disposition: str = "") -> str | None:
        """Return None: only this service hands out what lies on its own disk."""
        del result_id, expires_in_s, disposition
        return None

    def presign_original(self, original_id: str, media_type: str, expires_in_s: int, disposition: str) -> str | None:
        """Return None, as ``presign`` does."""
        del original_id, media_type, expires_in_s, disposition
        return None

    def ping(self) -> None:
        """Return when the folders are there and can be written."""
        for folder in (self._results, self._originals):
            if not os.access(folder, os.W_OK):
                raise OSError(f"{folder} cannot be written")

    def sweep(self, now_ms: int, lifetime_s: int) -> int:
        """Delete every day's folder whose last result has expired at ``now_ms``; return how many folders went.

        The lifetime itself is enforced at each download: sweeping only gives the space back.
        """
        removed = 0
        for folder in (*self._results.iterdir(), *self._originals.iterdir()):
            with suppress(ValueError):
                day = datetime.strptime(folder.name, _DAY_FORMAT).replace(tzinfo=UTC)
                end = day + timedelta(days=1, seconds=lifetime_s)
                if end.timestamp() * 1000 <= now_ms:
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
        return removed


def _read_facts(file: BinaryIO) -> ResultFacts:
    fields = json.loads(file.readline())
    return ResultFacts(**{**fields, "format": ImageFormat(fields["format"])})


def _write(path: Path, *parts: bytes) -> None:
    if not path.parent.exists():
        path.parent.mkdir(exist_ok=True)
        _sync_folder(path.parent.parent)
    unfinished = path.with_suffix(".part")
    with unfinished.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
