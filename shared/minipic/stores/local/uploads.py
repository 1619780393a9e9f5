"""Uploads as files: an offer is a small file that says what may come, the file itself lies beside it.

The form posts to a route of this service; it grants what a presigned POST of S3 does: this id, up to this size, for
this long. The id is the capability, as the signature is there.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from minipic.domain.identifiers import is_result_id
from minipic.stores import UploadForm

PATH = "/v1/uploads"


@dataclass(frozen=True, slots=True)
class Expected:
    """What was offered."""

    account_id: str
    max_bytes: int
    expires_ms: int


class FileUploads:
    """The port ``Uploads`` on one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def offer(self, upload_id: str, account_id: str, size_bytes: int, expires_in_s: int, base_url: str) -> UploadForm:
        """Return a form that posts to this service."""
        expires_ms = time.time_ns() // 1_000_000 + expires_in_s * 1000
        expected = Expected(account_id, size_bytes, expires_ms)
        self._write(self._folder / f"{upload_id}.json", json.dumps(asdict(expected)).encode())
        return UploadForm(f"{base_url}{PATH}/{upload_id}", {"key": upload_id})

    def expected(self, upload_id: str, now_ms: int) -> Expected | None:
        """Return what may be posted under this id now, or None."""
        found = self._read_offer(upload_id)
        return found if found is not None and now_ms < found.expires_ms else None

    def receive(self, upload_id: str, data: bytes) -> None:
        """Store what was posted; the caller has checked it against ``expected``."""
        self._write(self._folder / upload_id, data)

    def take(self, upload_id: str, account_id: str, max_bytes: int) -> bytes | None:
        """Return what the account uploaded under this id, or None."""
        offered = self._read_offer(upload_id)
        if offered is None or offered.account_id != account_id:
            return None
        try:
            path = self._folder / upload_id
            return path.read_bytes() if path.stat().st_size <= max_bytes else None
        except FileNotFoundError:
            return None

    def sweep(self, now_ms: int, lifetime_s: int) -> int:
        """Delete what was offered longer ago than its form and ``lifetime_s``; return how many files went."""
        removed = 0
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime * 1000 + lifetime_s * 1000 <= now_ms:
                    path.unlink()
                    removed += 1
        return removed

    def _read_offer(self, upload_id: str) -> Expected | None:
        if not is_result_id(upload_id):
            return None
        try:
            return Expected(**json.loads((self._folder / f"{upload_id}.json").read_bytes()))
        except FileNotFoundError:
            return None

    def _write(self, path: Path, data: bytes) -> None:
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
