"""Plays fault histories on real servers and real programs: `make faults`.

Each history is drawn from its seed: a load of applications, and faults at moments of it. When all
is quiet again, what stands in MySQL is held against what every client was told. A seed draws the
same faults at the same moments again; how processes interleave is the machine's affair, so a rare
violation may need its seed played several times.
"""

# ruff: noqa: T201 - a program for people prints

from __future__ import annotations

import argparse
import itertools
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.engine.campaign import Campaign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.engine.history import Result

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
FOLDER = Path("out/faults")
PROGRESS_EVERY = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; exit code 0: no promise broken, 1: one was, 2: wrong arguments."""
    options = _parser().parse_args(arguments)
    campaign = Campaign(options.kafka, min(options.worlds, options.histories))
    seeds = range(options.seed, options.seed + options.histories)
    repeated = itertools.chain.from_iterable(itertools.repeat(seeds, options.times))
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    total = options.histories * options.times
    print(f"{total} histories on {options.kafka}, in {options.worlds} worlds …", flush=True)

    def report(result: Result, tails: list[str]) -> None:
        done = len(campaign.tally.results)
        if result.violations:
            _explain(result, tails, options.kafka)
        if done % PROGRESS_EVERY == 0 or done == total:
            failed = len(campaign.tally.failed)
            print(f"{done}/{total} histories, {failed} broke a promise", flush=True)

    interrupted = False
    try:
        campaign.run(repeated, report)
    except KeyboardInterrupt:
        interrupted = True
    tally = campaign.tally
    path = options.json or FOLDER / f"{options.kafka}-{options.seed}-{total}.json"
    tally.write(path)
    print(f"\n{tally.table()}\n{path}")
    for world in tally.broken_worlds:
        print(f"a world could not be used: {world}", file=sys.stderr)
    if interrupted:
        return INTERRUPTED
    return 0 if tally.is_clean and len(tally.results) == total else 1


def _explain(result: Result, tails: list[str], kafka: str) -> None:
    seed = result.scenario.seed
    print(f"\nseed {seed}:", *result.violations, *result.log, *tails, sep="\n  ")
    print(f"play it again: make faults SEED={seed} N=1 KAFKA={kafka}", flush=True)


def _count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 1_000_000:
        message = "must be 1 to 1000000"
        raise argparse.ArgumentTypeError(message)
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.campaign",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--histories", type=_count, default=60, help="how many seeds to play")
    add("--seed", type=int, default=1, help="the first of them")
    add("--times", type=_count, default=1, help="how often to play each")
    add("--worlds", type=_count, default=4, help="sets of servers and programs side by side")
    add("--kafka", choices=["tansu", "apache"], default="tansu", help="Apache Kafka needs Java")
    add("--json", type=Path, metavar="FILE", help="where the results go (default: out/faults/…)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
