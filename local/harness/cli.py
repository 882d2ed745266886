"""What the programs have in common that show something and judge it: how they end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local.harness.signals import Interruption

if TYPE_CHECKING:
    from collections.abc import Callable


def run(name: str, show: Callable[[Interruption], bool]) -> int:
    """Run `show` and return the exit code: 0 only when it returned True.

    1 also after a failure that a sentence explains, which is printed; 130 or 143 after a signal.
    """
    interruption = Interruption()
    interruption.install()
    try:
        # Not above: --help need not wait for every client and the plots.
        from local.demo.run import EXPLAINED  # noqa: PLC0415

        try:
            return 0 if show(interruption) else 1
        except EXPLAINED as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        print(f"{name}: stopped; nothing is left running", file=sys.stderr)
        return interruption.exit_code
