"""What an expression can stand for: a class, an object, a setting, a client, an item of a table, a text."""

import ast
from dataclasses import dataclass, field

from tests.meta.syntax import Defined, Function, Module, fields, methods


@dataclass(frozen=True)
class Setting:
    """The name of a deployed resource, by its field of the settings."""

    name: str


@dataclass(frozen=True)
class Item:
    """An item of a table, its key, or the arguments of a call on one: what its partition begins with."""

    partition: str


@dataclass(frozen=True)
class Client:
    """A client of a service of AWS; ``operation`` is set on one of its paginators."""

    service: str
    operation: str = ""


@dataclass(frozen=True)
class Class:
    """A class; ``table`` is what a PynamoDB model was bound to."""

    defined: Defined
    table: "Value" = None


@dataclass(frozen=True)
class Instance:
    """An object, and what is known of the arguments it was made with."""

    defined: Defined
    given: tuple[tuple[str, "Value"], ...] = ()


@dataclass(frozen=True)
class Routine:
    """A function, bound to its object if it is a method."""

    defined: Defined
    owner: Instance | Class | None = None


Value = str | Setting | Item | Client | Class | Instance | Routine | Module | None
Given = tuple[tuple[str, Value], ...]


@dataclass
class Scope:
    """The names that an expression sees."""

    module: Module
    names: dict[str, Value] = field(default_factory=dict)


def parameters_of(function: Class | Routine) -> list[str]:
    """Return the names that a call's arguments go to, without the object's own."""
    if isinstance(function, Class):
        own = methods(function.defined)
        if "__init__" not in own:
            return list(fields(function.defined))
        return [argument.arg for argument in own["__init__"].args.args[1:]]
    assert isinstance(function.defined.node, Function)
    names = [argument.arg for argument in function.defined.node.args.args]
    return names[1:] if function.owner is not None else names


def table_given(model: Class) -> Given:
    """Return the table that a model was bound to, as what its objects were given."""
    return () if model.table is None else (("table", model.table),)


def returns_of(function: ast.AST) -> list[ast.expr]:
    """Return what a function returns."""
    return [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]


def class_name(defined: Defined) -> str:
    """Return a class's name, empty for what is none."""
    return defined.node.name if isinstance(defined.node, ast.ClassDef) else ""


def is_property(function: Function) -> bool:
    """Tell whether a method is read like an attribute."""
    return any(ast.unparse(decorator).endswith("property") for decorator in function.decorator_list)


def sets_attribute(target: ast.expr, name: str) -> bool:
    """Tell whether an assignment is to an attribute of this name."""
    return isinstance(target, ast.Attribute) and target.attr == name
