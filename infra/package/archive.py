"""A zip that depends on its contents alone: same files, same bytes."""

from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
# Lambda runs as a user of its own, who must be able to read all files.
MODE = stat.S_IFREG | 0o644
UNIX = 3
LEVEL = 9


def write(tree: Path, zip_file: Path) -> None:
    """Zip all files of `tree`, by name, with one time and one mode."""
    with zipfile.ZipFile(zip_file, "w") as archive:
        for path in files(tree):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), EPOCH)
            entry.create_system = UNIX
            entry.external_attr = MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes(), compresslevel=LEVEL)


def unpack(zip_file: Path, tree: Path) -> None:
    """Unpack `zip_file` into `tree`."""
    with zipfile.ZipFile(zip_file) as archive:
        archive.extractall(tree)


def files(tree: Path) -> list[Path]:
    """Return every file of a tree, in the order of its name in the zip."""
    found = [path for path in tree.rglob("*") if path.is_file()]
    return sorted(found, key=lambda path: path.relative_to(tree).as_posix())
