"""Applies in flight while Redis is rebuilt: they are not accepted, and take no coupon late."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

from handlers import wiring
from handlers.adapters.mysql import ledger
from handlers.adapters.mysql.failed_events import NOT_ACCEPTED
from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from handlers.rebuild import rebuild_handler
from handlers.redrive import redrive_handler
from handlers.relay import relay_handler
from tests.support.redis_loss import flush, mark_as_restarted, warm_up
from tests.support.service import (
    apply,
    coupons,
    create_campaign,
    event_of_unread,
    failures,
    kafka_event,
    message,
    rows,
)
from tests.support.single import admit_one, publish_one
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    import pytest

    from handlers.config import Settings
    from handlers.domain.coupon import CouponAccepted


def lose_slow_and_rebuild(settings: Settings, campaign_id: str) -> CouponAccepted:
    """Admit a user whose apply then takes long; return the admission, which Redis loses."""
    create_campaign(campaign_id, quantity=5)
    admission = admit_one(wiring.admissions(), campaign_id, "slow")
    flush(settings)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    return message(campaign_id, "slow", admission.serial, admission.fence)


def arrives_late(in_flight: CouponAccepted) -> dict[str, Any]:
    """Send the record after the rebuild; return the consumer's event with it."""
    assert publish_one(wiring.publisher(), in_flight, "", time.monotonic() + WAIT_S)
    return event_of_unread("slow")


def test_a_rebuild_does_not_wait_for_an_apply_in_flight_and_the_apply_is_not_confirmed(
    lossy: Settings, campaign_id: str
) -> None:
    in_flight = lose_slow_and_rebuild(lossy, campaign_id)
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial
    assert wiring.admissions().confirm_all([in_flight]) == [False]
    assert wiring.direct_writer().write_all([in_flight]) == [False]
    assert coupons(lossy, campaign_id) == []


def test_a_record_that_comes_after_a_rebuild_has_read_the_topic_takes_no_coupon(
    lossy: Settings, campaign_id: str
) -> None:
    in_flight = lose_slow_and_rebuild(lossy, campaign_id)
    late = arrives_late(in_flight)
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial
    consume_handler(late, None)
    assert failures(lossy, campaign_id) == {"slow": "SUPERSEDED"}
    quick = message(campaign_id, "quick", in_flight.serial, in_flight.fence + 1)
    consume_handler(kafka_event([quick], first=5000), None)
    assert coupons(lossy, campaign_id) == [("quick", in_flight.serial)]
    redrive_handler({}, None)
    assert rows(lossy, "SELECT status, detail FROM failed_event") == [("RESOLVED", NOT_ACCEPTED)]


def test_without_that_rule_a_record_that_comes_late_takes_the_coupon_of_an_accepted_user(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control."""
    monkeypatch.setattr(ledger, "is_late", lambda *_: False)
    in_flight = lose_slow_and_rebuild(lossy, campaign_id)
    late = arrives_late(in_flight)
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial
    consume_handler(late, None)
    assert coupons(lossy, campaign_id) == [("slow", in_flight.serial)]


def test_the_late_record_of_a_user_who_applies_again_leaves_the_new_admission_pending(
    lossy: Settings, campaign_id: str
) -> None:
    in_flight = lose_slow_and_rebuild(lossy, campaign_id)
    again = admit_one(wiring.admissions(), campaign_id, "slow")
    assert (again.serial, again.fence) == (in_flight.serial, in_flight.fence + 1)
    consume_handler(arrives_late(in_flight), None)
    with closing(connect(lossy)) as redis:
        assert redis.zcard(f"coupon:{{{campaign_id}}}:pending") == 1


def test_a_record_of_before_the_rebuild_that_it_has_read_is_written_as_usual(
    lossy: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    apply(campaign_id, "accepted")
    flush(lossy)
    rebuild_handler({}, None)
    consume_handler(event_of_unread("accepted"), None)
    assert coupons(lossy, campaign_id) == [("accepted", 1)]
    assert failures(lossy, campaign_id) == {}


def test_admissions_that_only_redis_knew_are_sent_by_the_relay_after_the_rebuild(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    assert admit_one(wiring.admissions(), campaign_id, "killed").serial == 1
    mark_as_restarted(lossy, campaign_id)
    monkeypatch.setenv("PENDING_RESEND_AFTER_S", "1")
    wiring.reset()
    rebuild_handler({}, None)
    with closing(connect(lossy)) as redis:
        redis.zincrby(f"coupon:{{{campaign_id}}}:pending", -5000, "killed")
    warm_up()
    assert relay_handler({}, None) == {"sent": 1}
    consume_handler(kafka_event([message(campaign_id, "killed", 1)]), None)
    assert coupons(lossy, campaign_id) == [("killed", 1)]
