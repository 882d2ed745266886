"""handlers/adapters/kafka/client.py: a client that cannot connect leaves nothing behind."""

from __future__ import annotations

import dataclasses
import gc
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

from handlers.adapters.kafka import connection
from handlers.adapters.kafka.topic_reader import Topic
from handlers.adapters.migration.topic import ensure_topic
from handlers.config import Settings
from handlers.domain.errors import UnavailableError
from handlers.retry import RetryDeadline, SetupError
from local.poll_runner.consumer import build_consumer
from local.servers.ports import HOST, free_port
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_MS = 300
ATTEMPTS = 3


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A broker that takes connections, and never says a word."""
    monkeypatch.setattr(connection, "BOOTSTRAP_TIMEOUT_MS", TIMEOUT_MS)
    with socket.create_server((HOST, 0)) as server:
        yield at(server.getsockname()[1])


def at(port: int) -> Settings:
    settings = Settings.from_environment(ENVIRONMENT)
    return dataclasses.replace(settings, kafka_bootstrap_servers=(f"{HOST}:{port}",))


def held() -> tuple[int, int]:
    """Return how many descriptors are open and how many threads run."""
    gc.collect()
    return len(list(Path("/dev/fd").iterdir())), threading.active_count()


def unread(settings: Settings) -> None:
    for _ in range(ATTEMPTS):
        with pytest.raises(UnavailableError, match="Kafka gave no answer"):
            Topic(settings).unconsumed()


def test_readers_of_the_topic_that_find_a_silent_broker_leave_nothing(silent: Settings) -> None:
    unread(silent)  # what is made once
    before = held()
    unread(silent)
    assert held() == before


def test_poll_runners_that_find_a_silent_broker_leave_nothing(silent: Settings) -> None:
    unread(silent)
    before = held()
    for _ in range(ATTEMPTS):
        with pytest.raises(KafkaError):
            build_consumer(silent, 10_000, 60)
    assert held() == before


def test_migrations_that_find_a_silent_broker_leave_nothing(silent: Settings) -> None:
    unread(silent)
    before = held()
    with pytest.raises(SetupError):
        ensure_topic(silent, RetryDeadline(2 * TIMEOUT_MS / 1000, lambda _: None))
    assert held() == before


def test_control_readers_with_the_librarys_own_client_leave_threads(
    silent: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    unread(silent)
    _, before = held()
    made: list[KafkaNetClient] = []

    def own(**options: object) -> KafkaNetClient:
        made.append(KafkaNetClient(**options))
        return made[-1]

    monkeypatch.setattr(connection, "NetworkClient", own)
    unread(silent)
    assert held()[1] == before + ATTEMPTS
    for client in made:
        client.close()


def test_a_reader_gives_up_at_once_where_every_broker_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Longer than a test may take.
    monkeypatch.setattr(connection, "BOOTSTRAP_TIMEOUT_MS", 3_600_000)
    before = held()[1]
    unread(at(free_port()))
    assert held()[1] == before
