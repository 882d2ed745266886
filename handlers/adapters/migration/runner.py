"""The four steps of a migration, in an order that may be interrupted anywhere and repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers.adapters.migration.epoch import EpochState, ensure_epoch
from handlers.adapters.migration.schema import migrate_schema
from handlers.adapters.migration.service_user import ServiceUser, ensure_service_user
from handlers.adapters.migration.topic import (
    PARTITIONS,
    REPLICATION_OF_THE_BROKER,
    TopicResult,
    ensure_topic,
)
from handlers.production import Check, refuse
from handlers.retry import RetryDeadline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.adapters.aws.secrets import Secret
    from handlers.config import Settings
    from handlers.database_address import DatabaseAddress
    from handlers.retry import Report


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """The result of a migration; schema names the migrations that it applied."""

    schema: Sequence[str]
    user: ServiceUser
    topic: TopicResult
    epoch: EpochState


class Migration:
    """Sets up the servers of the settings. Safe to repeat, also in parallel."""

    def __init__(
        self,
        settings: Settings,
        owner: Callable[[], DatabaseAddress],
        service: Callable[[], DatabaseAddress],
        redis_auth: Secret | None = None,
    ) -> None:
        """owner: MySQL as the user that migrates; service: as the user that the service is."""
        self._settings = settings
        self._owner = owner
        self._service = service
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
        """Do all four steps, with one reported line each; raise SetupError when one fails."""
        owner = self._owner()
        # MySQL 8.0.15, which the tests have from Maven's repository, ignores CHECK constraints.
        lenient = self._settings.stage == "local"
        applied = migrate_schema(owner, patience, lenient=lenient)
        patience.report(f"schema: {', '.join(applied) + ' applied' if applied else 'up to date'}")
        user = self._ensure_user(owner, patience)
        topic = ensure_topic(self._settings, patience, partitions, replication)
        patience.report(_line(topic, partitions))
        epoch = ensure_epoch(self._settings, owner, patience, self._redis_auth)
        patience.report(f"coupon:epoch: {epoch}")
        return MigrationResult(applied, user, topic, epoch)

    def _ensure_user(self, owner: DatabaseAddress, patience: RetryDeadline) -> ServiceUser:
        user = ensure_service_user(owner, self._service(), patience)
        patience.report(f"MySQL user {user.name}: {user.done}")
        if user.flaw:
            what = f"about the service's MySQL user {user.name}, {user.flaw}"
            refuse(self._settings, [(Check.DATABASE_OWNER, what)])
        return user


def _line(topic: TopicResult, wanted: int) -> str:
    """Return the line about the topic; the partitions of an existing topic do not change."""
    unchanged = "" if topic.partitions == wanted else f" ({wanted} asked; it stays as it is)"
    state = "created" if topic.created else "is there"
    return f"topic {topic.name}: {state}, {topic.partitions} partitions{unchanged}"
