"""What is written about the command and the skill, against what they are."""

import re
from pathlib import Path

import pytest

from minipic.settings import PROJECT_FOLDER
from minipic_client.command.arguments import compress_parser
from minipic_client.command.outcomes import Exit, Status
from tests.clients.command import VENV_FOLDER, Command
from tests.pictures import photo_jpeg

DOCS = PROJECT_FOLDER / "docs"
COMMAND_LINE = (DOCS / "command-line.md").read_text()
README = PROJECT_FOLDER / "clients" / "python" / "README.md"


def test_every_option_is_described() -> None:
    """docs/command-line.md names every option, and no other."""
    options = {option for action in compress_parser()._actions for option in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", COMMAND_LINE))
    assert named - {"--url"} == {option for option in options if option.startswith("--")}


def test_every_exit_code_and_status_is_described() -> None:
    """docs/command-line.md lists the exit codes and the words for what came of an image."""
    section = COMMAND_LINE.partition("## Exit codes")[2].partition("## ")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)] == [code.value for code in Exit]
    words = COMMAND_LINE.partition("`status` is")[2]
    assert all(f"`{status.value}`" in words for status in Status)


@pytest.mark.parametrize("page", [DOCS / "command-line.md", DOCS / "skill.md", README], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every picture and file that a page links to is there."""
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target


def test_the_library_example(minipic: Command) -> None:
    """The Python example of the client's README works as it stands, but for the address and the key."""
    minipic.write("photo.jpg", photo_jpeg(96, 64))
    (code,) = re.findall(r"```python\n(.+?)```", README.read_text(), re.DOTALL)
    real = code.replace("mp_live_…", minipic.variables["MINIPIC_API_KEY"])
    real = real.replace("https://img.example.com", minipic.variables["MINIPIC_URL"])
    done = minipic.run("-c", real, program=[str(VENV_FOLDER / "python")])
    assert done.code == 0, done.text
    assert "images left" in done.text
    assert (minipic.folder / "photo.webp").exists()
