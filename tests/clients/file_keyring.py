"""A keyring in a JSON file, named by FILE_KEYRING; loaded by the command in place of the system's."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from keyring import backend, errors  # type: ignore[import-not-found]


class FileKeyring(backend.KeyringBackend):  # type: ignore[misc]
    """What keyring asks of a backend."""

    priority: Any = 1

    def _all(self) -> dict[str, str]:
        path = Path(os.environ["FILE_KEYRING"])
        found: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        return found

    def get_password(self, service: str, username: str) -> str | None:
        return self._all().get(f"{service} {username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        kept = self._all() | {f"{service} {username}": password}
        Path(os.environ["FILE_KEYRING"]).write_text(json.dumps(kept))

    def delete_password(self, service: str, username: str) -> None:
        kept = self._all()
        if kept.pop(f"{service} {username}", None) is None:
            raise errors.PasswordDeleteError
        Path(os.environ["FILE_KEYRING"]).write_text(json.dumps(kept))
