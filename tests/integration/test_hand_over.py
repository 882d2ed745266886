"""The hand-over to Kafka when Kafka is there, and what holds when it is not."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.kafka.publisher import FAILURES_MAX
from handlers.adapters.redis import admissions as admission
from handlers.adapters.redis.client import connect
from handlers.domain.coupon import CouponAccepted
from local.servers.ports import free_port
from tests.support.service import apply, create_campaign, cut_off_redis, message
from tests.support.single import publish_one
from tests.support.state import configure
from tests.support.waiting import eventually

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


def test_without_kafka_an_applicant_is_accepted_once_the_admission_is_on_redis_disk(
    without_kafka: Settings, campaign_id: str
) -> None:
    response = apply(campaign_id, "42")
    assert (response.status, response.code, response.body["serial"]) == (202, "ACCEPTED", 1)
    assert pending(without_kafka, campaign_id) == 1


def test_without_kafka_and_without_a_disk_no_user_is_accepted_and_the_serial_is_kept(
    without_kafka: Settings, campaign_id: str
) -> None:
    configure(without_kafka, "appendonly", "no")
    try:
        response = apply(campaign_id, "42")
    finally:
        configure(without_kafka, "appendonly", "yes")
    assert (response.status, response.code) == (503, "UNAVAILABLE")
    assert response.headers["Retry-After"] == "1"
    assert pending(without_kafka, campaign_id) == 1
    again = apply(campaign_id, "42")
    assert (again.status, again.code, again.body["serial"]) == (200, "ALREADY_APPLIED", 1)


def test_after_some_failures_the_circuit_breaker_spares_all_users_the_wait(
    without_kafka: Settings, campaign_id: str
) -> None:
    publisher = wiring.publisher()
    for n in range(FAILURES_MAX):
        assert apply(campaign_id, f"user-{n}").status == 202
    started = time.monotonic()
    assert not publish_one(publisher, message(campaign_id, "42", 1), "spared", started + 2)
    assert time.monotonic() - started < TIMEOUT_MS / 1000 / 10


def test_kafka_that_comes_back_is_used_again(
    without_kafka: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = wiring.publisher()
    assert not publish_one(publisher, message(campaign_id, "42", 1), "lost", time.monotonic() + 0.1)
    monkeypatch.setattr(publisher, "_settings", without_kafka)
    sent = message(campaign_id, "42", 1)
    # Its requests have the ack timeout here, which a busy machine may exceed once.
    eventually(lambda: publish_one(publisher, sent, "sent", time.monotonic() + 5), "an ack")


def test_waitaof_alone_does_not_vouch_for_an_admission_that_is_no_longer_there(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    serial = apply(campaign_id, "42").body["serial"]
    make_durable = wiring.admissions().make_all_durable
    admitted = CouponAccepted(campaign_id, "42", serial, 0)
    assert make_durable([admitted]) == [True]
    assert make_durable([admitted._replace(serial=serial + 1)]) == [False]
    assert make_durable([admitted._replace(user_id="nobody")]) == [False]
    with closing(connect(service)) as redis:
        redis.hset(f"coupon:{{{campaign_id}}}:campaign", "epoch", "f" * 40)
    assert make_durable([admitted]) == [False]


def test_an_admission_that_the_disk_has_not_taken_in_time_is_not_safe(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    with monkeypatch.context() as patched:
        patched.setattr(admission, "DURABLE_WAIT_MS", 100)
        configure(service, "appendfsync", "no")  # the disk takes it when the system likes
        try:
            serial = apply(campaign_id, "42").body["serial"]
            admitted = CouponAccepted(campaign_id, "42", serial, 0)
            assert wiring.admissions().make_all_durable([admitted] * 2) == [False, False]
        finally:
            configure(service, "appendfsync", "everysec")
    make_durable = wiring.admissions().make_all_durable
    eventually(lambda: make_durable([admitted] * 2) == [True, True], "the disk")


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
    assert publish_one(publisher, message(campaign_id, "42", 1), "in-time", time.monotonic() + 5)
    assert not publish_one(publisher, message(campaign_id, "42", 1), "late", time.monotonic())
