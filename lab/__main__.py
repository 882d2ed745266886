"""The lab: `python -m lab`. A stage, its faults, a verdict within seconds."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lab.options import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.harness.signals import SignalHandler


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    options = parse(arguments)
    if options.start:
        from lab.starter import starter  # noqa: PLC0415 - the others need no stage's text

        sys.stdout.write(starter(options.start))
        return 0
    from local.harness.cli import run as run_program  # noqa: PLC0415 - it imports every client

    def judge(_: SignalHandler) -> bool:
        from lab.run import run  # noqa: PLC0415 - the same

        return run(options)

    return run_program("lab", judge)


if __name__ == "__main__":
    sys.exit(main())
