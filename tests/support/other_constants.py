"""A program with other constants: `python -m tests.support.other_constants PROGRAM NAME=NUMBER …`.

    … other_constants local.serve local.serve.IDLE_TIMEOUT_S=1 -- --port=0

A test needs shorter waits than a service, and its control needs none. They are no settings: who
runs a service could weaken it with them.
"""

from __future__ import annotations

import pkgutil
import sys
from typing import Any


def main() -> Any:
    """Set the constants, then run the program with the options behind `--`."""
    separator = sys.argv.index("--")
    program, *assignments = sys.argv[1:separator]
    for assignment in assignments:
        place, _, number = assignment.partition("=")
        module, _, name = place.rpartition(".")
        owner = pkgutil.resolve_name(module)
        constant = getattr(owner, name)
        assert isinstance(constant, int | float), f"{place} is no number"
        setattr(owner, name, type(constant)(number))
    sys.argv = [program, *sys.argv[separator + 1 :]]
    return pkgutil.resolve_name(f"{program}:main")()


if __name__ == "__main__":
    sys.exit(main())
