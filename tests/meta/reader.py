"""What an expression in the code stands for, as far as its syntax tells.

Names are followed through imports, arguments and constructors. What the syntax does not tell is None.
"""

import ast
import re

from tests.meta.syntax import Defined, Function, Imported, Module, Program, assigned, fields, has_base, methods
from tests.meta.values import (
    Class,
    Client,
    Given,
    Instance,
    Item,
    Routine,
    Scope,
    Setting,
    Value,
    class_name,
    is_property,
    parameters_of,
    returns_of,
    sets_attribute,
    table_given,
)

SETTINGS = "AwsSettings"
PARTITION_KEY = "pk"  # in every table that holds more than one kind of item
OF_ITEMS = ("Item", "Key")


class Reader:
    """Reads a program. ``behind`` says which object stands behind a port, by the port's class."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.behind: dict[ast.AST, Instance] = {}
        self._pending: set[object] = set()

    def value(self, node: ast.expr | None, scope: Scope) -> Value:
        """Return what an expression stands for."""
        match node:
            case ast.Name():
                return scope.names[node.id] if node.id in scope.names else self._global(scope.module, node.id)
            case ast.Attribute(value=ast.Attribute(attr="aws")):
                return Setting(node.attr)
            case ast.Attribute():
                return self.attribute(self.value(node.value, scope), node.attr)
            case ast.Call():
                return self._called(node, scope)
            case ast.Await():
                return self.value(node.value, scope)
            case ast.BoolOp() | ast.IfExp() | ast.BinOp(op=ast.BitOr()) | ast.List():
                return self._any_of(node, scope)
        return self._text_or_item(node, scope)

    def _text_or_item(self, node: ast.expr | None, scope: Scope) -> Value:
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr():
                return self._beginning(node, scope)
            case ast.BinOp(op=ast.Add()):
                return self._joined(node.left, node.right, scope)
            case ast.Dict():
                return self._entry(node, scope)
        return None

    def _any_of(self, node: ast.BoolOp | ast.IfExp | ast.BinOp | ast.List, scope: Scope) -> Value:
        """Return the first part that is known; of a list that is what its elements are."""
        match node:
            case ast.BoolOp():
                parts = node.values
            case ast.IfExp():
                parts = [node.body, node.orelse]
            case ast.BinOp():
                parts = [node.left, node.right]
            case ast.List():
                parts = node.elts
        return next((known for part in parts if (known := self.value(part, scope)) is not None), None)

    def _joined(self, left: ast.expr, right: ast.expr, scope: Scope) -> Value:
        first, second = self.value(left, scope), self.value(right, scope)
        if not isinstance(first, str) or first.endswith("*"):
            return first
        return first + second if isinstance(second, str) else f"{first}*"

    def _entry(self, node: ast.Dict, scope: Scope) -> Value:
        """Return an attribute's text, ``{"S": …}``, or the item that a dictionary is or has."""
        for key, value in zip(node.keys, node.values, strict=True):
            name = self.value(key, scope)
            known = self.value(value, scope) if key is None or name in ("S", *OF_ITEMS, PARTITION_KEY) else None
            if name == "S" or isinstance(known, Item):
                return known
            if name == PARTITION_KEY and isinstance(known, str):
                return Item(known)
        return None

    def _beginning(self, node: ast.JoinedStr, scope: Scope) -> str:
        """Return an f-string up to what is only known when it runs; that is a ``*``."""
        text = ""
        for part in node.values:
            known = self.value(part.value if isinstance(part, ast.FormattedValue) else part, scope)
            if not isinstance(known, str):
                return f"{text}*"
            text += known
        return text

    def _global(self, module: Module, name: str) -> Value:
        found = self.program.look_up(module, name)
        if not isinstance(found, Defined):
            return found
        if isinstance(found.node, ast.ClassDef):
            return Class(found)
        if isinstance(found.node, Function):
            return Routine(found)
        return self.value(found.node, Scope(found.module))

    def attribute(self, base: Value, name: str) -> Value:
        """Return what an attribute of a module, a class or an object is."""
        if isinstance(base, Module):
            return self._global(base, name)
        if isinstance(base, Instance) and base.defined.node in self.behind:
            base = self.behind[base.defined.node]
        if not isinstance(base, Instance | Class):
            return None
        home, own = base.defined.module, methods(base.defined)
        if isinstance(base, Instance) and class_name(base.defined) == SETTINGS:
            return Setting(name)
        if name in own:
            method = Routine(Defined(home, own[name]), base)
            return self.result(method, ()) if is_property(own[name]) else method
        if name in fields(base.defined):
            return self.type_of(fields(base.defined)[name], home)
        return self._made_in_init(base, name) or self._inherited(base.defined, name)

    def _made_in_init(self, base: Instance | Class, name: str) -> Value:
        init = methods(base.defined).get("__init__")
        if init is not None and isinstance(base, Instance):
            scope = self.scope_of(Defined(base.defined.module, init), base, base.given)
            for node in ast.walk(init):
                if isinstance(node, ast.Assign) and sets_attribute(node.targets[0], name):
                    return self.value(node.value, scope)
        return None

    def _inherited(self, defined: Defined, name: str) -> Value:
        assert isinstance(defined.node, ast.ClassDef)
        parents = [self.value(parent, Scope(defined.module)) for parent in defined.node.bases]
        found = (self.attribute(parent, name) for parent in parents if isinstance(parent, Class))
        return next((value for value in found if value is not None), None)

    def type_of(self, annotation: ast.expr | None, module: Module) -> Value:
        """Return what a value of this annotation is."""
        match annotation:
            case ast.Constant(value=str(text)):
                return self.type_of(ast.parse(text, mode="eval").body, module)
            case ast.BinOp():
                return self.type_of(annotation.left, module) or self.type_of(annotation.right, module)
            case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[first, *_])):
                return self.type_of(first, module)
            case ast.Name(id=name) if re.fullmatch(r"[A-Z]\w*Client", name):
                return Client(name.removesuffix("Client").lower())
            case ast.Name(id=name):
                found = self.program.look_up(module, name)
                if isinstance(found, Defined) and isinstance(found.node, ast.ClassDef):
                    return Instance(found)
                if isinstance(found, Defined) and isinstance(found.node, ast.expr):
                    return self.type_of(found.node, found.module)  # another name of a type
        return None

    def _called(self, call: ast.Call, scope: Scope) -> Value:
        function = self.value(call.func, scope)
        if isinstance(function, Class):
            return Instance(
                function.defined, self.arguments(call, parameters_of(function), scope) + table_given(function)
            )
        if isinstance(function, Routine):
            model = self.value(call.args[0], scope) if call.args else None
            if isinstance(model, Class) and has_base(model.defined, "Model"):  # `bind` gives a model its table
                return Class(model.defined, self.value(call.args[2], scope))
            return self.result(function, self.arguments(call, parameters_of(function), scope))
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get_paginator":
            client, operation = self.value(call.func.value, scope), self.value(call.args[0], scope)
            if isinstance(client, Client) and isinstance(operation, str):
                return Client(client.service, operation)
        return None

    def arguments(self, call: ast.Call, parameters: list[str], scope: Scope) -> Given:
        pairs = [*zip(parameters, call.args, strict=False), *((word.arg or "", word.value) for word in call.keywords)]
        values = ((name, self.value(argument, scope)) for name, argument in pairs)
        # Of a client the parameter's own annotation tells more than where it was made.
        return tuple((name, value) for name, value in values if not isinstance(value, Routine | Module | Client | None))

    def result(self, function: Routine, given: Given, *, by_annotation: bool = True) -> Value:
        node, key = function.defined.node, (function, given)
        assert isinstance(node, Function)
        declared = self.type_of(node.returns, function.defined.module) if by_annotation else None
        if key in self._pending:  # it calls itself
            return declared
        self._pending.add(key)
        scope = self.scope_of(function.defined, function.owner, given)
        found = next((value for part in returns_of(node) if (value := self.value(part, scope)) is not None), None)
        self._pending.discard(key)
        return found if found is not None else declared

    def scope_of(self, function: Defined, owner: Instance | Class | None, given: Given) -> Scope:
        node = function.node
        assert isinstance(node, Function)
        scope = Scope(function.module)
        for inner in ast.walk(node):
            match inner:
                case ast.ImportFrom(module=str(source)):
                    for alias in inner.names:
                        at = Module("", ast.Module([], []), {alias.name: Imported(source, alias.name)})
                        scope.names[alias.asname or alias.name] = self._global(at, alias.name)
                case ast.arg(annotation=annotation):
                    scope.names[inner.arg] = self.type_of(annotation, function.module)
        if owner is not None and node.args.args:
            scope.names[node.args.args[0].arg] = owner
        scope.names.update(given)
        self._assign(node, scope)
        return scope

    def _assign(self, function: Function, scope: Scope) -> None:
        for inner in ast.walk(function):
            match inner:
                case ast.AnnAssign(target=ast.Name(id=name)):
                    known = self.value(inner.value, scope)
                    scope.names[name] = known or self.type_of(inner.annotation, scope.module)
                case ast.For(target=ast.Name(id=name)):
                    scope.names[name] = self.value(inner.iter, scope)  # of a list that is what its elements are
                case ast.Assign():
                    for name, value in assigned(inner.targets[0], inner.value):
                        scope.names[name] = self.value(value, scope)

    def dictionary(self, node: ast.AST, scope: Scope) -> dict[str | None, Value]:
        return {
            key.value: self.value(value, scope)
            for inner in ast.walk(node)
            if isinstance(inner, ast.Dict)
            for key, value in zip(inner.keys, inner.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        }
