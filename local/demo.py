"""The main job, shown and measured: `python -m local.demo`.

A thousand people press at once for a hundred coupons. At the end stands a verdict: exactly those
who were told ACCEPTED have exactly one row each in MySQL.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from local.demonstration.interruption import Interruption
from local.demonstration.options import parse

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: 0 only when every promise was kept."""
    options = parse(arguments)
    interruption = Interruption()
    interruption.install()
    try:
        # Not above: --help need not wait for every client and the plots.
        from local.demonstration.screen import Screen  # noqa: PLC0415
        from local.demonstration.show import EXPLAINED, show  # noqa: PLC0415

        try:
            return 0 if show(options, Screen(), interruption) else 1
        except EXPLAINED as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        print("demo: stopped; nothing is left running", file=sys.stderr)
        return interruption.exit_code


if __name__ == "__main__":
    sys.exit(main())
