"""The migration as a function: as the program, within the function's time."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.migration.epoch import EpochState
from handlers.adapters.migration.schema import LOCK_NAME_SQL
from handlers.adapters.migration.schema import connect as connect_to_mysql
from handlers.domain.errors import InvalidRequestError
from handlers.migrate import migrate_handler
from handlers.retry import SetupError
from local.lambda_context import LambdaContext
from local.migrate import database_address
from tests.support.state import (
    MIGRATIONS,
    add_campaign,
    epoch_of,
    history_of,
    set_epoch,
    statement,
    user_of,
)
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

OURS = (
    "coupon",
    "coupon_event",
    "failed_event",
    "fence_offset",
    "campaign",
    "webhook",
    "webhook_delivery",
    "webhook_expiry",
    "webhook_expiring",
)
WAITING_SQL = (
    "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%GET_LOCK(LEFT%' "
    "AND state = 'User lock' AND id != CONNECTION_ID()"
)


def context(timeout_s: float = 60) -> LambdaContext:
    return LambdaContext("migrate_handler", timeout_s)


@pytest.fixture
def new_topic(service: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"test-{uuid.uuid4().hex}"
    monkeypatch.setenv("COUPON_TOPIC", name)
    wiring.reset()
    return name


@pytest.fixture
def locked(service: Settings) -> Iterator[None]:
    """Another migration that is running."""
    with closing(connect_to_mysql(database_address(service))) as other, other.cursor() as cursor:
        cursor.execute(f"SELECT GET_LOCK({LOCK_NAME_SQL}, 0)")
        assert cursor.fetchone() == (1,)
        yield


def test_everything_is_set_up_once_and_the_second_time_nothing(
    service: Settings, new_topic: str
) -> None:
    for table in OURS:
        statement(service, f"DROP TABLE {table}")
    statement(service, "DELETE FROM _yoyo_migration")
    set_epoch(service, None)
    topic = {"name": new_topic, "partitions": 3}
    assert migrate_handler({"partitions": 3, "replication_factor": 1}, context()) == {
        "schema": MIGRATIONS,
        "user": user_of(service),
        "topic": topic | {"created": True},
        "epoch": "SET",
    }
    assert epoch_of(service) == history_of(service)
    assert migrate_handler({}, context()) == {
        "schema": [],
        "user": user_of(service),
        "topic": topic | {"created": False},
        "epoch": "KNOWN",
    }


def test_a_redis_that_lost_its_campaigns_is_named_and_left_to_the_rebuild(
    service: Settings,
) -> None:
    add_campaign(service)
    set_epoch(service, None)
    assert migrate_handler({}, context())["epoch"] == EpochState.LOST.name
    assert epoch_of(service) is None


@pytest.fixture
def newer(service: Settings) -> Iterator[str]:
    """A migration of a version that comes after this one."""
    name = "9999.from-the-future"
    statement(
        service,
        "INSERT INTO _yoyo_migration (migration_hash, migration_id, applied_at_utc) "
        f"VALUES ('from the future', '{name}', '2026-01-01')",
    )
    yield name
    statement(service, f"DELETE FROM _yoyo_migration WHERE migration_id = '{name}'")


def test_a_database_of_a_newer_version_is_refused_before_anything_is_touched(
    service: Settings, newer: str
) -> None:
    set_epoch(service, None)
    with pytest.raises(SetupError, match=rf"of a newer version, with {newer}: there is no way"):
        migrate_handler({}, context())
    assert epoch_of(service) is None


def test_who_comes_second_waits_for_the_first(service: Settings) -> None:
    address = database_address(service)
    with ThreadPoolExecutor(2) as pool, closing(connect_to_mysql(address)) as first:
        with first.cursor() as cursor:
            cursor.execute(f"SELECT GET_LOCK({LOCK_NAME_SQL}, 0)")
        seconds = [pool.submit(migrate_handler, {}, context()) for _ in range(2)]
        eventually(lambda: statement(service, WAITING_SQL) == [(2,)], "both wait")
        assert not any(second.done() for second in seconds)
        with first.cursor() as cursor:
            cursor.execute(f"SELECT RELEASE_LOCK({LOCK_NAME_SQL})")
        assert [second.result()["schema"] for second in seconds] == [[], []]


@pytest.mark.usefixtures("locked")
def test_a_function_gives_up_before_lambda_ends_it(service: Settings) -> None:
    short = context(timeout_s=4)
    with pytest.raises(SetupError, match="another migration has been running for more than"):
        migrate_handler({}, short)
    assert short.get_remaining_time_in_millis() > 0


def test_an_unreachable_server_is_an_error_within_the_functions_time(
    service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_DATABASE_URL", "mysql://user:sesame@127.0.0.1:1/coupons")
    wiring.reset()
    short = context(timeout_s=2)
    with pytest.raises(SetupError, match=r"MySQL at 127\.0\.0\.1:1 is out of reach") as caught:
        migrate_handler({}, short)
    assert "sesame" not in str(caught.value)
    assert short.get_remaining_time_in_millis() > 0


@pytest.mark.parametrize("count", [0, -1, 1001, "6", 6.0, True])
def test_a_count_that_is_none_is_refused(service: Settings, count: object) -> None:
    with pytest.raises(InvalidRequestError, match="partitions must be a whole number"):
        migrate_handler({"partitions": count}, context())
