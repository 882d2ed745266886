"""The relay: only what is pending for too long goes to Kafka again."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer

from handlers import wiring
from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import UnavailableError
from handlers.relay import relay_handler
from local.lambda_context import LambdaContext
from local.servers.ports import free_port
from tests.support.programs import running
from tests.support.service import apply, coupons, create_campaign, kafka_event
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from handlers.config import Settings


@pytest.fixture
def overdue(service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Three users accepted while Kafka was unreachable, a minute ago; then Kafka is back."""
    create_campaign(campaign_id, quantity=10)
    with monkeypatch.context() as outage:
        outage.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
        outage.setenv("KAFKA_ACK_TIMEOUT_MS", "100")
        wiring.reset()
        for n in range(3):
            assert apply(campaign_id, f"user-{n}").status == 202
    wiring.reset()
    age(service, campaign_id, 60_000)
    return service


def age(settings: Settings, campaign_id: str, by_ms: int) -> None:
    """Make every pending admission older; the clock of Redis cannot be set."""
    with closing(connect(settings)) as redis:
        key = f"coupon:{{{campaign_id}}}:pending"
        found: Any = redis.zrange(key, 0, -1, withscores=True)
        for user, admitted_at_ms in found:
            redis.zadd(key, {user: admitted_at_ms - by_ms})


def in_kafka(settings: Settings, campaign_id: str) -> list[CouponAccepted]:
    """Read everything of this campaign from the topic."""
    options = connection_options(settings) | {
        "auto_offset_reset": "earliest",
        "consumer_timeout_ms": 1000,
    }
    with closing(KafkaConsumer(settings.coupon_topic, group_id=None, **options)) as consumer:
        messages = [CouponAccepted.decode(r.value) for r in consumer if b"campaign" in r.value]
    return [message for message in messages if message.campaign_id == campaign_id]


def test_overdue_admissions_are_sent_again_oldest_first_until_they_are_settled(
    overdue: Settings, campaign_id: str
) -> None:
    assert in_kafka(overdue, campaign_id) == []
    assert relay_handler({}, None) == {"sent": 3}
    sent = in_kafka(overdue, campaign_id)
    assert sorted((m.user_id, m.serial) for m in sent) == [(f"user-{n}", n + 1) for n in range(3)]
    assert relay_handler({}, None) == {"sent": 3}
    consume_handler(kafka_event(sent), None)
    assert coupons(overdue, campaign_id) == [(f"user-{n}", n + 1) for n in range(3)]
    assert relay_handler({}, None) == {"sent": 0}


def test_every_run_logs_the_age_of_the_oldest_pending_admission_for_the_alarm(
    overdue: Settings, campaign_id: str, caplog: pytest.LogCaptureFixture
) -> None:
    def oldest_s() -> float:
        caplog.clear()
        relay_handler({}, None)
        [line] = [line for line in caplog.records if line.getMessage() == "pending"]
        return float(line.__dict__["fields"]["oldest_pending_s"])

    assert oldest_s() >= 60
    consume_handler(kafka_event(in_kafka(overdue, campaign_id)), None)
    assert oldest_s() == 0


def test_an_admission_from_before_the_clock_was_set_back_is_overdue_at_once(
    overdue: Settings, campaign_id: str
) -> None:
    age(overdue, campaign_id, -7_200_000)
    assert relay_handler({}, None) == {"sent": 3}
    with closing(connect(overdue)) as redis:
        redis.zadd(f"coupon:{{{campaign_id}}}:pending", {"user-2": 1})
    pages = [wiring.admissions().overdue(campaign_id, 30_000, skip, 2) for skip in range(4)]
    found = [[coupon.user_id for coupon in page] for page in pages]
    assert found == [["user-2", "user-0"], ["user-0", "user-1"], ["user-1"], []]


def test_a_fresh_admission_is_left_to_its_own_apply(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    assert apply(campaign_id, "fresh").status == 202
    assert relay_handler({}, None) == {"sent": 0}


def test_a_stale_campaign_is_left_to_its_rebuilding(overdue: Settings, campaign_id: str) -> None:
    with closing(connect(overdue)) as redis:
        redis.hset(f"coupon:{{{campaign_id}}}:campaign", "epoch", "f" * 40)
    assert relay_handler({}, None) == {"sent": 0}


def test_the_relay_stops_before_its_time_is_over(overdue: Settings, campaign_id: str) -> None:
    assert relay_handler({}, LambdaContext("relay_handler", 1.0)) == {"sent": 0}


def test_without_kafka_the_relay_fails_loudly_and_everything_stays_pending(
    overdue: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    wiring.reset()
    with pytest.raises(UnavailableError, match="Kafka took 0"):
        relay_handler({}, None)
    with closing(connect(overdue)) as redis:
        assert redis.zcard(f"coupon:{{{campaign_id}}}:pending") == 3


def test_the_scheduler_runs_the_relay_and_stops_on_a_signal(
    overdue: Settings, campaign_id: str, environment: dict[str, str]
) -> None:
    with running("local.scheduler", "--interval-s", "0.2", environment=environment) as program:
        program.err.until(lambda line: '"job": "relay_handler"' in line and '"sent": 3' in line)
        program.err.until(lambda line: '"job": "relay_handler"' in line)
        assert program.stop() == 0
    eventually(lambda: len(in_kafka(overdue, campaign_id)) >= 6, "two rounds in Kafka")
