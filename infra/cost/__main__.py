"""Print what a big day needs and costs on AWS: `python -m infra.cost --help`."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING

from infra.cost.estimate import estimate
from infra.cost.options import parse
from infra.cost.report import report

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; it exits with 2 for arguments that make no sense, otherwise returns 0.

    Also 0 where a limit breaks: the question was answered.
    """
    options = parse(arguments)
    answer = estimate(options.day)
    if options.json:
        print(json.dumps(answer.as_json(), indent=2))
    else:
        print(report(answer))
    return 0


if __name__ == "__main__":
    # Whoever reads the output may have enough of it, as `head` has: then there is nothing to say.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
