"""The Markdown pages of the repository, and their links, headings, files and programs."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# Folders that tools create in a checkout; a page may name a file that a program writes to `out/…`.
GENERATED = {"out", "__pycache__", "deployments", "deployed"}
SETTINGS = "local/.env"  # `make up` copies it from its example
FENCE = re.compile(r"^(`{3,})[^\n]*\n.*?^\1 *$\n?", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^(#{1,6}) +(.*?) *$", re.MULTILINE)
PROGRAM = re.compile(r"python3? -m ((?:bench|infra|lab|local|tests)\.[\w.]*\w)")
# A file with one of our suffixes, or a path below one of our folders; a glob may be either.
ENDINGS = ("lua", "pml", "py", "sh", "sql", "toml", "yaml", "yml")
FILE = re.compile(rf"[\w./*\[\]-]+\.(?:{'|'.join(ENDINGS)})")
FOLDER = re.compile(r"([\w.-]+)/[\w./*\[\]-]*")


def pages() -> list[Path]:
    """Return every page: in the root, in docs/, and the two beside the files that they explain."""
    beside = [ROOT / "infra" / "README.md", ROOT / "tests" / "model" / "README.md"]
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), *beside]


def links(text: str) -> list[str]:
    """Return the targets of all links and images, in order."""
    return LINK.findall(CODE.sub("", FENCE.sub("", text)))


def headings(text: str) -> list[tuple[int, str]]:
    """Return the level and the text of each heading."""
    found = HEADING.findall(FENCE.sub("", text))
    return [(len(marks), words) for marks, words in found]


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings."""
    kept = (re.sub(r"[^\w\- ]", "", words.lower()) for _, words in headings(text))
    return {words.replace(" ", "-") for words in kept}


def programs(text: str) -> set[str]:
    """Return our modules that the page runs with `python -m`."""
    return set(PROGRAM.findall(text))


def named_files(text: str) -> Iterator[str]:
    """Yield each file or folder of the repository that is in backticks."""
    for code in CODE.findall(FENCE.sub("", text)):
        name = re.sub(r":\d+$", "", code)
        folder = FOLDER.fullmatch(name)
        below = folder is not None and folder[1] in _roots()
        if name != SETTINGS and (below or FILE.fullmatch(name)):
            yield name


def exists(name: str) -> bool:
    """Tell whether a file or folder has this name, or ends with it, or fits the pattern."""
    wanted = name.rstrip("/")
    return any(
        fnmatchcase(path, wanted) or fnmatchcase(path, f"*/{wanted}") for path in _all_paths()
    )


@cache
def _roots() -> frozenset[str]:
    return frozenset(path.name for path in ROOT.iterdir() if path.is_dir()) - GENERATED


@cache
def _all_paths() -> frozenset[str]:
    """Return the path of every file and folder, without those that tools create."""
    found = set()
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in GENERATED | {".git"}]
        folders[:] = [name for name in folders if not name.startswith(".venv")]
        here = Path(folder).relative_to(ROOT)
        found |= {str(here / name) for name in folders + files}
    return frozenset(found)
