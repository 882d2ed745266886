"""The three steps of a migration, in an order that may be interrupted anywhere and repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.adapters.migration.epoch import EpochState, ensure_epoch
from handlers.adapters.migration.schema import migrate_schema
from handlers.adapters.migration.topic import (
    PARTITIONS,
    REPLICATION_OF_THE_BROKER,
    TopicResult,
    ensure_topic,
)
from handlers.retry import RetryDeadline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.adapters.aws.secrets import Secret
    from handlers.config import DatabaseAddress, Settings
    from handlers.retry import Report


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """The result of a migration; schema names the migrations that it applied."""

    schema: Sequence[str]
    topic: TopicResult
    epoch: EpochState


class Migration:
    """Sets up the servers of the settings. Safe to repeat, also in parallel."""

    def __init__(
        self,
        settings: Settings,
        address: Callable[[], DatabaseAddress],
        redis_auth: Secret | None = None,
    ) -> None:
        self._settings = settings
        self._address = address
        self._redis_auth = redis_auth

    def run_within(
        self, seconds: float, report: Report, partitions: int | None, replication: int | None
    ) -> MigrationResult:
        """Do the same as `run`, within so many seconds or not at all."""
        patience = RetryDeadline(seconds, report, hard=True)
        return self.run(
            patience, partitions or PARTITIONS, replication or REPLICATION_OF_THE_BROKER
        )

    def run(
        self,
        patience: RetryDeadline,
        partitions: int = PARTITIONS,
        replication: int = REPLICATION_OF_THE_BROKER,
    ) -> MigrationResult:
        """Do all three steps, with one reported line each; raise SetupError when one fails."""
        address = self._address()
        # MySQL 8.0.15, which the tests have from Maven's repository, ignores CHECK constraints.
        lenient = self._settings.stage == "local"
        applied = migrate_schema(address, patience, lenient=lenient)
        patience.report(f"schema: {', '.join(applied) + ' applied' if applied else 'up to date'}")
        topic = ensure_topic(self._settings, patience, partitions, replication)
        patience.report(_line(topic, partitions))
        epoch = ensure_epoch(self._settings, address, patience, self._redis_auth)
        patience.report(f"coupon:epoch: {epoch}")
        return MigrationResult(applied, topic, epoch)


def _line(topic: TopicResult, wanted: int) -> str:
    """Return the line about the topic; the partitions of an existing topic do not change."""
    unchanged = "" if topic.partitions == wanted else f" ({wanted} asked; it stays as it is)"
    state = "created" if topic.created else "is there"
    return f"topic {topic.name}: {state}, {topic.partitions} partitions{unchanged}"
