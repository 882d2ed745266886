"""The gateway with other constants: `python -m tests.fuzz.entry MODULE.NAME=NUMBER … -- OPTIONS`.

A test needs shorter timeouts than a service, and its control needs none.
"""

from __future__ import annotations

import pkgutil
import sys

from local import serve


def main() -> int:
    """Set the constants, then run local.serve with the options."""
    separator = sys.argv.index("--")
    for assignment in sys.argv[1:separator]:
        place, _, number = assignment.partition("=")
        module, _, name = place.rpartition(".")
        owner = pkgutil.resolve_name(module)
        assert isinstance(getattr(owner, name), int | float), f"{place} is no number"
        setattr(owner, name, type(getattr(owner, name))(number))
    return serve.main(sys.argv[separator + 1 :])


if __name__ == "__main__":
    sys.exit(main())
