"""Sets up the servers of the settings: schema, the service's MySQL user, topic, epoch in Redis.

Safe to repeat; two runs at once do no harm. MIGRATION_DATABASE_URL names the MySQL user that owns
the tables, and that makes the service's user, which DATABASE_URL names. Without it the service's
user owns the tables, which only STAGE=local accepts. A Redis that restarted or lost its state stays
as it is: `python -m local.rebuild` restores it.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from handlers.adapters.aws.secret_store import SecretStore
from handlers.adapters.migration.epoch import EpochState
from handlers.adapters.migration.runner import Migration
from handlers.adapters.migration.topic import PARTITIONS, REPLICATION_OF_THE_BROKER
from handlers.config import ConfigurationError, Settings
from handlers.domain.errors import ServiceError
from handlers.retry import RetryDeadline, SetupError
from local.cli import decimal, integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.database_address import DatabaseAddress

# Enough for servers that are just starting, including Apache Kafka in a container.
WAIT_S = 30.0
WAIT_S_MAX = 3600
# More partitions than any consumer group here could use; rejects typing errors.
COUNT_MAX = 1000
INTERRUPTED = 130  # 128 + SIGINT, as in shells


def migrate(
    settings: Settings,
    deadline: RetryDeadline,
    partitions: int = PARTITIONS,
    replication: int = REPLICATION_OF_THE_BROKER,
) -> None:
    """Do all four steps, and report one line for each; raise SetupError when one fails."""
    store = SecretStore(settings)
    steps = Migration(settings, store.migration_address, store.database_address, store.redis_auth())
    done = steps.run(deadline, partitions, replication)
    if done.epoch in {EpochState.LOST, EpochState.RESTARTED}:
        deadline.report("the scheduler does that within seconds; at once: python -m local.rebuild")


def database_address(settings: Settings) -> DatabaseAddress:
    """Return MySQL's address, from DATABASE_URL or from the secret DATABASE_SECRET_ID."""
    return SecretStore(settings).database_address()


def owner_address(settings: Settings) -> DatabaseAddress:
    """Return the same with the user that migrates: it owns the tables."""
    return SecretStore(settings).migration_address()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
        deadline = RetryDeadline(options.wait, _say)
        migrate(settings, deadline, options.partitions, options.replication_factor)
    except (ConfigurationError, SetupError, ServiceError) as error:
        print(f"migrate: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("migrate: interrupted; it may be run again", file=sys.stderr)
        return INTERRUPTED
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.migrate",
        description=__doc__,
        epilog="The servers are those of REDIS_URL, KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL.",
    )
    parser.add_argument(
        "--wait",
        type=decimal(0, WAIT_S_MAX),
        default=WAIT_S,
        metavar="SECONDS",
        help="how long to wait for servers that are still starting (default: %(default)g)",
    )
    parser.add_argument(
        "--partitions",
        type=integer(1, COUNT_MAX),
        default=PARTITIONS,
        metavar="N",
        help="partitions of a new topic (default: %(default)s)",
    )
    parser.add_argument(
        "--replication-factor",
        type=integer(1, COUNT_MAX),
        default=REPLICATION_OF_THE_BROKER,
        metavar="N",
        help="copies of a new topic (default: what the brokers have as their default)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
