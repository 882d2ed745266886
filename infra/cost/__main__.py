"""Print what a large sale needs and costs on AWS: `python -m infra.cost --help`."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from infra.cost.estimate import estimate
from infra.cost.options import parse
from infra.cost.report import comparison, report
from infra.cost.workload import Door

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.cost.options import CostOptions


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; exit with 2 for invalid arguments, otherwise return 0.

    Also 0 where a limit breaks: the estimate itself succeeded.
    """
    options = parse(arguments)
    if options.compare:
        _compare(options)
        return 0
    result = estimate(options.workload)
    if options.json:
        print(json.dumps(result.as_json(), indent=2))
    else:
        print(report(result))
    return 0


def _compare(options: CostOptions) -> None:
    results = [estimate(replace(options.workload, door=door)) for door in Door]
    if options.json:
        shown = {result.workload.door: result.as_json() for result in results}
        print(json.dumps(shown, indent=2))
    else:
        print(comparison(results))


if __name__ == "__main__":
    # The reader of the output may close it early, as `head` does: that is not an error.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
