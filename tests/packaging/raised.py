"""Which errors the code behind a handler can raise, found in the source by names.

A function is followed into every function and every table that it names, through its module's
imports; a method, into every method of that name. So more is found than can happen, never less, as
long as errors are made by their classes, or taken from a table of them.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handlers.domain import errors
from handlers.domain.errors import ServiceError
from handlers.edge.http.admission import REJECTIONS
from tests.packaging.source import python_files
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CODES = {
    name: found.code
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, ServiceError) and hasattr(found, "code")
}
# Each layer, and the layers above it that may call it; the handlers may call all.
LAYERS = {
    "handlers.edge": ("handlers.edge",),
    "handlers.adapters": ("handlers.adapters",),
    "handlers.domain": ("handlers.edge", "handlers.adapters", "handlers.domain"),
}
# Fields and properties that have the name of a method elsewhere.
NO_METHODS = {
    ("connection", "open"),
    ("coupon", "campaign_id"),
    ("event", "campaign_id"),
    ("returns", "campaign_id"),
    ("reconciler", "complete"),
}
# It takes the code from Redis's decision.
BY_OUTCOME = {"rejection_response": {outcome.value for outcome in REJECTIONS}}


@dataclass
class Function:
    """A function, a method or a table: what it names, and the codes of the errors that it makes."""

    module: str
    names: set[str] = field(default_factory=set)
    attributes: set[tuple[str, str]] = field(default_factory=set)  # of which name, "" for others
    own: dict[str, Function] = field(default_factory=dict)  # the methods of its class
    codes: set[str] = field(default_factory=set)


class Source:
    """Every function of handlers/, by module and name, and every method by its name."""

    def __init__(self, *left_out: str) -> None:
        self.functions: dict[tuple[str, str], Function] = {}
        self.methods: dict[str, list[Function]] = defaultdict(list)
        self.imports: dict[str, dict[str, tuple[str, str]]] = {}
        self.ports: set[tuple[str, str]] = set()  # module and method: adapters have it for it
        for file in python_files("handlers"):
            module = ".".join(file.relative_to(ROOT).with_suffix("").parts)
            if not module.startswith(left_out):
                self._read(file, module)

    def codes(self, module: str, name: str) -> set[str]:
        """Return the codes that a function of a module can end with."""
        seen: set[int] = set()
        todo = [self.functions[module, name]]
        codes: set[str] = set()
        while todo:
            function = todo.pop()
            if id(function) in seen:
                continue
            seen.add(id(function))
            codes |= function.codes
            todo += self._named(function)
        return codes

    def _named(self, function: Function) -> Iterator[Function]:
        imports = self.imports[function.module]
        for name in function.names:
            place = imports.get(name, (function.module, name))
            if place in self.functions:
                yield self.functions[place]
        for of, name in function.attributes:
            module, inside = imports.get(of, ("", ""))
            if module and not inside:  # of a module
                if (module, name) in self.functions:
                    yield self.functions[module, name]
            elif of in {"self", "cls"} and name in function.own:
                yield function.own[name]
            else:
                for method in self.methods.get(name, ()):
                    if _is_below(method, function) or self._is_through_port(name, function):
                        yield method

    def _is_through_port(self, name: str, caller: Function) -> bool:
        return (caller.module, name) in self.ports

    def _read(self, file: Path, module: str) -> None:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        imports = self.imports.setdefault(module, {})
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    place = (f"{node.module}.{alias.name}", "")
                    is_module = (ROOT / f"{place[0].replace('.', '/')}.py").exists()
                    found = place if is_module else (str(node.module), alias.name)
                    imports[alias.asname or alias.name] = found
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                self.functions[module, node.name] = _function(module, node)
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for name in _assigned(node):
                    self.functions[module, name] = _table(module, node)
            elif isinstance(node, ast.ClassDef):
                self._read_class(module, node)

    def _read_class(self, module: str, node: ast.ClassDef) -> None:
        """Keep its methods, and as a function of its name what makes an instance."""
        parts = [part for part in node.body if isinstance(part, ast.FunctionDef)]
        own = {part.name: _function(module, part) for part in parts}
        if any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases):
            self.ports |= {(module, name) for name in own}
            return
        for name, method in own.items():
            method.own = own
            self.methods[name].append(method)
        made = own.get("__init__") or own.get("__post_init__") or Function(module)
        self.functions[module, node.name] = made


def _is_below(called: Function, caller: Function) -> bool:
    """Return whether the caller's layer may import that of the called (test_repository.py)."""
    for layer, above in LAYERS.items():
        if called.module.startswith(layer):
            return caller.module.startswith(above) or not caller.module.startswith(tuple(LAYERS))
    return called.module == caller.module


def _assigned(node: ast.Assign | ast.AnnAssign) -> Iterator[str]:
    """Yield the names of a table; what only an `except` looks at is none."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if isinstance(node.value, ast.Dict):
        yield from (one.id for one in targets if isinstance(one, ast.Name))


def _table(module: str, node: ast.Assign | ast.AnnAssign) -> Function:
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    return Function(module, names, codes={CODES[name] for name in names if name in CODES})


def _function(module: str, node: ast.FunctionDef) -> Function:
    function = Function(module, codes=set(BY_OUTCOME.get(node.name, ())))
    for one in [inner for part in node.body for inner in ast.walk(part)]:
        if isinstance(one, ast.Name):
            function.names.add(one.id)
        elif isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Load):
            of = one.value.id if isinstance(one.value, ast.Name) else ""
            if (of, one.attr) not in NO_METHODS:
                function.attributes.add((of, one.attr))
            if of in CODES:  # its code, or a way of making one
                function.codes.add(CODES[of])
        made = one.exc if isinstance(one, ast.Raise) else one if isinstance(one, ast.Call) else None
        made = made.func if isinstance(made, ast.Call) else made
        if isinstance(made, ast.Name) and made.id in CODES:
            function.codes.add(CODES[made.id])
    return function
