"""Check what `sam build` made: machine code for arm64 only, Lambda's size limit, no leftovers. Prints a table of sizes.

python tools/check_build.py .aws-sam/build
"""

import io
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LIMIT_BYTES = 250 * 1024 * 1024  # Lambda's, for a function with its layers, unpacked
_ELF_MAGIC = b"\x7fELF"
_ELF_MACHINE_AARCH64 = 183
_MB = 1024 * 1024
# Python 3.13's bytecode that is used without a look at its source: 3571, and the flags of PEP 552.
_BYTECODE_HEADER = (3571).to_bytes(2, "little") + b"\r\n" + (1).to_bytes(4, "little")


@dataclass(frozen=True)
class BuiltFunction:
    """A built function: its folder, and those of its layers."""

    name: str
    folder: Path
    handler: str
    layers: tuple[Path, ...]

    @property
    def size_bytes(self) -> int:
        """What Lambda unpacks."""
        return sum(map(folder_size_bytes, (self.folder, *self.layers)))


class _Loader(yaml.SafeLoader):
    """YAML in which a CloudFormation short form, such as ``!Ref Name``, stands for its argument."""


def _argument(loader: _Loader, name: str, node: yaml.Node) -> object:
    del name
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_Loader.add_multi_constructor("!", _argument)


def read_build(folder: Path) -> tuple[list[BuiltFunction], dict[str, Path]]:
    """Return the functions and the layers that the built template names."""
    template: dict[str, Any] = yaml.load((folder / "template.yaml").read_text(), Loader=_Loader)
    resources, defaults = template["Resources"], template["Globals"]["Function"]
    layers = {
        name: folder / resource["Properties"]["ContentUri"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::LayerVersion"
    }
    functions = []
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = {**defaults, **resource["Properties"]}
            used = tuple(layers[_name_of(layer)] for layer in properties["Layers"])
            functions.append(BuiltFunction(name, folder / properties["CodeUri"], properties["Handler"], used))
    return functions, layers


def _name_of(layer: Any) -> str:  # noqa: ANN401 - sam writes a short form out as {"Ref": name}
    name: str = layer["Ref"] if isinstance(layer, dict) else layer
    return name


def files_in(folder: Path) -> list[Path]:
    """Return every file under the folder."""
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def folder_size_bytes(folder: Path) -> int:
    """Return the size of every file under the folder, added up."""
    return sum(path.stat().st_size for path in files_in(folder))


def zipped_size_bytes(folder: Path) -> int:
    """Return the size of the archive that is uploaded for the folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files_in(folder):
            archive.write(path, path.relative_to(folder))
    return buffer.tell()


def elf_machine(path: Path) -> int | None:
    """Return the machine that a file's code is for, or None when it holds no machine code."""
    with path.open("rb") as file:
        header = file.read(20)
    return int.from_bytes(header[18:20], "little") if header.startswith(_ELF_MAGIC) else None


def problems_in(folder: Path) -> list[str]:
    """Return what is wrong in a built function's or layer's folder."""
    files = files_in(folder)
    wrong = [f"{path}: not for arm64" for path in files if elf_machine(path) not in (None, _ELF_MACHINE_AARCH64)]
    wrong += [f"{path}: left over" for path in files if path.suffix == ".pyc" and not _is_for_lambda(path)]
    return wrong if files else [f"{folder}: empty"]


def _is_for_lambda(bytecode: Path) -> bool:
    with bytecode.open("rb") as file:
        return file.read(len(_BYTECODE_HEADER)) == _BYTECODE_HEADER


def main() -> int:
    """Print sizes and problems; return 1 when there is a problem."""
    functions, layers = read_build(Path(sys.argv[1]))
    problems = []
    print(f"{'layer':<16}{'unpacked MB':>12}{'zipped MB':>12}{'machine code':>14}")
    for name, folder in layers.items():
        machine_code = sum(elf_machine(path) is not None for path in files_in(folder))
        sizes = f"{folder_size_bytes(folder) / _MB:>12.1f}{zipped_size_bytes(folder) / _MB:>12.1f}"
        print(f"{name:<16}{sizes}{machine_code:>14}")
        problems += problems_in(folder)
    print(f"{'function':<16}{'unpacked MB':>12}  with its layers, of {LIMIT_BYTES // _MB}")
    for function in functions:
        print(f"{function.name:<16}{function.size_bytes / _MB:>12.1f}")
        problems += problems_in(function.folder)
        if function.size_bytes >= LIMIT_BYTES:
            problems.append(f"{function.name}: above Lambda's limit")
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
