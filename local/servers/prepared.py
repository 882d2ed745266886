"""Keeps what a server program prepares before its first start, for all later first starts.

The system tables of a database take seconds of processor time, and are always the same.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "out" / "prepared"


def fill(data: Path, made_by: str, prepare: Callable[[], None]) -> None:
    """Let `data` be what `prepare` makes of it: a copy, where it was made by the same before.

    made_by: everything that the result depends on.
    """
    kept = KEPT / hashlib.sha256(made_by.encode()).hexdigest()[:16]
    if not os.access(ROOT, os.W_OK):  # an installation that is read only
        prepare()
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    # Servers that start at the same time wait for the first one, and leave it the processors.
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():
            prepare()
            _keep(data, kept)
            return
    shutil.copytree(kept, data)


def _keep(data: Path, kept: Path) -> None:
    """Copy `data`; the copy gets its name only once it is complete."""
    with tempfile.TemporaryDirectory(dir=KEPT) as temporary:
        copy = Path(temporary) / "data"
        shutil.copytree(data, copy)
        # MySQL gives itself a number that no other server may have, where it finds none.
        with suppress(FileNotFoundError):
            (copy / "auto.cnf").unlink()
        copy.rename(kept)
