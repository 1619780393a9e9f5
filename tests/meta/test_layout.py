"""The house's own rules: sizes of functions and modules, and what no committed file may hold."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from minipic.settings import PROJECT_FOLDER

MAX_FUNCTION_LINES = 70
MAX_MODULE_LINES = 250
MAX_APP_LINES = 70


def committed(*patterns: str) -> list[Path]:
    """Return the files that git tracks or would track, by pattern."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=PROJECT_FOLDER, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [PROJECT_FOLDER / name for name in listed.stdout.splitlines() if (PROJECT_FOLDER / name).is_file()]


def functions_of(module: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a module, nested ones too."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_functions_fit_a_screen() -> None:
    """No function is longer than 70 lines."""
    long = [
        f"{module.name}:{function.name}"
        for module in committed("*.py")
        for function in functions_of(module)
        if (function.end_lineno or 0) - function.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert not long


def test_modules_are_about_one_thing() -> None:
    """No module of the product is longer than 250 lines, no function's app.py longer than 70."""
    product = [module for module in committed("*.py") if "tests" not in module.relative_to(PROJECT_FOLDER).parts]
    lines = {module: len(module.read_text().splitlines()) for module in product}
    assert not [module for module, count in lines.items() if count > MAX_MODULE_LINES]
    apps = [module for module in product if module.name == "app.py" and "functions" in module.parts]
    assert apps
    assert not [module for module in apps if lines[module] > MAX_APP_LINES]


@pytest.mark.parametrize("folder", [PROJECT_FOLDER, Path.home()])
def test_nothing_of_one_machine(folder: Path) -> None:
    """No committed file holds a path of the machine that it is on."""
    path = f"{folder}/".encode()
    assert not [file for file in committed() if path in file.read_bytes()]


def test_locks_hold_no_address() -> None:
    """Lock files pin by hash, and name no place that anything comes from: each machine has its own."""
    locks = committed("requirements/*.txt", "layers/*/requirements.txt")
    assert len(locks) >= 9
    assert not [lock for lock in locks if "://" in lock.read_text()]
    packages = committed("*/package-lock.json")  # the addresses in these are of those who take donations
    assert not [lock for lock in packages if '"resolved"' in lock.read_text()]
