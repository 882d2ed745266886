"""Plays fault histories on real servers and real programs: `make faults`.

Each history is drawn from its seed: a load of applications, and faults at moments of it. When all
is quiet again, what stands in MySQL is held against what every client was told. A seed draws the
same faults at the same moments again; how processes interleave is the machine's affair, so a rare
violation may need its seed played several times. A history that breaks a promise is kept in
out/faults with the logs of all programs, and made as small as it goes.
"""

# ruff: noqa: T201 - a program for people prints

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from local.cli import integer
from tests.faults.engine import finding
from tests.faults.engine.campaign import BROKEN, Campaign
from tests.faults.engine.cluster import Cluster
from tests.faults.engine.draw import draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.engine.finding import Finding
    from tests.faults.engine.history import Result

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
PROGRESS_EVERY = 10
COUNT_MAX = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; exit code 0: no promise broken, 1: one was, 2: wrong arguments."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    seeds = range(options.seed, options.seed + options.histories)
    once = [finding.read(options.play)] if options.play else [draw(s, options.kafka) for s in seeds]
    histories = once * options.times
    total = len(histories)
    clusters = min(options.clusters, total)
    print(f"{total} histories on {options.kafka}, in {clusters} worlds …", flush=True)
    found: list[Finding] = []

    def played(result: Result, kept: Finding | None) -> None:
        done = len(campaign.tally.results)
        if kept:
            found.append(kept)
            _explain(result, kept)
        if done % PROGRESS_EVERY == 0 or done == total:
            failed = len(campaign.tally.failed)
            print(f"{done}/{total} histories, {failed} broke a promise", flush=True)

    campaign = Campaign(options.kafka, clusters, played)
    is_interrupted = False
    try:
        campaign.run(histories)
        if found and not options.play:
            _shrink(found[0], options)
    except KeyboardInterrupt:
        is_interrupted = True
    tally = campaign.tally
    path = options.json or finding.FOLDER / f"{options.kafka}-{options.seed}-{total}.json"
    tally.write(path)
    print(f"\n{tally.table()}\n{path}")
    for cluster in tally.broken_worlds:
        print(f"a world could not be used: {cluster}", file=sys.stderr)
    if is_interrupted:
        return INTERRUPTED
    return 0 if tally.is_clean and len(tally.results) == total else 1


def _explain(result: Result, kept: Finding) -> None:
    seed = result.scenario.seed
    faults = (str(fault) for fault in result.scenario.faults)
    print(f"\nseed {seed} broke a promise:", *result.violations, *faults, sep="\n  ")
    print(f"  kept in {kept.folder}", flush=True)


def _shrink(first: Finding, options: argparse.Namespace) -> None:
    """Make the first of the failing histories small, and say how to play it again."""
    seed = first.result.scenario.seed
    print(f"\nmaking seed {seed} small, for {finding.SHRINK_S:.0f} s at most …", flush=True)
    try:
        with Cluster(options.kafka, Event()) as cluster:
            path = finding.smallest(cluster, first)
    except BROKEN as error:
        print(f"it could not be made small: {type(error).__name__}: {error}", file=sys.stderr)
    else:
        small = finding.read(path)
        faults = (str(fault) for fault in small.faults)
        print(f"the smallest: {len(small.arrivals)} applications,", *faults, sep="\n  ")
        print(f'play it again: make faults KAFKA={options.kafka} ARGS="--play {path}"')
    print(f"play all of it again: make faults SEED={seed} KAFKA={options.kafka}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.campaign",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--histories", type=integer(1, COUNT_MAX), default=60, help="how many seeds to play")
    add("--seed", type=int, default=1, help="the first of them")
    add("--times", type=integer(1, COUNT_MAX), default=1, help="how often to play each")
    add("--play", type=Path, metavar="FILE", help="play this history, not one of a seed")
    add(
        "--clusters",
        type=integer(1, COUNT_MAX),
        default=4,
        help="sets of servers and programs side by side",
    )
    add("--kafka", choices=["tansu", "apache"], default="tansu", help="Apache Kafka needs Java")
    add("--json", type=Path, metavar="FILE", help="where the results go (default: out/faults/…)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
