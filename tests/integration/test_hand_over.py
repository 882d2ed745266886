"""The hand-over to Kafka when Kafka is there, and what holds when it is not."""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.kafka.publisher import FAILURES_MAX
from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from local.servers.ports import free_port
from tests.support.service import (
    apply,
    ask,
    at_once,
    coupons,
    create_campaign,
    cut_off_redis,
    failures,
    kafka_event,
    message,
    rows,
)
from tests.support.single import publish_one
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings

TIMEOUT_MS = 300


@pytest.fixture
def without_kafka(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """The service with an open campaign and brokers that do not reply."""
    create_campaign(campaign_id)
    wiring.reset()
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("KAFKA_ACK_TIMEOUT_MS", str(TIMEOUT_MS))
    yield service
    wiring.reset()


def pending(settings: Settings, campaign_id: str) -> int:
    with closing(connect(settings)) as redis:
        return int(redis.zcard(f"coupon:{{{campaign_id}}}:pending"))


def test_without_kafka_an_applicant_is_accepted_once_mysql_has_the_row(
    without_kafka: Settings, campaign_id: str
) -> None:
    response = apply(campaign_id, "42")
    assert (response.status, response.code, response.body["serial"]) == (202, "ACCEPTED", 1)
    assert coupons(without_kafka, campaign_id) == [("42", 1)]
    assert pending(without_kafka, campaign_id) == 0
    assert ask("GET /campaigns/{id}/coupon", campaign_id, user="42").body["status"] == "ISSUED"


def test_a_record_of_a_coupon_that_apply_has_written_changes_nothing(
    without_kafka: Settings, campaign_id: str
) -> None:
    apply(campaign_id, "42")
    before = rows(without_kafka, "SELECT * FROM coupon")
    consume_handler(kafka_event([message(campaign_id, "42", 1, fence=1)]), None)
    assert rows(without_kafka, "SELECT * FROM coupon") == before
    assert failures(without_kafka, campaign_id) == {}


def test_two_hundred_applicants_at_once_without_kafka_get_exactly_the_hundred_rows(
    without_kafka: Settings, campaign_id: str
) -> None:
    responses = at_once([partial(apply, campaign_id, f"user-{n}") for n in range(200)])
    accepted = sorted(r.body["serial"] for r in responses if r.code == "ACCEPTED")
    assert accepted == list(range(1, 101))
    stored = rows(without_kafka, "SELECT serial FROM coupon WHERE campaign_id = %s", campaign_id)
    assert sorted(serial for (serial,) in stored) == accepted


def test_without_kafka_and_without_mysql_no_user_is_accepted_and_the_serial_is_kept(
    without_kafka: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without_mysql:
        url = f"mysql://nobody:nothing@127.0.0.1:{free_port()}/nowhere"
        without_mysql.setenv("DATABASE_URL", url)
        wiring.reset()
        response = apply(campaign_id, "42")
    wiring.reset()
    assert (response.status, response.code) == (503, "UNAVAILABLE")
    assert response.headers["Retry-After"] == "1"
    assert pending(without_kafka, campaign_id) == 1
    again = apply(campaign_id, "42")
    assert (again.status, again.code, again.body["serial"]) == (200, "ALREADY_APPLIED", 1)


def test_after_some_failures_the_circuit_breaker_spares_all_users_the_wait(
    without_kafka: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher, tries = wiring.publisher(), 0
    # A busy machine may take longer for this test than the breaker is open.
    monkeypatch.setattr(publisher._breaker, "_open_s", 3600.0)
    connected = publisher._connected

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal tries
        tries += 1
        return connected(*args, **options)

    monkeypatch.setattr(publisher, "_connected", counted)
    for n in range(FAILURES_MAX):
        assert apply(campaign_id, f"user-{n}").status == 202
    assert tries == FAILURES_MAX
    until_s = time.monotonic() + WAIT_S
    assert not publish_one(publisher, message(campaign_id, "42", 1), "spared", until_s)
    assert tries == FAILURES_MAX


def test_kafka_that_comes_back_is_used_again(
    without_kafka: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = wiring.publisher()
    assert not publish_one(publisher, message(campaign_id, "42", 1), "lost", time.monotonic() + 0.1)
    monkeypatch.setattr(publisher, "_options", connection_options(without_kafka))
    sent = message(campaign_id, "42", 1)
    # Its requests have the ack timeout here, which a busy machine may exceed once.
    eventually(lambda: publish_one(publisher, sent, "sent", time.monotonic() + WAIT_S), "an ack")


def test_an_unreachable_redis_gives_503_and_names_no_address(
    service: Settings, campaign_id: str
) -> None:
    cut_off_redis(service)
    response = apply(campaign_id, "42")
    assert (response.status, response.code, response.headers["Retry-After"]) == (
        503,
        "UNAVAILABLE",
        "1",
    )
    assert "password" not in str(response.body)
    assert "127.0.0.1" not in str(response.body)


def test_an_ack_that_comes_too_late_counts_for_nothing(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    publisher = wiring.publisher()
    assert publish_one(
        publisher, message(campaign_id, "42", 1), "in-time", time.monotonic() + WAIT_S
    )
    assert not publish_one(publisher, message(campaign_id, "42", 1), "late", time.monotonic())
