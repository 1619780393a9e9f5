"""Which calls of AWS the code of a function can come to, found in its syntax, and nothing of it run.

From a function's own module every name that is used is followed: to functions, to classes, through a port to the store
that `wiring` puts behind it, to the client's method. What a call is on comes from where its name came from: a setting
such as `table`, handed from constructor to constructor, and for objects the folder that their key begins with. What the
syntax does not tell is said here: what PynamoDB's models ask for, and what a signed link or form lets its holder do.
"""

import ast
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.meta.reader import Reader
from tests.meta.syntax import Defined, Function, Module, Program, fields, has_base, methods
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
    parameters_of,
    returns_of,
)

MODEL_ACTIONS = {"save": "PutItem", "delete": "DeleteItem", "scan": "Scan", "query": "Query", "get": "GetItem"}
ACTIONS = {  # that bear another name than the client's method
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:GeneratePresignedPost": "s3:PutObject",
    "s3:HeadObject": "s3:GetObject",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
TRANSACTION = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
NO_CALLS = {"exceptions", "meta", "close", "get_paginator"}
NAMED_BY = ("TableName", "Bucket", "FunctionName", "QueueUrl")
WITHOUT_NETWORK = "rehearsing"  # a block in which nothing leaves the process
CALLED_BY_PYTHON = ("__init__", "__post_init__", "__call__", "__enter__", "__exit__")


@dataclass(frozen=True, order=True)
class Call:
    """An action such as ``s3:GetObject`` on what a setting names.

    ``part`` is how an object's key begins, or a table's index; ``partition`` how an item's does.
    """

    action: str
    setting: str
    part: str = ""
    partition: str = ""


class Analysis:
    """What can be reached from one entry module. ``stores`` is the function that puts stores behind ports."""

    def __init__(self, program: Program, entry: str, stores: tuple[str, str]) -> None:
        self.calls: set[Call] = set()
        self.unclear: set[str] = set()
        self._reader = Reader(program)
        self._visited: set[object] = set()
        self._read_stores(*stores)
        module = program.module(entry)
        assert module is not None, entry
        functions = [Defined(module, node) for node in module.tree.body if isinstance(node, Function)]
        for function in functions:
            self._note_implementation(function)
        for function in functions:  # each may be called from outside: as a handler, an endpoint, for a record
            self._use(Routine(function), None)
        others = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
        self._walk([node for node in module.tree.body if not isinstance(node, others)], Scope(module))

    def _store_methods(self) -> set[str]:
        """Return the stores' methods that cannot be taken for those of Python's own containers and files."""
        ordinary = {name for kind in (dict, list, set, str, io.BytesIO) for name in dir(kind)}
        return {name for store in self._reader.behind.values() for name in methods(store.defined)} - ordinary

    def _read_stores(self, module_name: str, function_name: str) -> None:
        module = self._reader.program.module(module_name)
        assert module is not None
        function = module.names[function_name]
        assert isinstance(function, Defined)
        scope = self._reader.scope_of(function, None, ())
        for returned in returns_of(function.node):
            assert isinstance(returned, ast.Call)
            stores = self._reader.value(returned.func, scope)
            assert isinstance(stores, Class)
            for annotation, argument in zip(fields(stores.defined).values(), returned.args, strict=True):
                port = self._reader.type_of(annotation, stores.defined.module)
                store = self._reader.value(argument, scope)
                assert isinstance(port, Instance)
                assert isinstance(store, Instance), ast.dump(argument)
                self._reader.behind[port.defined.node] = store

    def _note_implementation(self, function: Defined) -> None:
        assert isinstance(function.node, Function)
        port = self._reader.type_of(function.node.returns, function.module)
        if isinstance(port, Instance) and has_base(port.defined, "Protocol"):
            made = self._reader.result(Routine(function), (), by_annotation=False)
            if isinstance(made, Instance):
                self._reader.behind[port.defined.node] = made

    def _walk(self, body: Sequence[ast.AST], scope: Scope) -> None:
        for node in _nodes(body):
            match node:
                case ast.Call(func=ast.Attribute() as method):
                    self._use(self._reader.value(method, scope), self._arguments_of(node, scope))
                    self._note_call(node, method, scope, body)
                case ast.Call():
                    self._use(self._reader.value(node.func, scope), self._arguments_of(node, scope))
                case ast.Name() | ast.Attribute():
                    self._use(self._reader.value(node, scope), None)
            called = node.func if isinstance(node, ast.Call) else node
            if isinstance(called, ast.Name) and called.id not in scope.names:
                self._use_expression(scope.module, called.id)

    def _arguments_of(self, call: ast.Call, scope: Scope) -> Given | None:
        function = self._reader.value(call.func, scope)
        if not isinstance(function, Class | Routine):
            return None
        return self._reader.arguments(call, parameters_of(function), scope)

    def _use_expression(self, module: Module, name: str) -> None:
        found = self._reader.program.look_up(module, name)
        if isinstance(found, Defined) and isinstance(found.node, ast.expr) and found not in self._visited:
            self._visited.add(found)
            self._walk([found.node], Scope(found.module))

    def _use(self, value: Value, given: Given | None) -> None:
        if isinstance(value, Class) and not has_base(value.defined, "Protocol"):
            made = Instance(value.defined, given or ())
            for name in CALLED_BY_PYTHON:
                if name in methods(value.defined):
                    self._use(Routine(Defined(value.defined.module, methods(value.defined)[name]), made), given)
        if isinstance(value, Routine) and (value, given) not in self._visited:
            self._visited.add((value, given))
            node = value.defined.node
            assert isinstance(node, Function)
            self._walk([node], self._reader.scope_of(value.defined, value.owner, given or ()))

    def _note_call(self, call: ast.Call, method: ast.Attribute, scope: Scope, body: Sequence[ast.AST]) -> None:
        base, name = self._reader.value(method.value, scope), method.attr
        if isinstance(base, Instance | Class) and has_base(base.defined, "Model") and name in MODEL_ACTIONS:
            table = base.table if isinstance(base, Class) else dict(base.given).get("table")
            self._note(f"dynamodb:{MODEL_ACTIONS[name]}", table, call)
        elif isinstance(base, Client) and name == "transact_write_items":
            self._note_transaction(body, scope, call)
        elif isinstance(base, Client) and name not in NO_CALLS:
            self._note_request(base, name, call, scope)
        elif base is None and (name in self._store_methods() or any(word.arg in NAMED_BY for word in call.keywords)):
            self.unclear.add(ast.unparse(call)[:80])

    def _note_request(self, client: Client, name: str, call: ast.Call, scope: Scope) -> None:
        words = {word.arg: self._reader.value(word.value, scope) for word in call.keywords}
        operation = client.operation or name
        if name == "generate_presigned_url":
            operation = str(self._reader.value(call.args[0], scope))
            words |= self._reader.dictionary(call, scope)
        action = f"{client.service}:{_camel(operation)}"
        part = words.get("IndexName") or words.get("Key") or ""
        on = next((words[word] for word in NAMED_BY if word in words), None)
        items = [value.partition for value in words.values() if isinstance(value, Item)]
        partition = items[0] if items else self._queried(call, words.get("KeyConditionExpression"), scope)
        self._note(ACTIONS.get(action, action), on, call, part if isinstance(part, str) else "", partition)

    def _queried(self, call: ast.Call, condition: Value, scope: Scope) -> str:
        """Return the partition that a Query is about: the value whose alias its condition compares first."""
        alias = re.match(r"#\w+ = (:\w+)", condition) if isinstance(condition, str) else None
        known = self._reader.dictionary(call, scope).get(alias[1]) if alias else None
        return known if isinstance(known, str) else ""

    def _note_transaction(self, body: Sequence[ast.AST], scope: Scope, call: ast.Call) -> None:
        written = [node for node in _nodes(body) if isinstance(node, ast.Dict)]
        named = [self._reader.dictionary(node, scope).get("TableName") for node in written]
        table = next((found for found in named if found is not None), None)
        for node in written:
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and key.value in TRANSACTION:
                    item = self._reader.value(value, scope)
                    partition = item.partition if isinstance(item, Item) else ""
                    self._note(f"dynamodb:{TRANSACTION[key.value]}", table, call, partition=partition)

    def _note(self, action: str, on: Value, call: ast.Call, part: str = "", partition: str = "") -> None:
        if isinstance(on, Setting):
            self.calls.add(Call(action, on.name, part, partition))
        else:
            self.unclear.add(f"{action}: {ast.unparse(call)[:80]}")


def _nodes(body: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield every node below, without the blocks in which nothing leaves the process."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.With) and WITHOUT_NETWORK in ast.unparse(node.items[0]):
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            # What is called is followed with its arguments, and so no name that might be called with any.
            waiting.extend([*ast.iter_child_nodes(node.func), *node.args, *node.keywords])
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def missing_and_superfluous(
    needed: Mapping[str, set[tuple[str, str]]], allowed: Mapping[str, set[tuple[str, str]]]
) -> tuple[set[str], set[str]]:
    """Return which functions' calls have no permission, and which permissions no call."""
    missing = {f"{name}: {' on '.join(one)}" for name in needed for one in needed[name] - allowed[name]}
    superfluous = {f"{name}: {' on '.join(one)}" for name in allowed for one in allowed[name] - needed[name]}
    return missing, superfluous
