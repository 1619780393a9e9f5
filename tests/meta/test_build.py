import ast
import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools.check_build import BuiltFunction, elf_machine, files_in, problems_in, read_build

from tests.aws_stack import PROJECT_FOLDER
from tests.meta.deployment import DEFAULT

BUILD_FOLDER = PROJECT_FOLDER / ".aws-sam" / "build"
LIMIT_BYTES = 250 * 1024 * 1024
RUNTIME_BYTES, CODECS_BYTES, CODE_BYTES = (megabytes * 1024 * 1024 for megabytes in (30, 100, 2))
# No function loads these.
ONLY_ON_ONE_MACHINE = ("local.py", "admin.py", "openapi.py", "demo.py", "protocol.py", "prometheus.py")
Build = tuple[list[BuiltFunction], dict[str, Path]]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def build() -> Build:
    """Build once, whoever of several workers comes first."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    with (PROJECT_FOLDER / ".venv" / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "build"], cwd=PROJECT_FOLDER, env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return read_build(BUILD_FOLDER)


def test_all_machine_code_is_for_arm64(build: Build) -> None:
    """Nothing that was built is for another machine, left over from a run, or empty; the codecs are there."""
    functions, layers = build
    folders = [*layers.values(), *(function.folder for function in functions)]
    assert [problem for folder in folders for problem in problems_in(folder)] == []
    assert sum(elf_machine(path) is not None for path in files_in(layers["CodecsLayer"])) > 20


def test_each_function_fits_lambda(build: Build) -> None:
    """Every function with its layers is below Lambda's limit, and no layer has grown unnoticed."""
    functions, layers = build
    assert {function.name for function in functions} == set(DEFAULT.functions)
    assert all(function.size_bytes < LIMIT_BYTES for function in functions)
    sizes = {name: sum(path.stat().st_size for path in files_in(folder)) for name, folder in layers.items()}
    assert sizes["RuntimeLayer"] < RUNTIME_BYTES
    assert sizes["CodecsLayer"] < CODECS_BYTES
    assert sizes["CodeLayer"] < CODE_BYTES


def test_each_handler_is_there(build: Build) -> None:
    """The module and the name that Lambda calls are in each function's folder."""
    functions, _ = build
    for function in functions:
        module, name = function.handler.split(".")
        assert re.search(rf"^(def )?{name}\b", (function.folder / f"{module}.py").read_text(), re.MULTILINE)


def test_the_layers_hold_what_the_code_imports(build: Build) -> None:
    """The code layer is the whole package, the engine travels with its codecs, certificates stay with the clients."""
    _, layers = build
    source = PROJECT_FOLDER / "shared" / "minipic"
    packaged = layers["CodeLayer"] / "python" / "minipic"
    wanted = {path.relative_to(source) for path in source.rglob("*.py")}
    assert {path.relative_to(packaged) for path in packaged.rglob("*.py")} == wanted
    codecs = layers["CodecsLayer"] / "python"
    for name in ("minipic_engine", "PIL", "pyvips", "oxipng", "mozjpeg_lossless_optimization", "ajpegli", "numpy"):
        assert (codecs / name / "__init__.py").is_file()
    runtime = layers["RuntimeLayer"] / "python"
    for name in ("fastapi", "mangum", "aws_lambda_powertools", "boto3", "botocore", "pynamodb", "AntiSSRF"):
        assert (runtime / name / "__init__.py").is_file()
    assert (runtime / "botocore" / "cacert.pem").is_file()
    assert not {path.name for path in runtime.iterdir()} & {path.name for path in codecs.iterdir()} - {
        "typing_extensions"
    }


def test_every_import_is_in_a_layer(build: Build) -> None:
    """Whatever the service and its functions import beyond Python itself travels with them."""
    _, layers = build
    packed = {path.name.partition(".")[0] for folder in layers.values() for path in (folder / "python").iterdir()}
    sources = [*(PROJECT_FOLDER / "shared" / "minipic").rglob("*.py"), *(PROJECT_FOLDER / "functions").rglob("*.py")]
    for path in sources:
        if path.name not in ONLY_ON_ONE_MACHINE:
            wanted = {name for name in _imports(path) if not name.startswith("mypy_boto3")}
            assert wanted <= packed | sys.stdlib_module_names, path


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("layer", ["runtime", "codecs"])
def test_what_is_tested_is_what_is_deployed(layer: str) -> None:
    """Each package of a layer has the version that runs here, and every one is pinned by hash."""
    here = _pins(PROJECT_FOLDER / "requirements" / "run.txt")
    lock = PROJECT_FOLDER / "layers" / layer / "requirements.txt"
    for name, versions in _pins(lock).items():
        assert versions <= here[name], name
    assert lock.read_text().count("--hash=sha256:") >= len(_pins(lock))


def _pins(path: Path) -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9-]+)==([^ ;]+)", path.read_text(), re.MULTILINE):
        pins.setdefault(name, set()).add(version)
    return pins


@pytest.mark.parametrize(("layer", "target"), [("runtime", "build-RuntimeLayer"), ("codecs", "build-CodecsLayer")])
def test_a_layer_without_its_lock_is_not_built(layer: str, target: str, tmp_path: Path) -> None:
    """A missing requirements.txt fails the build and says what to do, instead of making an empty layer."""
    shutil.copy(PROJECT_FOLDER / "layers" / layer / "Makefile", tmp_path)
    command = ["make", "-C", str(tmp_path), target, f"ARTIFACTS_DIR={tmp_path / 'out'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "make lock-layers" in done.stdout
