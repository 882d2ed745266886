"""GET /ready on real servers: no connection a call, the truth within seconds, readers unharmed."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.kafka.publisher import FAILURES_MAX, Publisher
from handlers.domain.errors import UnavailableError
from local.servers.ports import HOST, free_port
from tests.faults.engine.linked_kafka import LinkedApacheKafka, LinkedTansu
from tests.faults.engine.links import LinkMode, Links
from tests.support.gateway import ask as ask_gateway
from tests.support.log_lines import parsed
from tests.support.polling import with_own_topic
from tests.support.programs import running
from tests.support.service import ask
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from local.servers.embedded import KafkaKind
    from tests.faults.engine.links import Link

CALLS = 50
# The first contact, which learns the brokers' addresses, and the connection that is kept.
CONNECTIONS_OF_A_PRODUCER = 2
THREADS = 2
READY = {"status": "ready", "redis": "ok", "kafka": "ok", "mysql": "ok"}


@pytest.fixture
def linked(service: Settings, kafka_kind: KafkaKind) -> Iterator[tuple[Settings, Link]]:
    """The service with a Kafka of its own, behind a link."""
    port = free_port()
    broker = LinkedApacheKafka(port) if kafka_kind == "apache" else LinkedTansu(port)
    with closing(Links()) as links:
        link = links.add(port, broker.port)  # first: a broker's readiness is seen through it
        with broker:
            there = replace(service, kafka_bootstrap_servers=(f"{HOST}:{port}",))
            own = with_own_topic(replace(there, kafka_ack_timeout_ms=1000))
            with wiring.override(wiring.settings, own):
                yield own, link
            wiring.reset()


def test_any_number_of_probes_opens_no_connection_to_kafka(linked: tuple[Settings, Link]) -> None:
    settings, link = linked
    before = link.accepted
    with closing(Publisher(settings)) as publisher:
        publisher.ping()
        assert link.accepted == before + CONNECTIONS_OF_A_PRODUCER
        for _ in range(CALLS):
            publisher.ping()
        assert link.accepted == before + CONNECTIONS_OF_A_PRODUCER


def test_control_a_client_for_each_probe_opens_connections_each_time(
    linked: tuple[Settings, Link],
) -> None:
    settings, link = linked
    before = link.accepted
    for _ in range(3):
        with closing(Publisher(settings)) as publisher:
            publisher.ping()
    assert link.accepted == before + 3 * CONNECTIONS_OF_A_PRODUCER


def test_a_client_that_has_failed_again_and_again_is_made_anew_and_kafka_is_ready_once_it_is_back(
    linked: tuple[Settings, Link],
) -> None:
    settings, link = linked
    with closing(Publisher(settings)) as publisher:
        publisher.ping()
        kept = publisher._producer
        link.refuse()
        for _ in range(FAILURES_MAX):
            assert publisher._producer is kept
            with pytest.raises(UnavailableError):
                publisher.ping()
        assert publisher._producer is None
        link.heal()
        publisher.ping()


def test_ready_names_a_server_that_failed_and_one_that_is_back(
    linked: tuple[Settings, Link],
) -> None:
    _, link = linked
    eventually(lambda: ask("GET /ready").body == READY, "the first answer")
    link.refuse()
    eventually(lambda: ask("GET /ready").status == 503, "the failure")
    failed = ask("GET /ready")
    assert (failed.code, failed.body["kafka"], failed.body["redis"]) == (
        "UNAVAILABLE",
        "unavailable",
        "ok",
    )
    assert failed.headers["Retry-After"] == "1"
    link.heal()
    eventually(lambda: ask("GET /ready").body == READY, "the recovery")


def test_a_kafka_that_is_silent_keeps_no_reader_waiting_and_calls_get_503(
    linked: tuple[Settings, Link],
) -> None:
    settings, link = linked
    environment = os.environ | {
        "KAFKA_BOOTSTRAP_SERVERS": ",".join(settings.kafka_bootstrap_servers),
        "COUPON_TOPIC": settings.coupon_topic,
    }
    serve = ("local.serve", "--port=0", "--workers=1", f"--threads={THREADS}")
    with running(*serve, environment=environment) as program, ThreadPoolExecutor(CALLS) as pool:
        line = program.out.until(lambda line: "listening on" in line)
        port = int(line.rpartition(":")[2])

        def ready() -> tuple[int, dict[str, str]]:
            response, body = ask_gateway(port, "GET", "/ready")
            return response.status, json.loads(body)

        def readers_are_served() -> bool:
            return ask_gateway(port, "GET", "/campaigns")[0].status == 200

        eventually(lambda: ready() == (200, READY), "the start")
        link.set(LinkMode.SILENT)

        def is_served_while_probes_wait() -> bool:
            probes = [pool.submit(ready) for _ in range(CALLS)]
            served = all(readers_are_served() for _ in range(THREADS + 1))
            return served and not all(each.done() for each in probes)

        eventually(is_served_while_probes_wait, "readers while a probe waits")
        eventually(lambda: ready()[1].get("kafka") == "unavailable", "the failure")
        connections = link.accepted
        for _ in range(CALLS):
            assert ready()[0] == 503
            assert readers_are_served()
        assert link.accepted - connections < CALLS
        link.heal()
        eventually(lambda: ready() == (200, READY), "the recovery")
        assert program.stop() == 0
        lines = parsed(program.err.seen)
    # Many calls, few lines.
    assert len([each for each in lines if each["message"] == "ready_handler"]) < CALLS
