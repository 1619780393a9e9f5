"""Pack the skill into a zip that holds its folder; the same files always give the same bytes."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

SKILL = Path(__file__).parent / "minipic-compress"


def pack(archive: Path) -> None:
    """Write the archive."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(path for path in SKILL.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
            entry = zipfile.ZipInfo(file.relative_to(SKILL.parent).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if file.parent.name == "scripts" else 0o100644) << 16
            packed.writestr(entry, file.read_bytes())


if __name__ == "__main__":
    pack(Path(sys.argv[1]))
