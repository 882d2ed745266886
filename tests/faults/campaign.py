"""Play fault histories on real servers and real programs: `make faults`.

A seed determines each history: a load of applications, and faults with their times. Once all
is quiet, the rows in MySQL are compared with the responses that clients received. A seed gives the
same faults at the same times again; how processes interleave is up to the machine, so a rare
violation may need several plays of its seed. A history that breaks a promise is saved in
out/faults with the logs of all programs, and shrunk as far as possible.
"""

# ruff: noqa: T201 - a command-line program prints

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

INTERRUPTED = 130  # 128 + SIGINT, as in a shell
PROGRESS_EVERY = 10
COUNT_MAX = 1_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; exit code 0: no promise broken, 1: one was, 2: wrong arguments."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    seeds = range(options.seed, options.seed + options.histories)
    once = (
        [finding.read(options.play)]
        if options.play
        else [draw(seed, options.kafka, options.redis) for seed in seeds]
    )
    histories = once * options.times
    total = len(histories)
    clusters = min(options.clusters, total)
    print(f"{total} histories on {options.kafka}, in {clusters} clusters …", flush=True)
    found: list[Finding] = []

    def played(result: Result, saved: Finding | None) -> None:
        done = len(campaign.tally.results)
        if saved:
            found.append(saved)
            _explain(result, saved)
        if done % PROGRESS_EVERY == 0 or done == total:
            failed = len(campaign.tally.failed)
            print(f"{done}/{total} histories, {failed} broke a promise", flush=True)

    campaign = Campaign(options.kafka, clusters, played, options.redis)
    is_interrupted = False
    try:
        campaign.run(histories)
        if found and not options.play:
            _shrink(found[0], options)
    except KeyboardInterrupt:
        is_interrupted = True
    tally = campaign.tally
    servers = f"{options.kafka}-{options.redis}" if options.redis != "single" else options.kafka
    path = options.json or finding.FOLDER / f"{servers}-{options.seed}-{total}.json"
    tally.write(path)
    print(f"\n{tally.table()}\n{path}")
    for failure in tally.broken_clusters:
        print(f"a cluster could not be used: {failure}", file=sys.stderr)
    if is_interrupted:
        return INTERRUPTED
    return 0 if tally.is_clean and len(tally.results) == total else 1


def _explain(result: Result, saved: Finding) -> None:
    seed = result.scenario.seed
    faults = (str(fault) for fault in result.scenario.faults)
    print(f"\nseed {seed} broke a promise:", *result.violations, *faults, sep="\n  ")
    print(f"  saved in {saved.folder}", flush=True)


def _shrink(first: Finding, options: argparse.Namespace) -> None:
    """Shrink the first of the failing histories, and print how to play it again."""
    seed = first.result.scenario.seed
    print(f"\nmaking seed {seed} small, for {finding.SHRINK_S:.0f} s at most …", flush=True)
    try:
        with Cluster(options.kafka, Event(), options.redis) as cluster:
            path = finding.smallest(cluster, first)
    except BROKEN as error:
        print(f"it could not be made small: {type(error).__name__}: {error}", file=sys.stderr)
    else:
        small = finding.read(path)
        faults = (str(fault) for fault in small.faults)
        print(f"the smallest: {len(small.arrivals)} applications,", *faults, sep="\n  ")
        servers = f"KAFKA={options.kafka} REDIS={options.redis}"
        print(f'play it again: make faults {servers} ARGS="--play {path}"')
    again = f"make faults SEED={seed} KAFKA={options.kafka} REDIS={options.redis}"
    print(f"play all of it again: {again}", flush=True)


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
    add(
        "--redis",
        choices=["single", "replicas", "cluster"],
        default="single",
        help="replicas: with a replica, which lags and is promoted; cluster: three such shards",
    )
    add("--json", type=Path, metavar="FILE", help="where the results go (default: out/faults/…)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
