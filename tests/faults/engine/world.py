"""One world: real servers and the real programs on them, kept running over many histories."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pymysql
import redis

from handlers.adapters.migration.patience import Patience
from handlers.adapters.migration.schema import connect as connect_to_mysql
from handlers.adapters.redis_client import connect
from handlers.config import Settings
from local.embedded import running_stack
from local.migrate import database_address, migrate
from local.servers.ports import free_port
from tests.faults import unguarded
from tests.faults.engine.fleet import Fleet
from tests.faults.points import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from threading import Event
    from types import TracebackType

    from local.embedded import KafkaKind

START_S = 60.0
PARTITIONS = 3
LOOK_S = 0.05
# Short enough not to hold a history up, long enough for a busy machine.
ANSWER_S = 2.0
# In an order that the foreign keys allow.
TABLES = ("failed_event", "coupon", "campaign")
# A history has seconds where an outage has minutes.
SHORT = {"PENDING_RESEND_AFTER_S": "1", "KAFKA_ACK_TIMEOUT_MS": "500"}


class StoppedError(Exception):
    """The campaign is being stopped."""


class World:
    """Servers, programs and a folder; as a context manager it leaves nothing behind."""

    def __init__(
        self,
        kafka: KafkaKind,
        stopping: Event,
        without: str = "",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Take the kind of Kafka, what ends all waiting, and the guard to remove, if any."""
        self._kafka_kind: KafkaKind = kafka
        self._stopping = stopping
        self._extra = {
            **SHORT,
            **(settings or {}),
            **({unguarded.VARIABLE: without} if without else {}),
        }
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with self._cleanup:
            self.home = Path(tempfile.mkdtemp(prefix="seonchak-faults-"))
            self._cleanup.callback(shutil.rmtree, self.home, ignore_errors=True)
            self.points = self.home / "points"
            self.points.mkdir()
            self.stack = self._cleanup.enter_context(running_stack(self._kafka_kind))
            given = {**self.stack.settings, **self._extra, FOLDER: str(self.points)}
            self.settings = Settings.from_environment(given)
            migrate(self.settings, Patience(START_S, lambda _: None), PARTITIONS)
            self.port = free_port()
            self.fleet = Fleet(self.home, {**os.environ, **given}, self.port)
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

    def pause(self, seconds: float = LOOK_S) -> None:
        """Wait a moment; raise StoppedError when the campaign is being stopped."""
        if self._stopping.wait(max(0.0, seconds)):
            raise StoppedError

    def heal(self) -> None:
        """End every fault that may still be there, and run everything again."""
        for server in (self.stack.valkey, self.stack.kafka, self.stack.mariadb):
            if server.running:
                self.fleet.thaw(server.pid)
            else:
                server.start()
        self.fleet.start_missing()

    def forget(self) -> None:
        """Empty tables and Redis, but for its epoch: nothing was forgotten, all of it is over."""
        with closing(connect_to_mysql(database_address(self.settings))) as connection:
            with connection.cursor() as cursor:
                for table in TABLES:
                    cursor.execute(f"DELETE FROM {table}")
            connection.commit()
        with closing(connect(self.settings)) as client:
            for key in client.scan_iter("coupon:*", count=1000):
                if key != b"coupon:epoch":
                    client.delete(key)
        for point in self.points.iterdir():
            point.unlink(missing_ok=True)

    def redis(self, timeout_s: float = ANSWER_S) -> Any:
        """Return a client of the engine's own."""
        return closing(
            redis.Redis.from_url(
                self.stack.valkey.url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s
            )
        )

    def mysql(self, timeout_s: float = ANSWER_S) -> pymysql.Connection[Any]:
        """Return a connection of the engine's own."""
        address = database_address(self.settings)
        return pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password.encode(),
            database=address.database,
            autocommit=True,
            connect_timeout=max(1, round(timeout_s)),
            read_timeout=timeout_s,
        )

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what MySQL answers."""
        with closing(self.mysql()) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def armed(self) -> set[str]:
        """Return the named points that nobody has reached yet."""
        with suppress(FileNotFoundError):
            return {point.name for point in self.points.iterdir()}
        return set()
