"""Sets up the servers of the settings: schema, topic, and the mark in Redis. Safe to repeat.

Also two at once do no harm. A Redis that restarted or lost its state is not touched:
`python -m local.rebuild` brings it back.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from handlers.config import ConfigurationError, DatabaseAddress, Settings
from handlers.domain.errors import ServiceError
from local.migration.epoch import EpochState, ensure_epoch
from local.migration.schema import migrate_schema
from local.migration.topic import PARTITIONS, REPLICATION_OF_THE_BROKER, Topic, ensure_topic
from local.waiting import Patience, SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ensure_epoch", "ensure_topic", "main", "migrate", "migrate_schema"]

# Servers that were started a moment ago are up within it, Apache Kafka in a container included.
WAIT_S = 30.0
WAIT_S_MAX = 3600
# More partitions than any consumer group here could use; a slip of the finger is refused.
COUNT_MAX = 1000
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def migrate(
    settings: Settings,
    patience: Patience,
    partitions: int = PARTITIONS,
    replication: int = REPLICATION_OF_THE_BROKER,
) -> EpochState:
    """Do all three steps, one line each; raise SetupError when one fails."""
    address = database_address(settings)
    applied = migrate_schema(address, patience)
    patience.report(f"schema: {', '.join(applied) + ' applied' if applied else 'up to date'}")
    topic = ensure_topic(settings, patience, partitions, replication)
    patience.report(_about(topic, partitions))
    state = ensure_epoch(settings, address, patience)
    patience.report(f"coupon:epoch: {state}")
    return state


def database_address(settings: Settings) -> DatabaseAddress:
    """Return where MySQL is, from DATABASE_URL or from the secret DATABASE_SECRET_ID."""
    if settings.database_address:
        return settings.database_address
    from handlers.adapters import secrets  # noqa: PLC0415 - AWS's library only where it is used

    return secrets.database_address(settings.database_secret_id)


def _about(topic: Topic, wanted: int) -> str:
    """Return the line about the topic; an existing one keeps the partitions that it has."""
    kept = "" if topic.partitions == wanted else f" ({wanted} asked; it stays as it is)"
    state = "created" if topic.created else "is there"
    return f"topic {topic.name}: {state}, {topic.partitions} partitions{kept}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment()
        patience = Patience(options.wait, _say)
        migrate(settings, patience, options.partitions, options.replication_factor)
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
        type=_seconds,
        default=WAIT_S,
        metavar="SECONDS",
        help="how long to wait for servers that are still starting (default: %(default)g)",
    )
    parser.add_argument(
        "--partitions",
        type=_count,
        default=PARTITIONS,
        metavar="N",
        help="partitions of a new topic (default: %(default)s)",
    )
    parser.add_argument(
        "--replication-factor",
        type=_count,
        default=REPLICATION_OF_THE_BROKER,
        metavar="N",
        help="copies of a new topic (default: what the brokers have as their default)",
    )
    return parser


def _seconds(text: str) -> float:
    if not text.isdecimal() or int(text) > WAIT_S_MAX:
        message = f"{text!r} is no number of seconds: 0 to {WAIT_S_MAX}"
        raise argparse.ArgumentTypeError(message)
    return float(text)


def _count(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= COUNT_MAX:
        message = f"{text!r} is no number from 1 to {COUNT_MAX}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
