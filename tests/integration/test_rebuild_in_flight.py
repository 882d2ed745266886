"""Applies in flight while Redis is rebuilt: the wait keeps their serials, the relay sends them."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from handlers import wiring
from handlers.adapters.redis.client import connect
from handlers.consume import consume_handler
from handlers.rebuild import rebuild_handler
from handlers.relay import relay_handler
from tests.support.redis_loss import ACK_TIMEOUT_MS, flush, mark_as_restarted, warm_up
from tests.support.service import apply, coupons, create_campaign, kafka_event, message
from tests.support.single import admit_one, publish_one
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    import pytest

    from handlers.config import Settings


def test_without_the_wait_an_apply_in_flight_loses_its_serial_to_another(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of the wait: without it, what it prevents happens."""
    create_campaign(campaign_id, quantity=5)
    in_flight = admit_one(wiring.admissions(), campaign_id, "slow")
    flush(lossy)
    monkeypatch.setattr("handlers.rebuild.time.sleep", lambda _: None)
    rebuild_handler({}, None)
    assert publish_one(
        wiring.publisher(),
        message(campaign_id, "slow", in_flight.serial),
        "",
        time.monotonic() + WAIT_S,
    )
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial


def test_with_the_wait_an_apply_in_flight_keeps_its_serial(
    lossy: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=5)
    in_flight = admit_one(wiring.admissions(), campaign_id, "slow")
    flush(lossy)

    def other_side(seconds: float) -> None:
        assert seconds == ACK_TIMEOUT_MS / 1000
        late = message(campaign_id, "slow", in_flight.serial)
        assert publish_one(wiring.publisher(), late, "", time.monotonic() + WAIT_S)

    monkeypatch.setattr("handlers.rebuild.time.sleep", other_side)
    rebuild_handler({}, None)
    assert apply(campaign_id, "quick").body["serial"] == in_flight.serial + 1
    assert apply(campaign_id, "slow").code == "ALREADY_APPLIED"


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
