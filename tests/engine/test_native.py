"""The engine's C code under the address sanitizer, for arm64, and as the layer gets it."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from minipic_engine import native

ROOT = Path(__file__).parents[2]
ZIG = ROOT / ".venvs" / "zig" / "bin" / "python"
ARM64_LIBRARIES = Path("/usr/aarch64-linux-gnu")
EXERCISE = Path(__file__).with_name("exercise_native.c")

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="no cc here")
needs_zig = pytest.mark.skipif(not ZIG.exists(), reason="ziglang is not installed: make .venvs/zig/ready")
needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-aarch64-static") is None or not ARM64_LIBRARIES.exists(),
    reason="no qemu-user-static and libc6-arm64-cross here",
)


def load_builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_native", ROOT / "layers" / "codecs" / "build_native.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> str:
    program = tmp_path_factory.mktemp("here") / "exercise"
    run("cc", "-O1", EXERCISE, "-o", program)
    return run(program, native.SHARED_OBJECT)


@needs_cc
def test_every_memory_access_is_within_bounds_and_nothing_leaks(scores: str, tmp_path: Path) -> None:
    load_builder().build(tmp_path / "checked.so", None, "cc", is_sanitized=True)
    run("cc", "-g", "-fsanitize=address,undefined", EXERCISE, "-o", tmp_path / "exercise")
    assert run(tmp_path / "exercise", tmp_path / "checked.so") == scores


@needs_cc
@needs_zig
@needs_qemu
@pytest.mark.timeout(300)
def test_the_build_for_arm64_gives_the_same_scores(scores: str, tmp_path: Path) -> None:
    compiler = f"{ZIG} -m ziglang cc"
    load_builder().build(tmp_path / "arm64.so", "arm64", compiler)
    run(*compiler.split(), "-target", "aarch64-linux-gnu.2.34", EXERCISE, "-o", tmp_path / "exercise")
    made = run("qemu-aarch64-static", "-L", ARM64_LIBRARIES, tmp_path / "exercise", tmp_path / "arm64.so")
    assert [line.split()[:3] for line in made.splitlines()] == [line.split()[:3] for line in scores.splitlines()]
    theirs, ours = ([list(map(float, line.split()[3:])) for line in text.splitlines()] for text in (made, scores))
    assert all(one == pytest.approx(other, abs=0.05) for one, other in zip(theirs, ours, strict=True))


@needs_cc
@needs_zig
def test_the_build_for_x86_64_runs_on_any_such_processor(scores: str, tmp_path: Path) -> None:
    load_builder().build(tmp_path / "x86_64.so", "x86_64", f"{ZIG} -m ziglang cc")
    if sys.platform == "linux" and native.SHARED_OBJECT.read_bytes()[18] == 62:  # this machine is one
        run("cc", "-O1", EXERCISE, "-o", tmp_path / "exercise")
        assert run(tmp_path / "exercise", tmp_path / "x86_64.so") == scores


@needs_cc
def test_what_does_not_compile_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builder = load_builder()
    monkeypatch.setattr(builder, "SOURCES", tmp_path)
    (tmp_path / "broken.c").write_text("int main(")
    monkeypatch.setattr(sys, "argv", ["build_native.py", str(tmp_path / "made.so")])
    assert builder.main() == 1
    assert [path.name for path in tmp_path.iterdir()] == ["broken.c"]


def test_a_missing_library_is_said_plainly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    native.library.cache_clear()
    monkeypatch.setattr(native, "SHARED_OBJECT", tmp_path / "_native.so")
    with pytest.raises(RuntimeError, match="make native"):
        native.library()
    native.library.cache_clear()
