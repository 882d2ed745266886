"""One cluster: real servers with the real programs on them, running for many histories."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from redis.exceptions import MovedError

from handlers.adapters.kafka.topic_reader import Topic
from handlers.adapters.redis.keys import epoch_key
from handlers.config import Settings
from handlers.retry import RetryDeadline
from local.migrate import migrate
from local.servers import ServerError
from local.servers.ports import free_port
from tests.faults import mutants as unguarded
from tests.faults.engine.fleet import Fleet
from tests.faults.engine.servers import Servers
from tests.faults.points import FOLDER, held
from tests.faults.taps.taps import Taps

if TYPE_CHECKING:
    from threading import Event
    from types import TracebackType

    from local.servers.embedded import KafkaKind
    from tests.faults.engine.servers import RedisKind

START_S = 60.0
PARTITIONS = 3
POLL_INTERVAL_S = 0.05
CONFIRMING = "REDIS_CONFIRMING_REPLICAS"
EPOCHS = {epoch_key(is_cluster=False), epoch_key(is_cluster=True)}
# In an order that the foreign keys allow.
TABLES = (
    "failed_event",
    "webhook_delivery",
    "webhook_expiry",
    "webhook_expiring",
    "webhook",
    "coupon_event",
    "coupon",
    "fence_offset",
    "campaign",
    "faults_note",
)
# A history has seconds where an outage has minutes; a redrive retries as often as needed. An ack
# may take longer than a rebuild does: then a record can come too late for it.
SHORT = {
    "PENDING_RESEND_AFTER_S": "1",
    "KAFKA_ACK_TIMEOUT_MS": "1200",
    "REDRIVE_MAX_ATTEMPTS": "1000",
}


class StoppedError(Exception):
    """The campaign is being stopped."""


class Cluster:
    """Servers, programs and a folder; the context manager removes them all."""

    def __init__(self, kafka: KafkaKind, stopping: Event, redis_kind: RedisKind = "single") -> None:
        """Take the kinds of servers, and the event that ends all waiting."""
        self._redis_kind: RedisKind = redis_kind
        self.kafka: KafkaKind = kafka
        self.stopping = stopping
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with self._cleanup:
            self.home = Path(tempfile.mkdtemp(prefix="seonchak-faults-"))
            self._cleanup.callback(shutil.rmtree, self.home, ignore_errors=True)
            self.points = self.home / "points"
            self.points.mkdir()
            held(self.points).mkdir()
            self.servers = self._cleanup.enter_context(Servers(self.kafka, self._redis_kind))
            self._settings = {**self.servers.settings, **SHORT, FOLDER: str(self.points)}
            self.settings = Settings.from_environment(self._settings)
            migrate(self.settings, RetryDeadline(START_S, lambda _: None), PARTITIONS)
            self.taps = Taps(self.servers, self.settings, self.rows, PARTITIONS)
            self.port = free_port()
            self.fleet = Fleet(self.home, {**os.environ, **self._settings}, self.port)
            self._cleanup.callback(self.fleet.close)
            self.fleet.start_missing()
            self._cleanup = self._cleanup.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def remove_guard(self, guard: str = "", **settings: str) -> None:
        """Run the programs without this guard and with these settings from now on.

        Return when they have consumed what the history before left in the topic. A point that is
        armed next is then reached by a record of the next history.
        """
        self.fleet.kill_all()
        without = {unguarded.VARIABLE: guard} if guard else {}
        self.fleet.environment = {**os.environ, **self._settings, **settings, **without}
        self.heal()
        self._await_consumed()

    def _await_consumed(self) -> None:
        topic, deadline = Topic(self.settings), time.monotonic() + START_S
        while any(topic.lag().values()):
            if time.monotonic() > deadline:
                message = "the programs do not consume what the last history left in the topic"
                raise ServerError(message)
            self.pause()

    def confirm_by(self, replicas: int) -> None:
        """Let so many replicas of Redis confirm admissions; new programs, where that is new."""
        wanted = str(replicas)
        if self.fleet.environment.get(CONFIRMING, "0") != wanted:
            self.fleet.kill_all()
            self.fleet.environment[CONFIRMING] = wanted
            self.fleet.start_missing()

    def pause(self, seconds: float = POLL_INTERVAL_S) -> None:
        """Wait briefly; raise StoppedError when the campaign is being stopped."""
        if self.stopping.wait(max(0.0, seconds)):
            raise StoppedError

    def heal(self) -> None:
        """End every fault that may still be active, and run all programs again."""
        self.servers.heal()
        self.fleet.start_missing()

    def clear(self) -> None:
        """Empty the tables and Redis except its epoch: the history is over, nothing was lost."""
        for table in TABLES:
            self.rows(f"DELETE FROM {table}")
        for redis in self.servers.primaries():
            with redis as client:
                for key in client.scan_iter("coupon:*", count=1000):
                    if key.decode() not in EPOCHS:
                        with suppress(MovedError):  # left behind by a move that was given up
                            client.delete(key)
        for point in (*self.points.iterdir(), *held(self.points).iterdir()):
            point.unlink(missing_ok=True)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return MySQL's result rows."""
        with self.servers.mysql() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def armed(self) -> set[str]:
        """Return the named points that no program has reached yet."""
        with suppress(FileNotFoundError):
            return {point.name for point in self.points.iterdir()}
        return set()
