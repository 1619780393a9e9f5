"""Leaves of botocore's descriptions of services what its clients read: half of a client's start is reading these.

python trim_botocore.py DATA_FOLDER SERVICE…

Other services go, as do documentation and examples; the rest is unpacked, which takes longer than reading more bytes.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any


def trim(data: Path, services: frozenset[str]) -> None:
    """Rewrite botocore's ``data`` for these services."""
    for folder in [path for path in data.iterdir() if path.is_dir() and path.name not in services]:
        shutil.rmtree(folder)
    for examples in data.rglob("examples-1.json*"):
        examples.unlink()
    for packed in sorted(data.rglob("*.json.gz")):
        _write(packed.with_suffix(""), _undocumented(json.loads(gzip.decompress(packed.read_bytes()))))
        packed.unlink()
    endpoints = json.loads((data / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: told for name, told in partition["services"].items() if name in services}
    _write(data / "endpoints.json", endpoints)


def _undocumented(value: Any) -> Any:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, list):
        return [_undocumented(element) for element in value]
    if not isinstance(value, dict):
        return value
    # The key stays, for some of it is asked for; a member of this name is described by an object, and is kept whole.
    return {
        name: "" if name == "documentation" and isinstance(told, str) else _undocumented(told)
        for name, told in value.items()
    }


def _write(path: Path, value: object) -> None:
    path.unlink(missing_ok=True)  # the installer may have linked it to its cache
    path.write_text(json.dumps(value, separators=(",", ":")))


if __name__ == "__main__":
    trim(Path(sys.argv[1]), frozenset(sys.argv[2:]))
