"""Queries of the packaging tests about the source: the paths, the imports of a file."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

OUR_PACKAGES = ("handlers", "infra", "lab", "local", "app")


def python_files(*folders: str) -> list[Path]:
    """Return the Python files of these folders of the repository, in order."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def every_python_file() -> list[Path]:
    """Return the Python files of the whole repository, each once, in order."""
    folders = ("handlers", "infra", "lab", "local", "bench", "tests")
    return [*sorted(ROOT.glob("*.py")), *python_files(*folders)]


def imported_names(file: Path) -> set[str]:
    """Return everything that `file` imports anywhere, as dotted absolute names.

    `from handlers.config import Settings` gives `handlers.config.Settings`: compare by prefix.
    """
    package = file.relative_to(ROOT).parent.parts
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join([*above, *filter(None, [node.module])])
            names |= {f"{origin}.{alias.name}" for alias in node.names}
    return names


def names_assigned(file: Path) -> set[str]:
    """Return every plain name that `file` assigns to."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def classes_defined(file: Path) -> set[str]:
    """Return the classes that `file` defines at its top level."""
    nodes = ast.parse(file.read_text(encoding="utf-8")).body
    return {node.name for node in nodes if isinstance(node, ast.ClassDef)}


def names_called_from(file: Path, package: str) -> set[str]:
    """Return the functions and classes that `file` imports from `package` and calls."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and is_inside(node.module or "", package)
        for alias in node.names
    }
    called = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            while isinstance(function, ast.Attribute):
                function = function.value
            if isinstance(function, ast.Name):
                called.add(function.id)
    return imported & called


def is_inside(name: str, *packages: str) -> bool:
    """Tell whether the dotted `name` is one of `packages` or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def module_file(name: str) -> Path | None:
    """Return the file of our module `name`, or of the module that the name is taken from."""
    parts = name.split(".")
    while parts:
        path = ROOT.joinpath(*parts)
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                return file
        parts.pop()
    return None


def foreign_packages(module: str) -> set[str]:
    """Return the top-level names of all third-party packages that `module` reaches by imports."""
    seen: set[Path] = set()
    foreign: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if not is_inside(name, *OUR_PACKAGES):
            foreign.add(name.partition(".")[0])
            continue
        file = module_file(name)
        if file is not None and file not in seen:
            seen.add(file)
            waiting += imported_names(file)
    return foreign
