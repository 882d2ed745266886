"""What is counted while servers fail and are repaired is what MySQL and Redis have afterwards.

tests/observability/ has the same of running programs, over their ports.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from handlers import shared_state, wiring
from handlers.adapters.kafka.publisher import FAILURES_MAX
from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from handlers.domain import metrics
from handlers.rebuild import rebuild_handler
from handlers.redrive import redrive_handler
from handlers.relay import relay_handler
from local.lambda_context import LambdaContext
from local.servers.ports import free_port
from tests.support.receiver import issue, receiver, send, subscribe
from tests.support.redis_loss import flush
from tests.support.service import apply, create_campaign, kafka_event, message, rows
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handlers.config import Settings
    from handlers.domain.metric import Counter, Gauge

GONE = "127.0.0.1"


@pytest.fixture(autouse=True)
def counting() -> Iterator[None]:
    metrics.switch_on()
    yield
    metrics.switch_on()  # forgets what a test has counted
    metrics.switch_off()


def numbers(metric: Counter | Gauge) -> Mapping[str, float]:
    """Return the numbers that are not 0, by the value of the only label."""
    return {"".join(labels): number for labels, number in metric.snapshot().items() if number}


def measure() -> None:
    shared_state.measure_handler({}, None)


@pytest.fixture
def without_kafka(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    """The service with an open campaign and brokers that do not reply."""
    create_campaign(campaign_id)
    wiring.reset()
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"{GONE}:{free_port()}")
    monkeypatch.setenv("KAFKA_ACK_TIMEOUT_MS", "300")
    yield service
    wiring.reset()


def test_without_kafka_the_rows_that_apply_writes_are_counted_and_the_breaker_shows(
    without_kafka: Settings, campaign_id: str
) -> None:
    people = FAILURES_MAX + 2
    for number in range(people):
        assert apply(campaign_id, f"user-{number}").status == 202
    [(stored,)] = rows(without_kafka, "SELECT COUNT(*) FROM coupon")
    assert stored == people
    assert numbers(metrics.DIRECT_WRITES) == {"written": people}
    assert numbers(metrics.ROWS) == {"": people}
    assert numbers(metrics.ADMISSIONS) == {"ACCEPTED": people}
    sent = numbers(metrics.PUBLISHED)
    assert sent == {"unacknowledged": FAILURES_MAX, "not_sent": 2}
    assert numbers(metrics.CIRCUIT_OPEN) == {"kafka": 1}
    measure()
    assert numbers(metrics.UNKNOWN) == {"kafka": 1}
    assert metrics.LAG.snapshot() == {}, "an old lag would be a lie"
    assert numbers(metrics.ADMITTED) == {campaign_id: people}


def test_a_breaker_that_closes_again_does_not_show(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    breaker = wiring.publisher()._breaker
    for _ in range(FAILURES_MAX + 3):
        breaker.failed()
    assert numbers(metrics.CIRCUIT_OPEN) == {"kafka": 1}
    breaker.succeeded()
    breaker.succeeded()
    assert numbers(metrics.CIRCUIT_OPEN) == {}


def test_a_redis_that_lost_its_state_is_stale_until_the_rebuild_has_opened_the_campaign(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    monkeypatch.setattr("handlers.rebuild.CREATION_S", 0)
    assert apply(campaign_id, "42").status == 202
    measure()
    assert numbers(metrics.CAMPAIGNS) == {"OPEN": 1}
    flush(lossy)
    measure()
    assert numbers(metrics.CAMPAIGNS) == {"STALE": 1}
    assert metrics.REMAINING.snapshot() == {}
    rebuild_handler({}, None)
    measure()
    assert numbers(metrics.REBUILT) == {"": 1}
    assert numbers(metrics.CAMPAIGNS) == {"OPEN": 1}
    assert numbers(metrics.ADMITTED) == {campaign_id: 1}


def test_pending_its_age_and_what_the_relay_sends_are_those_of_redis(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    for user in ("a", "b", "c"):
        admit_one(wiring.admissions(), campaign_id, user)
    with closing(connect(lossy)) as redis:
        key = f"coupon:{{{campaign_id}}}:pending"
        oldest_ms = (redis.zscore(key, "a") or 0) - 90_000
        redis.zadd(key, {"a": oldest_ms})
    measure()
    assert numbers(metrics.PENDING) == {campaign_id: 3}
    assert 90 <= numbers(metrics.PENDING_AGE)[campaign_id] < 120
    behind = sum(numbers(metrics.LAG).values())
    assert relay_handler({}, LambdaContext("relay", 60)) == {"sent": 1}
    assert numbers(metrics.RELAYED) == {"": 1}
    measure()
    assert sum(numbers(metrics.LAG).values()) == behind + 1


def test_a_record_that_comes_again_is_one_new_row(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    for user in ("a", "b"):
        admit_one(wiring.admissions(), campaign_id, user)
    records = kafka_event([message(campaign_id, "a", 1), message(campaign_id, "b", 2)], 0)
    for _ in range(3):
        consume_handler(records, None)
    assert rows(service, "SELECT COUNT(*) FROM coupon") == [(2,)]
    assert numbers(metrics.ROWS) == {"": 2}
    assert numbers(metrics.RECORDS) == {"decoded": 6}


def test_failed_events_and_what_the_redrive_does_with_them(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    consume_handler(kafka_event([message(campaign_id, "42", 1)], 0), None)  # no such campaign
    measure()
    assert numbers(metrics.FAILED_EVENTS) == {"PENDING": 1}
    create_campaign(campaign_id)
    rows(service, "UPDATE failed_event SET next_attempt_at = created_at")
    redrive_handler({}, LambdaContext("redrive", 60))
    assert numbers(metrics.REDRIVEN) == {"resolved": 1}
    assert numbers(metrics.ROWS) == {"": 1}
    measure()
    assert numbers(metrics.FAILED_EVENTS) == {}
    assert metrics.FAILED_EVENTS.snapshot() == {("PENDING",): 0, ("DEAD",): 0}


def test_what_is_sent_to_webhooks_and_what_waits_is_what_the_outbox_has(
    service: Settings, campaign_id: str
) -> None:
    with receiver() as shop:
        subscribe(shop.url, "coupon.issued")
        create_campaign(campaign_id)
        issue(campaign_id, 1, 2, 3)
        measure()
        assert numbers(metrics.BACKLOG) == {"": 3}
        assert numbers(metrics.OVERDUE).get("", 0) < 60
        send()
    assert rows(service, "SELECT COUNT(*) FROM webhook_delivery WHERE status = 'DELIVERED'") == [
        (3,)
    ]
    assert numbers(metrics.DELIVERIES) == {"delivered": 3}
    measure()
    assert numbers(metrics.BACKLOG) == {}


def test_of_many_campaigns_those_that_open_next_have_numbers_of_their_own(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_state, "CAMPAIGNS_MAX", 2)
    for days in range(5):
        create_campaign(f"{campaign_id}-{days}", 10, opens_in_s=days * 86_400 - 60, open_for_s=9e6)
    measure()
    shown = {f"{campaign_id}-0": 10, f"{campaign_id}-1": 10, "_other": 30}
    assert numbers(metrics.QUANTITY) == shown
    assert numbers(metrics.REMAINING) == shown
    assert numbers(metrics.CAMPAIGNS) == {"OPEN": 1, "SCHEDULED": 4}


def test_without_mysql_redis_says_which_campaigns_there_are(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    wiring.reset()
    monkeypatch.setenv("DATABASE_URL", f"mysql://a:b@{GONE}:{free_port()}/none")
    measure()
    assert numbers(metrics.UNKNOWN) == {"mysql": 1}
    assert numbers(metrics.CAMPAIGNS) == {"OPEN": 1}
    assert metrics.FAILED_EVENTS.snapshot() == {}
    wiring.reset()


def test_without_redis_nothing_old_is_shown(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id)
    measure()
    assert numbers(metrics.CAMPAIGNS) == {"OPEN": 1}
    wiring.reset()
    monkeypatch.setenv("REDIS_CLUSTER", "off")
    monkeypatch.setenv("REDIS_URL", f"redis://{GONE}:{free_port()}")
    measure()
    assert numbers(metrics.UNKNOWN) == {"redis": 1}
    assert all(gauge.snapshot() == {} for gauge in shared_state.GAUGES["redis"])
    assert numbers(metrics.FAILED_EVENTS) == {}
    wiring.reset()
