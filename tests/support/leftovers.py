"""What a program that was run in a folder has left behind."""

from __future__ import annotations

import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def leftovers(folder: Path) -> list[str]:
    """Return what is left of a program whose TMPDIR was `tmp` in `folder`.

    Processes with the folder in their arguments or environment, or that work in it (Valkey writes
    over its own environment), and directories.
    """
    listing = subprocess.run(
        ["ps", "axeww", "-o", "pid=,args="], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    processes = [line for line in listing if str(folder) in line]
    return [*processes, *_working_in(folder), *(str(path) for path in (folder / "tmp").iterdir())]


def _working_in(folder: Path) -> Iterator[str]:
    for link in Path("/proc").glob("[0-9]*/cwd"):  # Linux
        with suppress(OSError):  # it has ended meanwhile
            if str(folder) in (where := str(link.readlink())):
                yield f"{link.parent.name} works in {where}"
