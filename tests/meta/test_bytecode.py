"""Bytecode in the layers: Lambda cannot write any, and starts take about twice as long without it."""

import importlib.util
import marshal
import shutil
import subprocess
import sys
from pathlib import Path
from types import CodeType

from tools.check_build import problems_in

from tests.aws_stack import PROJECT_FOLDER

UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: used without a look at the source, whose time a zip forgets


def build_code_layer(folder: Path, compiler: str) -> subprocess.CompletedProcess[str]:
    """Run the code layer's Makefile on a package of one module, as SAM does, with this Python to compile."""
    (folder / "minipic").mkdir(parents=True)
    (folder / "minipic" / "__init__.py").write_text("ANSWER = 42\n")
    shutil.copy(PROJECT_FOLDER / "shared" / "Makefile", folder)
    command = ["make", "-C", str(folder), "build-CodeLayer", f"ARTIFACTS_DIR={folder / 'out'}"]
    return subprocess.run([*command, f"COMPILE_PYTHON={compiler}"], capture_output=True, text=True, check=True)


def test_what_is_imported_is_compiled(tmp_path: Path) -> None:
    """The bytecode is used whatever time its source bears, and names the place that it has on Lambda."""
    build_code_layer(tmp_path, sys.executable)
    (bytecode,) = (tmp_path / "out").rglob("*.pyc")
    data = bytecode.read_bytes()
    assert data[:4] == importlib.util.MAGIC_NUMBER
    assert data[4:8] == UNCHECKED_HASH
    code = marshal.loads(data[16:])
    assert isinstance(code, CodeType)
    assert code.co_filename == "/opt/python/minipic/__init__.py"


def test_without_lambdas_python_the_layer_has_none(tmp_path: Path) -> None:
    """The build says so, and goes on: a start then compiles what it imports."""
    done = build_code_layer(tmp_path, "no-such-python")
    assert "goes without bytecode" in done.stdout
    assert not list((tmp_path / "out").rglob("*.pyc"))


def test_only_bytecode_for_lambda_passes_the_check(tmp_path: Path) -> None:
    """What another Python compiled, or what has to be compared with its source, is a leftover."""
    magic = (3571).to_bytes(2, "little") + b"\r\n"
    good, other, checked = (tmp_path / f"{name}.cpython-313.pyc" for name in ("good", "other", "checked"))
    good.write_bytes(magic + UNCHECKED_HASH + bytes(8))
    other.write_bytes((3495).to_bytes(2, "little") + b"\r\n" + UNCHECKED_HASH + bytes(8))
    checked.write_bytes(magic + bytes(12))
    assert sorted(problems_in(tmp_path)) == [f"{checked}: left over", f"{other}: left over"]
