"""What samconfig.toml says of a deployment."""

import shlex
from collections.abc import Sequence


def overrides(saved: str | Sequence[str]) -> dict[str, str]:
    """Return the values of parameters by name; a list of NAME=VALUE, or the one string that `--guided` saves."""
    entries = shlex.split(saved) if isinstance(saved, str) else saved
    return dict(entry.split("=", 1) for entry in entries)
