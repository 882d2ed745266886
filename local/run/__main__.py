"""Run everything on this machine, with a campaign that opens soon: `python -m local.run`.

It prints the addresses of the campaign's page and of the console, and one line a second. Ctrl-C
ends every program and removes the servers with their data.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local.harness.cli import run
from local.run.options import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.signals import SignalHandler


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit code: 0 after Ctrl-C or --for, when nothing was wrong."""
    options = parse(arguments)

    def show_all(_: SignalHandler) -> bool:
        # Imported here: --help need not wait for every client.
        from local.harness.console import Console  # noqa: PLC0415
        from local.run.show import show  # noqa: PLC0415

        return show(options, Console())

    return run("run", show_all)


if __name__ == "__main__":
    sys.exit(main())
