"""What the programs have in common that show something and judge it: how they end."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local.harness.signals import SignalHandler

if TYPE_CHECKING:
    from collections.abc import Callable


def run(name: str, show: Callable[[SignalHandler], bool]) -> int:
    """Run `show` and return the exit code: 0 only when it returned True.

    1 also after a failure that a sentence explains, which is printed; 130 or 143 after a signal.
    """
    signals = SignalHandler()
    signals.install()
    try:
        # Not above: --help need not wait for every client and the plots.
        from local.demo.run import EXPLAINED  # noqa: PLC0415

        try:
            return 0 if show(signals) else 1
        except EXPLAINED as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        print(f"{name}: stopped; nothing is left running", file=sys.stderr)
        return signals.exit_code
