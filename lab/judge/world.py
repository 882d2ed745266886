"""The servers of the lab: started once, emptied before each scenario, struck by the faults."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pymysql
import redis
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from lab.servers import GROUP, TOPIC, connect_to_mysql
from local.dev_settings import DEVELOPMENT_SETTINGS
from local.servers import MariaDB, Tansu, Valkey
from local.servers.scoped import Scoped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# A copy on disk only when the lab takes one: then a restart goes back to exactly that moment.
COPIES_BY_HAND = {"appendonly": "no"}
# Which migrations were applied: the ninth stage migrates once, not before each scenario.
KEPT_TABLES = "yoyo"
# A process that was killed in a transaction holds its locks until MySQL notices.
CLEAR_S = 10
# What every stage has to have, whatever else its tables hold.
COUPONS = "SELECT user_id FROM coupon"
# A poll that finds nothing for so long has found the end of the topic.
READ_MS = 30


class TableError(Exception):
    """MySQL refuses one of the stage's tables: the statement, and MySQL's reason."""


class World(Scoped):
    """Redis, Kafka and MySQL."""

    def __init__(self) -> None:
        self.valkey = Valkey(options=COPIES_BY_HAND)
        self.kafka = Tansu()
        self.mariadb = MariaDB()
        self._servers = (self.valkey, self.kafka, self.mariadb)
        self._topic_reader: Any = None

    @property
    def environment(self) -> dict[str, str]:
        """The settings of a stage, by which it finds the servers."""
        return {
            **DEVELOPMENT_SETTINGS,
            "REDIS_URL": self.valkey.url,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.url,
            "DATABASE_URL": self.mariadb.url,
            # Else the one of the shell that runs the lab, or of its tests, would count.
            "MIGRATION_DATABASE_URL": self.mariadb.url,
            "COUPON_TOPIC": TOPIC,
            "CONSUMER_GROUP": GROUP,
            # Shorter than in production, so that a run need not wait.
            "PENDING_RESEND_AFTER_S": "1",
            "APPLY_RATE_PER_S": "0",
        }

    def start(self) -> None:
        """Start the servers; raise ServerError when one does not start."""
        for server in self._servers:
            server.launch()
        for server in self._servers:
            server.wait_until_ready()
        self.create_topic()

    def remove(self) -> None:
        """End the servers and remove their data."""
        if self._topic_reader:
            self._topic_reader.close()
        for server in self._servers:
            server.remove()

    def create_topic(self) -> None:
        """Create the topic with one partition: the order of the records is easy to see."""
        with closing(KafkaAdminClient(bootstrap_servers=self.kafka.url)) as admin:
            admin.create_topics([NewTopic(TOPIC, 1, 1)])

    def clear(self, tables: Sequence[str] | None) -> None:
        """Empty Redis, and create the tables; None: keep the tables that there are, empty."""
        with closing(redis.Redis.from_url(self.valkey.url)) as client:
            client.flushall()
        with (
            closing(connect_to_mysql(self.mariadb.url, CLEAR_S)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SET foreign_key_checks = 0")
            cursor.execute("SHOW TABLES")
            for (name,) in cursor.fetchall():
                if tables is not None:
                    cursor.execute(f"DROP TABLE `{name}`")
                elif KEPT_TABLES not in name:
                    cursor.execute(f"TRUNCATE TABLE `{name}`")
            cursor.execute("SET foreign_key_checks = 1")
            for statement in tables or ():
                try:
                    cursor.execute(statement)
                except pymysql.Error as error:
                    raise TableError(statement, error.args[-1]) from error
            connection.commit()

    def rows(self) -> list[str]:
        """Return the user id of each coupon in MySQL; raise TableError without such a table."""
        try:
            return [str(user_id) for (user_id,) in self._query(COUPONS)]
        except (pymysql.ProgrammingError, pymysql.OperationalError) as error:
            statement = ""  # none of the stage's is wrong by itself
            raise TableError(statement, f"{COUPONS}: {error.args[-1]}") from error

    def state(self) -> tuple[Any, ...]:
        """Return what changes as long as work is under way: counts in MySQL, and the offsets."""
        counts = [
            self._query(f"SELECT COUNT(*) FROM `{name}`")  # noqa: S608 - MySQL names it itself
            for (name,) in self._query("SHOW TABLES")
            if name in {"coupon", "failed_event"}
        ]
        return (*counts, self.committed(), self.ends())

    def ends(self) -> dict[int, int]:
        """Return the offset behind the last record of each partition.

        It reads to the end: what Tansu says about its end is older than what it delivers.
        """
        reader = self._reader()
        while reader.poll(timeout_ms=READ_MS):
            pass  # only the position behind the records is asked for
        return {each.partition: reader.position(each) for each in reader.assignment()}

    def committed(self) -> dict[int, int]:
        """Return the offset that the group has committed, by partition."""
        with closing(KafkaConsumer(bootstrap_servers=self.kafka.url, group_id=GROUP)) as consumer:
            found = {}
            for partition in consumer.partitions_for_topic(TOPIC) or ():
                found[partition] = consumer.committed(TopicPartition(TOPIC, partition)) or 0
        return found

    @contextmanager
    def locked_coupons(self, seconds: float) -> Iterator[None]:
        """Lock the table coupon for so long, as an ALTER TABLE does, from the block's begin on."""
        with (
            closing(connect_to_mysql(self.mariadb.url, CLEAR_S)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("LOCK TABLES coupon WRITE")
            timer = threading.Timer(seconds, cursor.execute, ["UNLOCK TABLES"])
            timer.start()
            try:
                yield
            finally:
                timer.join()

    def copy_redis(self) -> None:
        """Write what Redis knows to its disk."""
        with closing(redis.Redis.from_url(self.valkey.url)) as client:
            client.save()

    def restart_redis(self) -> None:
        """Kill Redis; start it with the last copy."""
        self.valkey.kill()
        self.valkey.start()

    def _reader(self) -> Any:
        if self._topic_reader is None:
            self._topic_reader = KafkaConsumer(
                bootstrap_servers=self.kafka.url, enable_auto_commit=False
            )
            found = self._topic_reader.partitions_for_topic(TOPIC)
            partitions = [TopicPartition(TOPIC, partition) for partition in found]
            self._topic_reader.assign(partitions)
            self._topic_reader.seek_to_beginning(*partitions)
        return self._topic_reader

    def _query(self, statement: str) -> Sequence[tuple[Any, ...]]:
        with (
            closing(connect_to_mysql(self.mariadb.url)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall()
