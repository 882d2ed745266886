"""The rebuild: what Redis lost comes back from MySQL and Kafka, and no serial is given twice."""

from __future__ import annotations

import time
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.keys import CampaignKeys
from handlers.consume import consume_handler
from handlers.domain.campaign import Campaign
from handlers.rebuild import rebuild_handler
from tests.support.backlog import backlog_of
from tests.support.redis_loss import flush, mark_as_restarted
from tests.support.service import (
    ADMIN,
    apply,
    ask,
    create_campaign,
    kafka_event,
    message,
    redis_dump,
    rows,
)
from tests.support.single import publish_one
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from handlers.config import Settings


def test_nothing_is_touched_when_nothing_was_lost(lossy: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    apply(campaign_id, "42")
    before = redis_dump(lossy)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert redis_dump(lossy) == before


def test_calls_that_are_counted_are_neither_touched_nor_needed(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    assert [apply(campaign_id, "42").status for _ in range(2)] == [202, 200]
    rate = CampaignKeys.of(campaign_id).rate
    with closing(connect(lossy)) as redis:
        counted: Any = redis.hgetall(rate)
        mark_as_restarted(lossy, campaign_id)
        assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
        assert redis.hgetall(rate) == counted != {}
        assert redis.ttl(rate) > 0
    flush(lossy)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "42").code == "ALREADY_APPLIED"


def test_a_campaign_in_the_middle_of_its_creation_is_left_to_its_creator(
    lossy: Settings, campaign_id: str
) -> None:
    campaign = Campaign(campaign_id, "welcome", 5, 0, 2**42)
    assert wiring.mysql_queries().create_campaign(campaign) == (campaign, True)
    before = redis_dump(lossy)
    assert rebuild_handler({}, None) == {"rebuilt": []}
    assert redis_dump(lossy) == before
    wiring.redis_campaigns().open(campaign, created=True)
    assert apply(campaign_id, "42").body["serial"] == 1


def test_a_campaign_whose_creation_was_interrupted_long_ago_is_opened(
    lossy: Settings, campaign_id: str
) -> None:
    wiring.mysql_queries().create_campaign(Campaign(campaign_id, "welcome", 5, 0, 2**42))
    rows(lossy, "UPDATE campaign SET created_at = created_at - INTERVAL 31 SECOND")
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert apply(campaign_id, "42").body["serial"] == 1


def test_after_a_flush_winners_come_back_from_mysql_and_from_the_unread_topic(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    serials = {user: apply(campaign_id, user).body["serial"] for user in ("a", "b", "c")}
    consume_handler(kafka_event([message(campaign_id, "a", serials["a"])]), None)
    flush(lossy)
    assert apply(campaign_id, "d").status == 503
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    for user, serial in serials.items():
        again = apply(campaign_id, user)
        assert (again.code, again.body["serial"]) == ("ALREADY_APPLIED", serial)
    assert [apply(campaign_id, user).code for user in "def"] == ["ACCEPTED", "ACCEPTED", "SOLD_OUT"]
    assert ask("GET /campaigns").body["campaigns"][0]["id"] == campaign_id


def test_what_redis_still_holds_after_a_restart_stays_and_what_it_forgot_comes_back(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    for user in ("a", "b", "c"):
        apply(campaign_id, user)
    keys = f"coupon:{{{campaign_id}}}:"
    with closing(connect(lossy)) as redis:
        # Like a copy of a second ago: c was not there yet.
        redis.zrem(keys + "applied_user", "c")
        redis.zrem(keys + "pending", "c")
        redis.set(keys + "coupon_count", 2)
    mark_as_restarted(lossy, campaign_id)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert [apply(campaign_id, user).body["serial"] for user in "abcd"] == [1, 2, 3, 4]
    with closing(connect(lossy)) as redis:
        assert redis.zcard(keys + "pending") == 4


def test_a_serial_that_was_lost_before_any_response_is_given_to_the_next(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=3)
    consume_handler(kafka_event([message(campaign_id, "third", 3)]), None)
    mark_as_restarted(lossy, campaign_id)
    rebuild_handler({}, None)
    responses = [apply(campaign_id, user) for user in ("a", "b", "c", "third")]
    assert [a.body.get("serial") for a in responses] == [1, 2, None, 3]
    assert responses[2].code == "SOLD_OUT"


def test_a_serial_above_the_count_is_not_given_back_and_remains_once(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    records = [message(campaign_id, "second", 2), message(campaign_id, "fourth", 4)]
    consume_handler(kafka_event(records), None)
    flush(lossy)
    rebuild_handler({}, None)
    with closing(connect(lossy)) as redis:
        assert redis.lrange(CampaignKeys.of(campaign_id).returned, 0, -1) == []
    assert ask("GET /campaigns/{id}", campaign_id).body["remaining"] == 3
    assert [apply(campaign_id, user).body["serial"] for user in "abc"] == [1, 3, 5]


def test_forged_records_in_the_topic_do_not_raise_the_count(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=3)
    publisher = wiring.publisher()
    for forged in (message(campaign_id, "above", 4), message(campaign_id, "zero", 0)):
        assert publish_one(publisher, forged, "", time.monotonic() + WAIT_S)
    flush(lossy)
    rebuild_handler({}, None)
    assert apply(campaign_id, "a").body["serial"] == 1
    assert ask("GET /campaigns/{id}", campaign_id).body["remaining"] == 2


def test_a_user_whose_record_waits_in_failed_event_is_not_forgotten(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    consume_handler(kafka_event([message(campaign_id, "owner", 1)]), None)
    apply(campaign_id, "waiting")
    # As if MySQL had refused it: its record is in failed_event, its offset committed.
    rows(
        lossy,
        "INSERT INTO failed_event (campaign_id, user_id, topic, partition_no, offset_no, payload,"
        " reason, detail, status) VALUES (%s, 'waiting', 'coupon_create', 0, 9, %s,"
        " 'SERIAL_TAKEN', 'for a test', 'DEAD')",
        campaign_id,
        message(campaign_id, "waiting", 4).encode(),
    )
    flush(lossy)
    nothing_unread = SimpleNamespace(unconsumed=lambda _: backlog_of([]), name="coupon_create")
    with wiring.override(wiring.topic, nothing_unread):
        rebuild_handler({}, None)
    assert apply(campaign_id, "waiting").body["serial"] == 4
    assert rows(lossy, "SELECT status, attempts FROM failed_event") == [("PENDING", 0)]
    with closing(connect(lossy)) as redis:
        assert redis.zcard(f"coupon:{{{campaign_id}}}:pending") == 0


def test_a_serial_above_the_count_is_not_given_back_because_it_is_still_to_be_given_out(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=3)
    consume_handler(kafka_event([message(campaign_id, "second", 2)]), None)
    flush(lossy)  # and with it the count, and an admission that was not accepted
    rebuild_handler({}, None)
    assert ask("GET /campaigns/{id}", campaign_id).body["remaining"] == 2
    path = "GET /campaigns/{id}/reconciliation"
    found = ask(path, campaign_id, user="admin", scope=ADMIN).body
    assert found["differences"] == []
    users = ("first", "third", "fourth")
    assert [apply(campaign_id, user).body.get("serial") for user in users] == [1, 3, None]


def test_what_the_topic_holds_outweighs_what_redis_alone_remembers(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    assert apply(campaign_id, "told").body["serial"] == 1
    keys = f"coupon:{{{campaign_id}}}:"
    with closing(connect(lossy)) as redis:
        # Like an older copy, in which another user had the serial and never got a response.
        redis.delete(keys + "applied_user", keys + "pending")
        redis.zadd(keys + "applied_user", {"never-told": 1})
        redis.zadd(keys + "pending", {"never-told": 1})
    mark_as_restarted(lossy, campaign_id)
    rebuild_handler({}, None)
    assert apply(campaign_id, "told").body["serial"] == 1
    assert apply(campaign_id, "never-told").body["serial"] == 2
