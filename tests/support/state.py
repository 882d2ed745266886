"""Reads and changes the state of the servers of a test."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from typing import TYPE_CHECKING

import pymysql
import redis

from handlers.adapters.migration.schema import SCHEMA
from handlers.adapters.migration.schema import connect as connect_to_mysql
from handlers.adapters.migration.service_user import ensure_service_user
from handlers.adapters.redis.client import client_of_key, connect
from handlers.adapters.redis.keys import epoch_key
from handlers.retry import RetryDeadline
from local.migrate import database_address, owner_address
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from handlers.config import Settings
    from handlers.database_address import DatabaseAddress

# The names of all migrations, in their order.
MIGRATIONS = sorted(file.stem for file in SCHEMA.glob("*.sql"))


def retry_deadline(wait_s: float = WAIT_S) -> RetryDeadline:
    return RetryDeadline(wait_s, lambda _: None)


def statement(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with closing(connect_to_mysql(owner_address(settings))) as connection:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            rows = list(cursor.fetchall())
        connection.commit()
    return rows


def user_of(settings: Settings) -> dict[str, object]:
    """Return what a migration says about the service's user of migrated servers."""
    addresses = owner_address(settings), database_address(settings)
    return dataclasses.asdict(ensure_service_user(*addresses, retry_deadline()))


def query(address: DatabaseAddress, statement: str) -> tuple[object, ...] | None:
    """Return the first row of an answer of MySQL's, asked with PyMySQL's own defaults."""
    connection = pymysql.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password.encode(),
        database=address.database,
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()


def tables(settings: Settings) -> set[object]:
    sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
    return {name for (name,) in statement(settings, sql)}


def epoch_of(settings: Settings) -> bytes | None:
    with closing(connect(settings)) as client:
        value = client.get(_epoch_key(settings))
        assert value is None or isinstance(value, bytes)
        return value


def history_of(settings: Settings) -> bytes:
    """Return Redis's replication id, which names the history of its writes."""
    with closing(connect(settings)) as client:
        server = client_of_key(client, _epoch_key(settings))
        return str(server.info("replication")["master_replid"]).encode()


def _epoch_key(settings: Settings) -> str:
    return epoch_key(is_cluster=settings.redis_cluster)


def begin_another_history(settings: Settings) -> None:
    """Demote Redis and promote it again: it keeps its data, run_id and connections."""
    with closing(redis.Redis.from_url(settings.redis_url)) as client:
        promote(client)


def promote(client: redis.Redis) -> None:
    """The same through a client; no command of another client comes in between."""
    pipeline = client.pipeline(transaction=True)
    pipeline.execute_command("REPLICAOF", "127.0.0.1", "1")
    pipeline.execute_command("REPLICAOF", "NO", "ONE")
    pipeline.execute()


def set_epoch(settings: Settings, value: str | None) -> None:
    with closing(connect(settings)) as client:
        if value is None:
            client.delete(_epoch_key(settings))
        else:
            client.set(_epoch_key(settings), value)


def add_campaign(settings: Settings) -> None:
    statement(
        settings,
        "INSERT INTO campaign (id, name, quantity, opens_at, closes_at) "
        "VALUES ('one', 'One', 1, '2026-01-01', '2027-01-01')",
    )
