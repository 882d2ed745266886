"""Servers for tests: those of the settings, else embedded ones, started once per session.

A server that cannot be started fails the tests that need it. TEST_KAFKA=apache takes Apache
Kafka in place of Tansu, TEST_REDIS=cluster a cluster (three primaries, three replicas) in place of
one Valkey. Every test has its own campaign: the topic is never emptied.
"""

from __future__ import annotations

import logging
import os
import sys
import uuid
from contextlib import closing
from typing import TYPE_CHECKING, cast

import pytest

from handlers import log, wiring
from handlers.adapters.migration.epoch import ensure_epoch
from handlers.adapters.migration.schema import connect as connect_to_mysql
from handlers.adapters.redis.client import connect
from handlers.config import Settings
from handlers.retry import RetryDeadline
from local.migrate import database_address, migrate, owner_address
from local.servers import Valkey
from local.servers.embedded import environment_or_embedded
from tests.support.dealing import dealt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.servers.embedded import KafkaKind, RedisKind

# What a busy machine may need for a first reply of servers that already run.
WAIT_S = 30.0
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
)
# Tests of what one server does to its own client, or of one that loses everything at once.
SINGLE_REDIS = "single_redis"
# A test that depends on one of these needs servers.
SERVER_FIXTURES = {"environment", "settings", "clean", "private_valkey"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("TEST_REDIS") == "cluster":
        leave_out(SINGLE_REDIS, config, items)
    for item in items:
        if SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        items[:] = dealt(items, workers)


def leave_out(marker: str, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Do not run the tests with a marker: they are not about the servers of this run."""
    left_out = [item for item in items if item.get_closest_marker(marker)]
    items[:] = [item for item in items if not item.get_closest_marker(marker)]
    config.hook.pytest_deselected(items=left_out)


def say(line: str) -> None:
    """Print progress to stderr, which pytest shows for a failing test."""
    sys.stderr.write(f"{line}\n")


@pytest.fixture(scope="session")
def kafka_kind() -> KafkaKind:
    kind = os.environ.get("TEST_KAFKA", "tansu")
    if kind not in {"tansu", "apache"}:
        pytest.fail(f"TEST_KAFKA must be tansu or apache, not {kind!r}")
    return cast("KafkaKind", kind)


@pytest.fixture(scope="session")
def redis_kind() -> RedisKind:
    kind = os.environ.get("TEST_REDIS", "single")
    if kind not in {"single", "cluster"}:
        pytest.fail(f"TEST_REDIS must be single or cluster, not {kind!r}")
    return cast("RedisKind", kind)


@pytest.fixture(scope="session")
def environment(kafka_kind: KafkaKind, redis_kind: RedisKind) -> Iterator[dict[str, str]]:
    """The environment of programs that use the session's servers; this process has it, too."""
    with (
        pytest.MonkeyPatch.context() as patch,
        environment_or_embedded("auto", kafka_kind, say, redis_kind) as found,
    ):
        for name, value in found.items():
            patch.setenv(name, value)
        settings = Settings.from_environment(found)
        if settings.stage != "local":
            pytest.fail(f"tests empty the tables: they run with STAGE=local, not {settings.stage}")
        migrate(settings, RetryDeadline(WAIT_S, say))
        yield found


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> Settings:
    """The settings of the session's servers, migrated."""
    return Settings.from_environment(environment)


@pytest.fixture
def clean(settings: Settings) -> Settings:
    """The same settings with empty tables and a Redis that knows no campaign."""
    empty_tables(settings)
    forget_campaigns(settings)
    ensure_epoch(settings, database_address(settings), RetryDeadline(WAIT_S, say))
    return settings


@pytest.fixture
def campaign_id() -> str:
    """An id that no other test has: records of other tests in the topic do not affect it."""
    return f"test-{uuid.uuid4().hex[:16]}"


@pytest.fixture
def private_valkey() -> Iterator[Valkey]:
    """A Valkey for one test, to stop, kill and start again."""
    with Valkey() as valkey:
        yield valkey


def empty_tables(settings: Settings) -> None:
    with closing(connect_to_mysql(owner_address(settings))) as connection:
        with connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"DELETE FROM {table}")
        connection.commit()


def forget_campaigns(settings: Settings) -> None:
    """Delete our keys one by one: the Redis may hold other keys, or be a cluster."""
    with closing(connect(settings)) as client:
        for key in client.scan_iter("coupon:*", count=1000):
            client.delete(key)


@pytest.fixture
def service(clean: Settings) -> Iterator[Settings]:
    """Handlers with new clients and empty servers."""
    wiring.reset()
    yield clean
    wiring.reset()


@pytest.fixture
def caplog(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> pytest.LogCaptureFixture:
    """What one test logs. In a process that has logged before, the service's logger keeps it."""
    monkeypatch.setattr(log.LOGGER, "propagate", True)
    caplog.set_level(logging.INFO, log.LOGGER.name)
    return caplog
