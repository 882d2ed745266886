"""The unpacked package: without unused files, with bytecode that Lambda need not check."""

from __future__ import annotations

import shutil
from importlib import metadata
from typing import TYPE_CHECKING

from infra.package.errors import run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from infra.package.target import Target

# Lambda unpacks the zip here; tracebacks show these paths.
LAMBDA_FOLDER = "/var/task"
# Parts of dependencies that the running code never imports.
UNUSED_FOLDERS = {"__pycache__", "benchmarks", "docs", "examples", "test", "tests"}
UNUSED_SUFFIXES = {".c", ".h", ".pyc", ".pyi", ".pyx", ".rst"}
# It makes bindings when a wheel is built; the running code needs only _cffi_backend.
UNUSED_PACKAGE = "cffi"
# An installer's own records; wrong once files are removed.
UNUSED_FILES = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json", "py.typed"}


def prune(tree: Path) -> None:
    """Remove what no handler imports."""
    shutil.rmtree(tree / "bin", ignore_errors=True)  # command-line programs
    shutil.rmtree(tree / UNUSED_PACKAGE, ignore_errors=True)
    for path in sorted(tree.rglob("*"), reverse=True):
        if path.is_dir() and path.name in UNUSED_FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in UNUSED_SUFFIXES or path.name in UNUSED_FILES):
            path.unlink()


def compile_all(tree: Path, target: Target) -> None:
    """Add hash-based bytecode that is never checked against its source.

    Lambda's file system is read-only, so missing bytecode would be compiled at every
    cold start; and the times in a zip cannot tell whether bytecode is current.
    """
    run_tool(
        "compileall",
        [
            *(target.python, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(tree), "-p", LAMBDA_FOLDER, str(tree)),
        ],
        environment={"PYTHONHASHSEED": "0"},  # the order of sets in the bytecode
    )


def versions(tree: Path) -> dict[str, str]:
    """Return the version of every package in the tree, by name."""
    found = {dist.name: dist.version for dist in metadata.distributions(path=[str(tree)])}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))
