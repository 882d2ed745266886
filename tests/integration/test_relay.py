"""The relay: only what is pending for too long goes to Kafka again."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer

from handlers import wiring
from handlers.adapters.kafka.connection import connection_options
from handlers.adapters.redis.admissions import OLDEST, OVERDUE
from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import UnavailableError
from handlers.domain.settlement import SettledAs, Settlement
from handlers.relay import relay_handler
from local.lambda_context import LambdaContext
from local.servers.ports import free_port
from tests.support.mutated import change
from tests.support.programs import running
from tests.support.service import apply, coupons, create_campaign, kafka_event
from tests.support.single import admit_one
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from handlers.adapters.redis.admissions import PageStart
    from handlers.config import Settings

RESEND_AFTER_MS = 30_000


@pytest.fixture
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No ack is late on a busy machine."""
    monkeypatch.setenv("KAFKA_ACK_TIMEOUT_MS", "20000")


@pytest.fixture
def overdue(service: Settings, campaign_id: str) -> Settings:
    """Three users admitted a minute ago, whose applies were killed right after the script."""
    create_campaign(campaign_id, quantity=10)
    for n in range(3):
        assert admit_one(wiring.admissions(), campaign_id, f"user-{n}").serial == n + 1
    age(service, campaign_id, 60_000)
    return service


def age(settings: Settings, campaign_id: str, by_ms: int) -> None:
    """Make every pending admission older, and what the relay noted; Redis has no clock to set."""
    with closing(connect(settings)) as redis:
        for name in ("pending", "resent"):
            key = f"coupon:{{{campaign_id}}}:{name}"
            found: Any = redis.zrange(key, 0, -1, withscores=True)
            for user, at_ms in found:
                redis.zadd(key, {user: at_ms - by_ms})


def in_kafka(settings: Settings, campaign_id: str) -> list[CouponAccepted]:
    """Read everything of this campaign from the topic."""
    options = connection_options(settings) | {
        "auto_offset_reset": "earliest",
        "consumer_timeout_ms": 1000,
    }
    with closing(KafkaConsumer(settings.coupon_topic, group_id=None, **options)) as consumer:
        messages = [CouponAccepted.decode(r.value) for r in consumer if b"campaign" in r.value]
    return [message for message in messages if message.campaign_id == campaign_id]


def taken(campaign_id: str, start: PageStart, limit: int) -> tuple[list[str], PageStart | None]:
    """Take a page as the relay does; return its users and where the next page begins."""
    coupons, following = wiring.admissions().overdue(campaign_id, RESEND_AFTER_MS, start, limit)
    return [coupon.user_id for coupon in coupons], following


def admit_long_ago(settings: Settings, campaign_id: str, users: int) -> None:
    """Create a campaign with pending admissions that are a minute old, some of the same moment."""
    create_campaign(campaign_id, quantity=users)
    now_ms = int(time.time() * 1000)
    with closing(connect(settings)) as redis:
        prefix = f"coupon:{{{campaign_id}}}:"
        names = [f"user-{n:05}" for n in range(users)]
        redis.zadd(prefix + "applied_user", {name: n for n, name in enumerate(names, 1)})
        redis.zadd(
            prefix + "pending", {name: now_ms - 60_000 + n // 7 for n, name in enumerate(names)}
        )
        redis.set(prefix + "coupon_count", users)


def test_overdue_admissions_are_sent_once_and_again_when_they_are_overdue_again(
    overdue: Settings, campaign_id: str
) -> None:
    assert in_kafka(overdue, campaign_id) == []
    assert relay_handler({}, None) == {"sent": 3}
    sent = in_kafka(overdue, campaign_id)
    assert sorted((m.user_id, m.serial) for m in sent) == [(f"user-{n}", n + 1) for n in range(3)]
    assert [relay_handler({}, None) for _ in range(10)] == [{"sent": 0}] * 10
    age(overdue, campaign_id, RESEND_AFTER_MS)
    assert relay_handler({}, None) == {"sent": 3}
    consume_handler(kafka_event(sent), None)
    assert coupons(overdue, campaign_id) == [(f"user-{n}", n + 1) for n in range(3)]
    age(overdue, campaign_id, RESEND_AFTER_MS)
    assert relay_handler({}, None) == {"sent": 0}


@pytest.mark.usefixtures("_patient")
def test_control_without_the_note_of_what_was_sent_every_run_sends_all_again(
    overdue: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, OVERDUE, "if serials[i] and not sent[i] then", "if serials[i] then")
    assert [relay_handler({}, None) for _ in range(11)] == [{"sent": 3}] * 11
    assert len(in_kafka(overdue, campaign_id)) == 33


def test_a_lost_note_of_what_was_sent_costs_one_sending_too_many_and_nothing_else(
    overdue: Settings, campaign_id: str
) -> None:
    assert relay_handler({}, None) == {"sent": 3}
    with closing(connect(overdue)) as redis:
        redis.delete(f"coupon:{{{campaign_id}}}:resent")
    assert relay_handler({}, None) == {"sent": 3}


def test_three_thousand_overdue_admissions_are_sent_in_one_run_also_while_half_of_them_leave(
    service: Settings, campaign_id: str
) -> None:
    admit_long_ago(service, campaign_id, 3000)
    start: PageStart | None = OLDEST
    found: list[str] = []
    while start:
        page, start = taken(campaign_id, start, 500)
        found += page
        # The consumer is fast: it has settled every second one before the relay asks again, and
        # the last one.
        settled = {*page[::2], *page[-1:]}
        wiring.admissions().settle(
            Settlement(campaign_id, user, int(user[5:]) + 1, SettledAs.COUPON) for user in settled
        )
    assert found == [f"user-{n:05}" for n in range(3000)]


@pytest.mark.usefixtures("_patient")
def test_two_relays_at_once_share_the_work(service: Settings, campaign_id: str) -> None:
    admit_long_ago(service, campaign_id, 3000)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: relay_handler({}, None)["sent"], range(2)))
    assert sum(runs) == 3000
    assert len(in_kafka(service, campaign_id)) == 3000


def test_a_crowd_of_one_moment_is_sent_whole_page_by_page(
    service: Settings, campaign_id: str
) -> None:
    admit_long_ago(service, campaign_id, 60)
    with closing(connect(service)) as redis:
        redis.zadd(f"coupon:{{{campaign_id}}}:pending", {f"user-{n:05}": 1 for n in range(60)})
    pages: list[list[str]] = []
    start: PageStart | None = OLDEST
    while start:
        page, start = taken(campaign_id, start, 25)
        pages.append(page)
    assert [len(page) for page in pages] == [25, 25, 10, 0]
    assert [user for page in pages for user in page] == [f"user-{n:05}" for n in range(60)]


def test_what_was_sent_lately_is_passed_over_at_the_head_of_a_long_queue(
    service: Settings, campaign_id: str
) -> None:
    admit_long_ago(service, campaign_id, 1200)
    taken(campaign_id, OLDEST, 1000)
    assert relay_handler({}, None) == {"sent": 200}


def test_a_redis_that_takes_no_writes_does_not_keep_the_relay_from_sending(
    overdue: Settings, campaign_id: str
) -> None:
    with closing(connect(overdue)) as redis:
        redis.config_set("min-replicas-to-write", 1)
        try:
            assert relay_handler({}, None) == {"sent": 3}
        finally:
            redis.config_set("min-replicas-to-write", 0)


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
    # What it noted was before the clock was set back, too, and does not count.
    age(overdue, campaign_id, -7_200_000)
    found, start = taken(campaign_id, OLDEST, 2)
    assert found == ["user-2"]
    assert start
    assert [taken(campaign_id, start, 1)[0], taken(campaign_id, start, 2)[0]] == [
        ["user-0"],
        ["user-1"],
    ]


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
    monkeypatch.undo()
    wiring.reset()
    assert relay_handler({}, None) == {"sent": 3}


def test_the_scheduler_runs_the_relay_and_stops_on_a_signal(
    overdue: Settings, campaign_id: str, environment: dict[str, str]
) -> None:
    impatient = environment | {"PENDING_RESEND_AFTER_S": "1"}
    with running("local.scheduler", "--interval-s", "0.2", environment=impatient) as program:
        for _ in range(2):
            program.err.until(lambda line: '"job": "relay_handler"' in line and '"sent": 3' in line)
        assert program.stop() == 0
    eventually(lambda: len(in_kafka(overdue, campaign_id)) >= 6, "two rounds in Kafka")
