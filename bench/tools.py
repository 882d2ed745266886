"""The programs that make the load: finds them, or installs them where possible."""

from __future__ import annotations

import os
import shutil
import subprocess

PACKAGES = {"wrk": "wrk", "redis-benchmark": "redis-tools"}  # Debian's and Ubuntu's names


class MissingToolError(Exception):
    """An external program is missing; the message says what to do."""


def find(program: str) -> str:
    """Return the path of `program`; install it first where root and apt-get can."""
    package = PACKAGES[program]
    if not shutil.which(program) and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        subprocess.run(command, check=False, capture_output=True)
    path = shutil.which(program)
    if path is None:
        message = f"{program} is needed: install it (Debian, Ubuntu: apt-get install {package})"
        raise MissingToolError(message)
    return path
