"""How a stage reaches its servers: `mysql()`, `redis()`, `producer()`. The lab starts the servers.

By hand, with the settings of a running `make lab STAGE=4 HOLD=1`, a stage is a module like others.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cache
from queue import Empty, LifoQueue
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from pymysql.connections import Connection
from redis import BlockingConnectionPool, Redis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql.cursors import Cursor

    _Connection = Connection[Cursor]
else:
    _Connection = Connection  # generic for type checkers only


TOPIC = "coupon_create"
GROUP = "group_1"
# As many as a Spring Boot application has by default (HikariCP).
POOL_SIZE = 10
# How long apply waits for a connection of the pool. HikariCP waits 30 s; the person does not.
POOL_WAIT_S = 2.5
# MySQL's own limit is a year; an application that takes none has to choose one.
LOCK_WAIT_S = 1
REDIS_CONNECTIONS = 50
REDIS_WAIT_S = 10


class PooledConnection(_Connection):
    """PyMySQL's connection, which also knows whether something is left to roll back."""

    in_transaction = False

    def query(self, sql: str | bytes, unbuffered: bool = False) -> int:  # noqa: FBT001, FBT002 - PyMySQL's signature
        """Send one statement."""
        self.in_transaction = True
        return super().query(sql, unbuffered)

    def commit(self) -> None:
        """Keep what was done."""
        super().commit()
        self.in_transaction = False

    def rollback(self) -> None:
        """Undo what was done."""
        super().rollback()
        self.in_transaction = False


Pool: TypeAlias = LifoQueue["PooledConnection | None"]  # None: a connection not open yet


class PoolIsDryError(Exception):
    """No connection to MySQL became free in time."""


@cache
def redis() -> Redis:
    """Return the client of this process."""
    pool = BlockingConnectionPool.from_url(
        os.environ["REDIS_URL"],
        max_connections=REDIS_CONNECTIONS,
        timeout=REDIS_WAIT_S,
        decode_responses=True,
    )
    return Redis(connection_pool=pool)


@cache
def producer() -> Any:
    """Return the producer of this process: it sends in the background."""
    from kafka import KafkaProducer  # noqa: PLC0415 - most stages have none

    return KafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"])


@contextmanager
def mysql() -> Iterator[PooledConnection]:
    """Lend a connection of the pool; what is not committed in the block is rolled back."""
    pool = _pool()
    connection = take(pool)
    try:
        connection = connection or connect_to_mysql(os.environ["DATABASE_URL"])
        yield connection
        if connection.in_transaction:
            connection.rollback()
    except BaseException:
        # A connection in an unknown state is of no use to the next one.
        if connection:
            connection.close()
        pool.put(None)
        raise
    pool.put(connection)


def take(pool: Pool) -> PooledConnection | None:
    """Return what the pool has, once it has something; raise PoolIsDryError."""
    try:
        return pool.get(timeout=POOL_WAIT_S)
    except Empty:
        message = f"all {POOL_SIZE} connections were in use for {POOL_WAIT_S:g} s"
        raise PoolIsDryError(message) from None


def warm_up(*, with_producer: bool) -> None:
    """Build the clients in one thread: the first threads of a burst would build several."""
    redis()
    _pool()
    if with_producer:
        producer().partitions_for(TOPIC)


def connect_to_mysql(url: str, lock_wait_s: int = LOCK_WAIT_S) -> PooledConnection:
    """Open a connection outside of the pool."""
    parts = urlsplit(url)
    connection = PooledConnection(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=unquote(parts.password or "").encode(),
        database=parts.path.removeprefix("/"),
        init_command=f"SET lock_wait_timeout = {lock_wait_s}, innodb_lock_wait_timeout = 50",
    )
    connection.in_transaction = False
    return connection


@cache
def _pool() -> Pool:
    """Return the pool; None is a connection that is not open yet."""
    pool: Pool = LifoQueue()
    for _ in range(POOL_SIZE):
        pool.put(None)
    return pool
