"""A connection to Kafka that stays open and passes nothing does not hold a rebuild up."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.kafka import connection
from handlers.adapters.kafka.topic_reader import Topic
from handlers.domain.errors import UnavailableError
from local.servers.ports import HOST, free_port
from tests.faults.engine.linked_kafka import LinkedApacheKafka, LinkedTansu
from tests.faults.engine.links import Links
from tests.support.polling import send, with_own_topic
from tests.support.service import message
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from local.servers.embedded import KafkaKind
    from tests.faults.engine.links import Link

RECORDS = 3
# Of a connection that passes nothing, and of the whole read: the one is over long before the other.
IMPATIENT_MS, PATIENT_MS = 1000, 30_000
LIMIT_S = WAIT_S
SHORT_LIMIT_S = 4.0


@pytest.fixture
def linked(settings: Settings, kafka_kind: KafkaKind) -> Iterator[tuple[Settings, Link]]:
    """A broker behind a link, with records in a topic."""
    port = free_port()
    broker = LinkedApacheKafka(port) if kafka_kind == "apache" else LinkedTansu(port)
    with closing(Links()) as links:
        link = links.add(port, broker.port)  # first: a broker's readiness is seen through it
        with broker:
            yield _filled(replace(settings, kafka_bootstrap_servers=(f"{HOST}:{port}",))), link


def _filled(settings: Settings) -> Settings:
    own = with_own_topic(settings)
    send(own, [message("c", f"u{serial}", serial).encode() for serial in range(1, RECORDS + 1)])
    return own


def read_over_a_stranded_connection(settings: Settings, link: Link, limit_s: float) -> int:
    """Return how many records come in time."""
    ends_at = time.monotonic() + limit_s
    backlog = Topic(settings).unconsumed(lambda: time.monotonic() < ends_at)
    link.strand()
    return len(list(backlog.records))


def test_a_rebuild_leaves_a_connection_that_passes_nothing(
    linked: tuple[Settings, Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT_MS", IMPATIENT_MS)
    assert read_over_a_stranded_connection(*linked, LIMIT_S) == RECORDS


def test_with_the_default_of_the_library_it_would_wait_half_a_minute(
    linked: tuple[Settings, Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "REQUEST_TIMEOUT_MS", PATIENT_MS)
    with pytest.raises(UnavailableError, match="time is over"):
        read_over_a_stranded_connection(*linked, SHORT_LIMIT_S)
