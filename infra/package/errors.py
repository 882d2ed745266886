"""The one error of this program, and how its tools are run."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# A cold download of all wheels takes some seconds; a slow connection needs longer.
TOOL_TIMEOUT_S = 600
LINES_MAX = 15


class PackageError(Exception):
    """The package cannot be built; the message tells the user why."""


def run_tool(
    what: str,
    command: Sequence[str],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return its output; raise PackageError with the end of its output."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            timeout=TOOL_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"{what}: {error}"
        raise PackageError(message) from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[-LINES_MAX:]
        message = "\n  ".join([f"{what} ended with {done.returncode}:", *lines])
        raise PackageError(message)
    return done.stdout
