"""handlers/adapters/kafka/client.py: a client that cannot connect leaves nothing behind."""

from __future__ import annotations

import dataclasses
import gc
import socket
import ssl
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer
from kafka.errors import KafkaError, KafkaTimeoutError, SaslAuthenticationFailedError
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager

from handlers.adapters.kafka import connection
from handlers.adapters.kafka.client import NetworkClient
from handlers.adapters.kafka.publisher import Publisher
from handlers.adapters.kafka.topic_reader import Topic
from handlers.adapters.migration.topic import ensure_topic
from handlers.config import KafkaSecurity, Settings
from handlers.domain.errors import UnavailableError
from handlers.retry import RetryDeadline, SetupError
from local.poll_runner.consumer import FATAL_ERRORS, build_consumer
from local.servers import kafka_protocol
from local.servers.ports import HOST, free_port
from tests.support.tls import Authority, tls_in_front_of
from tests.unit.conftest import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

TIMEOUT_MS = 300
ATTEMPTS = 3


@pytest.fixture(params=KafkaSecurity)
def silent(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """A broker that takes connections, and never says a word."""
    monkeypatch.setattr(connection, "BOOTSTRAP_TIMEOUT_MS", TIMEOUT_MS)
    with socket.create_server((HOST, 0)) as server:
        yield at(server.getsockname()[1], request.param)


def at(port: int, security: KafkaSecurity = KafkaSecurity.PLAINTEXT) -> Settings:
    settings = Settings.from_environment(ENVIRONMENT)
    return dataclasses.replace(
        settings,
        kafka_bootstrap_servers=(f"{HOST}:{port}",),
        kafka_security=security,
        kafka_ack_timeout_ms=TIMEOUT_MS,
        aws_region="eu-west-1",
    )


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


def test_a_publisher_that_finds_a_silent_broker_leaves_nothing_and_goes_on(
    silent: Settings,
) -> None:
    unread(silent)
    before = held()
    with closing(Publisher(silent)) as publisher:
        for _ in range(ATTEMPTS):
            with pytest.raises(UnavailableError, match="Kafka gave no answer"):
                publisher.ping()
    assert held() == before


def test_a_broker_with_tls_proves_its_name(settings: Settings, authority: Authority) -> None:
    [server] = settings.kafka_bootstrap_servers
    port, context = int(server.rpartition(":")[2]), authority.server_context("localhost")
    with tls_in_front_of(port, context) as there:
        first_contact(f"localhost:{there}", authority)
        with pytest.raises(KafkaError):
            first_contact(f"{HOST}:{there}", authority)


def first_contact(server: str, authority: Authority) -> None:
    """Read over TLS which brokers there are; their own addresses do not lead through it."""
    context = ssl.create_default_context(cafile=str(authority.file))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    options = {"security_protocol": "SSL", "ssl_context": context, "kafka_client": NetworkClient}
    KafkaConsumer(bootstrap_servers=[server], group_id=None, **options).close()


def test_a_broker_that_refuses_who_we_are_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(manager: KafkaConnectionManager, *_: object) -> None:
        manager._auth_failures["bootstrap-0"] = SaslAuthenticationFailedError()
        raise KafkaTimeoutError

    monkeypatch.setattr(KafkaConnectionManager, "bootstrap", refused)
    with pytest.raises(FATAL_ERRORS):
        build_consumer(at(free_port()), 10_000, 60)


def test_a_broker_that_starts_slowly_is_asked_again_and_again_and_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka_protocol, "REPLY_TIMEOUT_S", TIMEOUT_MS / 1000)
    with socket.create_server((HOST, 0)) as silent:
        port = silent.getsockname()[1]
        assert not kafka_protocol.lists_a_broker(port)
        before = held()
        assert not any(kafka_protocol.lists_a_broker(port) for _ in range(ATTEMPTS))
        assert held() == before


def test_migrations_that_find_a_silent_broker_leave_nothing(silent: Settings) -> None:
    unread(silent)
    before = held()
    with pytest.raises(SetupError):
        ensure_topic(silent, RetryDeadline(2 * TIMEOUT_MS / 1000, lambda _: None))
    assert held() == before


# With TLS they would wait here for ever.
@pytest.mark.parametrize("silent", [KafkaSecurity.PLAINTEXT], indirect=True)
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
