"""Erasures beside rebuilds and applies of the same user, and killed half-way."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from handlers import privacy_clients, wiring
from handlers.adapters.redis.keys import CampaignKeys
from handlers.consume import consume_handler
from handlers.domain.record import FailedStatus
from handlers.privacy import privacy_handler
from handlers.rebuild import rebuild_handler
from tests.support.redis_loss import flush, mark_as_restarted, warm_up
from tests.support.service import (
    apply,
    at_once,
    coupons,
    create_campaign,
    event_of_unread,
    kafka_event,
    message,
    rows,
)
from tests.support.single import publish_one
from tests.support.traces import in_mysql, in_redis
from tests.support.waiting import WAIT_S, eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings
    from tests.support.service import Response

from tests.support.erased import erase, issue, person, settle_failures

pytestmark = pytest.mark.usefixtures("service")


@pytest.fixture
def user() -> str:
    return person()


@pytest.fixture
def other_id(campaign_id: str) -> str:
    return f"{campaign_id}-other"


@pytest.mark.parametrize("lose", [flush, None], ids=["all lost", "restarted"])
def test_a_rebuild_does_not_bring_the_id_back(
    campaign_id: str,
    user: str,
    service: Settings,
    lose: Callable[[Settings], None] | None,
) -> None:
    """The topic has a record of the user that the consumer has not read."""
    warm_up()
    create_campaign(campaign_id, quantity=5)
    serial = apply(campaign_id, user).body["serial"]
    apply(campaign_id, "other")
    record, publisher = message(campaign_id, user, serial, fence=1), wiring.publisher()
    eventually(
        lambda: publish_one(publisher, record, "", time.monotonic() + WAIT_S), "an ack from Kafka"
    )
    assert event_of_unread(user)["records"]
    key = CampaignKeys.of(campaign_id).resent
    assert erase(user).status == 204
    wiring.scripts().command("ZADD", key, 1, user)  # an older copy of Redis has it
    if lose:
        lose(service)
        rows(service, "UPDATE campaign SET created_at = '2020-01-01'")
    else:
        mark_as_restarted(service, campaign_id)
    assert rebuild_handler({}, None)["rebuilt"] == [campaign_id]
    assert in_redis(service, user) == []
    again = apply(campaign_id, user)
    assert (again.code, again.body["serial"]) == ("ALREADY_APPLIED", serial)
    consume_handler(event_of_unread(user), None)
    assert in_mysql(service, user) == in_redis(service, user) == []


def test_while_a_campaign_is_rebuilt_the_erasure_is_refused_and_changes_nothing(
    campaign_id: str, user: str, service: Settings
) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = issue(campaign_id, user)
    fence = wiring.fences().raise_fence(campaign_id)
    reply = erase(user)  # Redis is of the fence before
    assert (reply.status, reply.code) == (503, "UNAVAILABLE")
    assert wiring.redis_rebuild().begin(campaign_id, fence)
    assert erase(user).status == 503
    assert coupons(service, campaign_id) == [(user, serial)]
    assert rebuild_handler({}, None)["rebuilt"] == [campaign_id]
    assert erase(user).status == 204
    assert in_mysql(service, user) == in_redis(service, user) == []


@pytest.mark.parametrize("repeated", [True, False], ids=["called again", "by the scheduler"])
def test_an_erasure_that_was_killed_before_redis_is_completed(
    campaign_id: str, user: str, service: Settings, *, repeated: bool
) -> None:
    create_campaign(campaign_id, quantity=5)
    serial = issue(campaign_id, user)
    erasures = privacy_clients.mysql_erasures()
    erasures.erase(campaign_id, user, 1, "officer", is_held=True)
    assert in_redis(service, user) == ["applied_user"]
    assert apply(campaign_id, user).body["serial"] == serial
    if repeated:
        assert erase(user).status == 204
    else:
        assert privacy_handler({}, None) == {"completed": 1, "erased": 0}
        wiring.scripts().command("UNLINK", CampaignKeys.of(campaign_id).rate)  # expires
    assert in_redis(service, user) == []
    assert apply(campaign_id, user).body["serial"] == serial
    assert wiring.redis_campaigns().status(campaign_id).campaign.erased_users == 1


def test_the_second_of_two_erasures_does_not_hide_that_the_first_was_killed(
    campaign_id: str, user: str, service: Settings
) -> None:
    create_campaign(campaign_id, quantity=5)
    for one in (user, "second"):
        issue(campaign_id, one)
    privacy_clients.mysql_erasures().erase(campaign_id, user, 1, "officer", is_held=True)
    assert erase("second").status == 204
    assert privacy_handler({}, None) == {"completed": 1, "erased": 0}
    wiring.scripts().command("UNLINK", CampaignKeys.of(campaign_id).rate)  # expires
    assert in_redis(service, user) == []
    assert wiring.redis_campaigns().status(campaign_id).campaign.erased_users == 2


def test_who_applies_in_between_is_erased_with_the_new_admission(
    campaign_id: str, user: str, service: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at Redis and the step there."""
    create_campaign(campaign_id, quantity=5)
    consume_handler(kafka_event([message(campaign_id, user, 6)], 95), None)
    settle_failures(service)
    redis = privacy_clients.redis_erasures()
    find, seen = redis.find, list[int]()

    def then_apply(one: str, name: str) -> object:
        found = find(one, name)
        if not seen:
            seen.append(apply(one, name).body["serial"])
        return found

    monkeypatch.setattr(redis, "find", then_apply)
    assert privacy_clients.eraser().erase(user, "officer") == 1
    assert coupons(service, campaign_id) == [(wiring.pseudonyms().of(campaign_id, user), seen[0])]
    consume_handler(kafka_event([message(campaign_id, user, seen[0])], 96), None)
    assert in_mysql(service, user) == in_redis(service, user) == []
    assert apply(campaign_id, user).body["serial"] == seen[0]


def test_people_who_apply_while_they_are_erased_end_with_one_coupon_each_and_no_id(
    campaign_id: str, service: Settings
) -> None:
    """Each applies, is applied for by the consumer, and is erased, all at once and in any order."""
    create_campaign(campaign_id, quantity=50)
    people = [person() for _ in range(12)]

    def deliver(one: str) -> Response:
        reply = apply(campaign_id, one)
        if reply.status < 300:
            consume_handler(kafka_event([message(campaign_id, one, reply.body["serial"])]), None)
        return reply

    calls = [partial(call, one) for one in people for call in (deliver, erase, deliver, erase)]
    replies = at_once(calls, threads=8)
    assert {reply.status for reply in replies} <= {200, 202, 204, 409, 503}
    for one in people:
        deliver(one)
        eventually(partial(is_erased, one), "the erasure")
        again = apply(campaign_id, one)
        assert again.code == "ALREADY_APPLIED", again
    owners = {wiring.pseudonyms().of(campaign_id, one) for one in people}
    rows_of = coupons(service, campaign_id)
    assert {owner for owner, _ in rows_of} == owners
    assert len(rows_of) == len(people)
    for one in people:
        assert in_mysql(service, one) == in_redis(service, one) == []


def is_erased(user: str) -> bool:
    wiring.failed_event_queue().redrive(FailedStatus.PENDING, now=True, after=0, limit=100)
    return erase(user).status == 204
