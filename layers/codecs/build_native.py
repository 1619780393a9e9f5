"""Builds the engine's C files into one shared object; needs nothing but Python and a compiler.

python build_native.py OUTPUT [--target arm64 | x86_64] [--compiler "cc"] [--sanitize]

Without ``--target`` it is for this machine. For the others, and where there is no ``cc``, the compiler is the one that
the Python package ziglang brings, which knows every machine: ``--compiler "python -m ziglang cc"``.
"""

import argparse
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).with_name("native")

# Square roots need not set errno and nothing reads the processor's exception flags; all else stays exact C, so that
# a picture is exactly like itself, whichever compiler built this.
_FLAGS = (
    "-std=c11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wconversion", "-Werror",
    "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-fopenmp-simd",
)  # fmt: skip
_SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DMINIPIC_ONE_VERSION", "-g")

# glibc 2.34 is Amazon Linux 2023's, and Neoverse N1 is Graviton 2, the oldest that runs functions.
_CROSS = {
    "arm64": ("-target", "aarch64-linux-gnu.2.34", "-mcpu=neoverse_n1"),
    "x86_64": ("-target", "x86_64-linux-gnu.2.34", "-mcpu=x86_64_v2"),
}
_NATIVE = {"x86_64": ("-march=x86-64-v2",), "AMD64": ("-march=x86-64-v2",)}


def command(output: Path, target: str | None, compiler: str, *, is_sanitized: bool = False) -> list[str]:
    """Return the compiler's command line; a cross-build strips what debuggers want."""
    machine = (*_CROSS[target], "-s") if target else _NATIVE.get(platform.machine(), ())
    if "ziglang" in compiler and not target:
        machine = ()  # it builds for the very processor, if not told another
    sources = sorted(map(str, SOURCES.glob("*.c")))
    extra = _SANITIZED if is_sanitized else ()
    return [*shlex.split(compiler), *_FLAGS, *machine, *extra, "-o", str(output), *sources, "-lm"]


def build(output: Path, target: str | None, compiler: str, *, is_sanitized: bool = False) -> None:
    """Write the shared object, whole or not at all; raises CalledProcessError where the compiler refuses."""
    part = output.with_name(f"{output.name}.{os.getpid()}.part")
    try:
        subprocess.run(command(part, target, compiler, is_sanitized=is_sanitized), check=True)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def main() -> int:
    """Build what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--target", choices=sorted(_CROSS))
    parser.add_argument("--compiler", default=os.environ.get("CC", "cc"))
    parser.add_argument("--sanitize", action="store_true", help="let every fault in memory end the program")
    wanted = parser.parse_args()
    try:
        build(wanted.output, wanted.target, wanted.compiler, is_sanitized=wanted.sanitize)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"The C part of the engine was not built: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
