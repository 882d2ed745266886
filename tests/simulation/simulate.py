"""Plays histories of the protocol for some minutes, each with another order of steps and faults.

Redis and MySQL are real ones of its own, Kafka is a list in memory, and the test sets the time.
Rounds of histories follow each other, each with its own seed; a round that breaks a promise is
shrunk to the shortest history, and its seed plays it again.
"""

# ruff: noqa: T201 - a command-line program prints

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from handlers.adapters.migration.schema import migrate_schema
from handlers.config import Settings
from handlers.retry import RetryDeadline
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.servers import MariaDB, Valkey
from tests.simulation.cluster import Cluster
from tests.simulation.machine import Violation
from tests.simulation.run import play

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED = 130  # 128 + SIGINT, as in a shell
# Of one round, hence of what a seed plays again.
HISTORIES = 100
START_S = 30.0
SEED_MAX = 2**32


def main() -> int:
    """Run the program; exit code 0: no promise broken, 1: one was, 2: wrong arguments."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        with _cluster() as cluster:
            return _play_rounds(cluster, options)
    except KeyboardInterrupt:
        return INTERRUPTED


def _play_rounds(cluster: Cluster, options: argparse.Namespace) -> int:
    started = time.monotonic()
    first = random.randrange(SEED_MAX) if options.seed is None else options.seed  # noqa: S311
    rounds, broken = 0, 0
    try:
        while not broken and (rounds == 0 or _minutes(started) < options.minutes):
            broken = _play(cluster, first + rounds, options.histories)
            rounds += 1
            _say(cluster, started, rounds)
    finally:
        last = first + rounds - 1
        print(f"{rounds} rounds, seeds {first} to {last}: {broken or 'none'} broke a promise")
    return 1 if broken else 0


def _play(cluster: Cluster, seed: int, histories: int) -> int:
    """Play a round; return how many broke a promise, after printing its history."""
    try:
        play(cluster, histories, seed=seed)
    except Violation as violation:
        print(f"\nseed {seed}:\n{violation}\n")
        print("\n".join(getattr(violation, "__notes__", [])))
        print(f"play it again: make simulate SEED={seed} MINUTES=0 ARGS='--histories {histories}'")
        return 1
    return 0


def _say(cluster: Cluster, started: float, rounds: int) -> None:
    steps, minutes = cluster.steps, _minutes(started)
    print(
        f"{rounds} rounds, {cluster.histories} histories, {steps} steps,"
        f" {steps / minutes:.0f} steps a minute;"
        f" the model has judged {cluster.journal.events if cluster.journal else 0} events",
        flush=True,
    )


def _minutes(started: float) -> float:
    return (time.monotonic() - started) / 60


@contextmanager
def _cluster() -> Iterator[Cluster]:
    print("starting Valkey and MariaDB …", flush=True)
    with Valkey() as valkey, MariaDB() as mariadb:
        environment = {
            **DEVELOPMENT_SETTINGS,
            "REDIS_URL": valkey.url,
            "DATABASE_URL": mariadb.url,
            "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",  # required, and never connected to
        }
        settings = Settings.from_environment(environment)
        assert settings.database_address
        migrate_schema(settings.database_address, RetryDeadline(START_S, print), lenient=True)
        with Cluster(settings, judged=True) as cluster:
            yield cluster


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.simulate",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--minutes", type=float, default=1.0, help="no new round after this; 0: one")
    add("--histories", type=int, default=HISTORIES, help="of each round")
    add("--seed", type=int, help="of the first round; each next one has the next seed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
