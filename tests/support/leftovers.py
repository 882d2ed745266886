"""What a program that was run in a folder has left behind."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def leftovers(folder: Path) -> list[str]:
    """Return what is left of a program whose TMPDIR was `tmp` in `folder`.

    Processes with the folder in their arguments or environment, and directories.
    """
    listing = subprocess.run(
        ["ps", "axeww", "-o", "pid=,args="], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    processes = [line for line in listing if str(folder) in line]
    return [*processes, *(str(path) for path in (folder / "tmp").iterdir())]
