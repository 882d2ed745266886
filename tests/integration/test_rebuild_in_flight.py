"""Applies in flight while Redis is rebuilt: they are not accepted, and take no coupon late."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from handlers import rebuild, wiring
from handlers.adapters.mysql import ledger, prepared
from handlers.adapters.mysql.failed_events import NOT_ACCEPTED
from handlers.adapters.mysql.fences import Fences
from handlers.adapters.redis.client import connect
from handlers.adapters.redis.settling import SETTLE
from handlers.consume import consume_handler
from handlers.domain import stored_coupons
from handlers.edge.deadline import Deadline
from handlers.rebuild import rebuild_handler
from handlers.redrive import redrive_handler
from handlers.relay import relay_handler
from tests.support.mutated import change
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
    from collections.abc import Iterator

    from handlers.config import Settings
    from handlers.domain.campaign import Campaign
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


@pytest.mark.parametrize(
    ("owner", "guard"),
    [
        pytest.param(ledger, "is_late", id="no comparison"),
        pytest.param(Fences, "store_offsets", id="no end of the topic stored"),
    ],
)
def test_control_without_that_rule_a_late_record_takes_the_coupon_of_an_accepted_user(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch, owner: object, guard: str
) -> None:
    monkeypatch.setattr(owner, guard, lambda *_: False)
    in_flight = lose_slow_and_rebuild(lossy, campaign_id)
    late = arrives_late(in_flight)
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial
    consume_handler(late, None)
    assert coupons(lossy, campaign_id) == [("slow", in_flight.serial)]


def serial_after_another_loss(settings: Settings, campaign_id: str) -> int:
    """Lose Redis again while the topic has a late record, and then that of an accepted user.

    Both are of one serial. Returns the serial that the accepted user has after the rebuild.
    """
    in_flight = lose_slow_and_rebuild(settings, campaign_id)
    arrives_late(in_flight)
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial == 1
    flush(settings)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    serial = apply(campaign_id, "quick").body["serial"]
    assert isinstance(serial, int)
    return serial


def test_a_later_rebuild_leaves_out_what_came_late_for_the_one_before(
    lossy: Settings, campaign_id: str
) -> None:
    assert serial_after_another_loss(lossy, campaign_id) == 1


def test_control_a_later_rebuild_that_reads_it_takes_the_serial_of_an_accepted_user(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_coupons, "is_late", lambda *_: False)
    assert serial_after_another_loss(lossy, campaign_id) == 2


def test_the_late_record_of_a_user_who_applies_again_leaves_the_new_admission_pending(
    lossy: Settings, campaign_id: str
) -> None:
    in_flight = lose_slow_and_rebuild(lossy, campaign_id)
    again = admit_one(wiring.admissions(), campaign_id, "slow")
    assert (again.serial, again.fence) == (in_flight.serial, in_flight.fence + 1)
    consume_handler(arrives_late(in_flight), None)
    with closing(connect(lossy)) as redis:
        assert redis.zcard(f"coupon:{{{campaign_id}}}:pending") == 1


def refused_late(settings: Settings, campaign_id: str) -> str:
    """MySQL refuses a late record, whose user has been admitted again in an apply that was killed.

    The user applies once more, and the consumer reads the topic again. Returns the answer.
    """
    in_flight = lose_slow_and_rebuild(settings, campaign_id)
    late = arrives_late(in_flight)
    assert admit_one(wiring.admissions(), campaign_id, "slow").fence == in_flight.fence + 1
    with pytest.MonkeyPatch.context() as refusing:
        refusing.setattr(prepared, "rows_of", lambda *_: "no JSON")
        consume_handler(late, None)
    assert failures(settings, campaign_id) == {"slow": "NOT_INSERTED"}
    answer = apply(campaign_id, "slow")
    consume_handler(event_of_unread("slow"), None)
    redrive_handler({}, None)
    return answer.code


def test_a_late_record_that_mysql_refuses_leaves_the_new_admission_pending(
    lossy: Settings, campaign_id: str
) -> None:
    assert refused_late(lossy, campaign_id) == "ALREADY_APPLIED"
    assert coupons(lossy, campaign_id) == [("slow", 1)]


def test_control_settled_under_any_fence_it_costs_an_accepted_user_the_coupon(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, SETTLE, " or campaign[2] ~= ARGV[3] then", " then")
    assert refused_late(lossy, campaign_id) == "ALREADY_APPLIED"
    assert coupons(lossy, campaign_id) == []


def writes_behind_the_rebuild(
    settings: Settings, campaign_id: str, patch: pytest.MonkeyPatch
) -> tuple[CouponAccepted, list[bool]]:
    """Admit a user whom Redis loses, and whose row apply writes once the rebuild has read MySQL.

    Returns the admission, and a list that will say whether the row stands.
    """
    create_campaign(campaign_id, quantity=5)
    admission = admit_one(wiring.admissions(), campaign_id, "slow")
    in_flight = message(campaign_id, "slow", admission.serial, admission.fence)
    flush(settings)
    issued, stands = rebuild._issued, list[bool]()

    def then_the_row(name: str, deadline: Deadline) -> Iterator[list[CouponAccepted]]:
        yield from issued(name, deadline)
        stands.extend(wiring.direct_writer().write_all([in_flight]))

    patch.setattr(rebuild, "_issued", then_the_row)
    return in_flight, stands


def test_a_row_that_apply_writes_once_the_rebuild_has_read_mysql_does_not_stand(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_flight, stands = writes_behind_the_rebuild(lossy, campaign_id, monkeypatch)
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert stands == [False]
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial
    consume_handler(event_of_unread("quick"), None)
    assert coupons(lossy, campaign_id) == [("quick", in_flight.serial)]


def test_control_a_rebuild_that_reads_mysql_before_it_raises_the_fence_accepts_two_for_one_serial(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_flight, stands = writes_behind_the_rebuild(lossy, campaign_id, monkeypatch)
    take_over, issued = rebuild._take_over, rebuild._issued
    read: dict[str, list[list[CouponAccepted]]] = {}

    def reads_first(campaign: Campaign) -> list[rebuild._Restore]:
        read[campaign.id] = list(issued(campaign.id, Deadline.of(None)))
        return take_over(campaign)

    monkeypatch.setattr(rebuild, "_take_over", reads_first)
    monkeypatch.setattr(rebuild, "_issued", lambda name, _: read[name])
    assert rebuild_handler({}, None) == {"rebuilt": [campaign_id]}
    assert stands == [True]
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial
    consume_handler(event_of_unread("quick"), None)
    assert coupons(lossy, campaign_id) == [("slow", in_flight.serial)]
    assert failures(lossy, campaign_id) == {"quick": "SERIAL_TAKEN"}


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
