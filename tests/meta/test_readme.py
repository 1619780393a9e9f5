"""README.md's tables against the code, and its commands as written."""

import re

from minipic import errors
from minipic.settings import PROJECT_FOLDER

README = (PROJECT_FOLDER / "README.md").read_text()


def rows_under(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its first two lines."""
    section = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_error_table() -> None:
    """README lists every error's status and code, and no other."""
    listed = {(row[0], row[1].strip("`")) for row in rows_under("Errors")}
    assert listed == {(str(kind.status), kind.code) for kind in errors.BY_CODE.values()}


def test_settings_table() -> None:
    """README lists every variable that the settings are read from, and no other."""
    source = (PROJECT_FOLDER / "shared" / "minipic" / "settings.py").read_text()
    read = set(re.findall(r'"(MINIPIC_\w+|PORT|AWS_REGION|AWS_ENDPOINT_URL)"', source))
    listed = {name for row in rows_under("Settings") for name in re.findall(r"`([A-Z_]+)`", row[0])}
    assert listed == read


def test_make_targets_exist() -> None:
    """Every make target that README names is one of the Makefile."""
    files = [PROJECT_FOLDER / "Makefile", *PROJECT_FOLDER.glob("*.mk")]
    makefile = "".join(file.read_text() for file in files)
    for target in set(re.findall(r"(?:`|^)make ([a-z0-9-]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
