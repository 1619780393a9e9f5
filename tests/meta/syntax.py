"""Python modules as syntax trees, and what a name in one of them means. Nothing is imported or run."""

import ast
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, eq=False)
class Module:
    """A module; ``names`` has what its top level defines: functions, classes, assigned expressions, imports."""

    name: str
    tree: ast.Module
    names: dict[str, "Meaning"] = field(default_factory=dict)


@dataclass(frozen=True)
class Defined:
    """A function, a class or an expression, and the module whose names it uses."""

    module: Module
    node: Function | ast.ClassDef | ast.expr


@dataclass(frozen=True)
class Imported:
    """``name`` of a module, or the module itself when ``name`` is empty."""

    module: str
    name: str = ""


Meaning = Defined | Imported


class Program:
    """The modules below some folders, each folder under the dotted name of its package."""

    def __init__(self, packages: Mapping[str, Path]) -> None:
        self._packages = packages
        self.module = functools.cache(self._load)

    def look_up(self, module: Module, name: str) -> Defined | Module | None:
        """Return what a name means in a module, imports followed; None for what is not part of the program."""
        meaning = module.names.get(name)
        if not isinstance(meaning, Imported):
            return meaning
        if not meaning.name:
            return self.module(meaning.module)
        home = self.module(meaning.module)
        if home is not None and meaning.name in home.names:
            return self.look_up(home, meaning.name)
        return self.module(f"{meaning.module}.{meaning.name}")

    def _load(self, name: str) -> Module | None:
        for package, folder in self._packages.items():
            if name == package or name.startswith(f"{package}."):
                path = folder.joinpath(*name.removeprefix(package).split(".")[1:])
                for file in (path.with_suffix(".py"), path / "__init__.py"):
                    if file.is_file():
                        module = Module(name, ast.parse(file.read_text()))
                        _define(module, module.tree.body)
                        return module
        return None


def _define(module: Module, body: list[ast.stmt]) -> None:
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                module.names[statement.name] = Defined(module, statement)
            case ast.Import():
                for alias in statement.names:
                    module.names[alias.asname or alias.name.partition(".")[0]] = Imported(
                        alias.name if alias.asname else alias.name.partition(".")[0]
                    )
            case ast.ImportFrom(module=str(source)):
                for alias in statement.names:
                    module.names[alias.asname or alias.name] = Imported(source, alias.name)
            case ast.Assign() | ast.AnnAssign() if statement.value is not None:
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                for name, value in assigned(targets[0], statement.value):
                    module.names[name] = Defined(module, value)
            case ast.If():
                _define(module, statement.body)


def assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield the plain names that an assignment sets, each with its expression."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for part, its_value in zip(target.elts, value.elts, strict=True):
            yield from assigned(part, its_value)


def methods(defined: Defined) -> dict[str, Function]:
    """Return the functions of a class by name."""
    assert isinstance(defined.node, ast.ClassDef)
    return {node.name: node for node in defined.node.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def fields(defined: Defined) -> dict[str, ast.expr]:
    """Return the annotated fields of a class, in order, by name."""
    assert isinstance(defined.node, ast.ClassDef)
    return {
        node.target.id: node.annotation
        for node in defined.node.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def has_base(defined: Defined, name: str) -> bool:
    """Tell whether a class says that it is a ``name``, such as ``Protocol``."""
    assert isinstance(defined.node, ast.ClassDef)
    return any(isinstance(base, ast.Name) and base.id == name for base in defined.node.bases)
