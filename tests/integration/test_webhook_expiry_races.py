"""A change of a coupon that was decided before the end of its time, and is written after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers.adapters.mysql import coupon_states, outbox
from tests.support.expiry import CANCEL, USE, of_order
from tests.support.receiver import (
    all_sent,
    issue,
    let_rows_settle,
    receiver_of_everything,
    send,
)
from tests.support.service import create_campaign, rows
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql.cursors import Cursor

    from handlers.config import Settings
    from handlers.domain.coupon_state import Change, HeldCoupon
    from tests.support.receiver import Receiver


@pytest.fixture
def shop(service: Settings, campaign_id: str) -> Iterator[Receiver]:
    """A receiver of everything, and one coupon, of serial 1."""
    with receiver_of_everything(service) as made:
        create_campaign(campaign_id)
        issue(campaign_id, 1)
        let_rows_settle(service)
        yield made


def write_after_the_time(settings: Settings, patch: pytest.MonkeyPatch) -> None:
    """Let the first change from now on wait for its time to end, and for the scheduler's look."""
    soon = "UPDATE campaign SET usable_until = UTC_TIMESTAMP(3) + INTERVAL 500000 MICROSECOND"
    rows(settings, soon)
    is_over = "SELECT usable_until < UTC_TIMESTAMP(3) FROM campaign"
    write = coupon_states.write_change

    def late(cursor: Cursor, coupon: HeldCoupon, change: Change) -> bool:
        patch.setattr(coupon_states, "write_change", write)
        eventually(lambda: rows(settings, is_over) == [(1,)], "the coupon's time is over")
        send()
        return write(cursor, coupon, change)

    patch.setattr(coupon_states, "write_change", late)


def has_expired(shop: Receiver, campaign_id: str) -> bool:
    return f"coupon_expired:{campaign_id}:1" in all_sent(shop)


def test_a_coupon_that_was_announced_as_expired_is_not_used(
    service: Settings, shop: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_after_the_time(service, monkeypatch)
    answer = of_order(service, USE, 1)
    assert (answer.status, answer.body["code"]) == (409, "EXPIRED")
    assert has_expired(shop, campaign_id)


def test_without_the_clock_in_the_update_it_is_used(
    service: Settings, shop: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = "SYSDATE(3) < %(ends_at)s"
    assert guard in coupon_states.UPDATE_COUPON_STATE
    without = coupon_states.UPDATE_COUPON_STATE.replace(guard, "%(ends_at)s <> ''")
    monkeypatch.setattr(coupon_states, "UPDATE_COUPON_STATE", without)
    write_after_the_time(service, monkeypatch)
    assert of_order(service, USE, 1).status == 201
    assert has_expired(shop, campaign_id)


def test_a_use_that_is_cancelled_as_the_time_ends_is_announced(
    service: Settings, shop: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_order(service, USE, 1)
    write_after_the_time(service, monkeypatch)
    assert of_order(service, CANCEL, 1).status == 204
    assert has_expired(shop, campaign_id)


def test_without_a_look_in_its_own_transaction_it_is_missed(
    service: Settings, shop: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_order(service, USE, 1)
    write_after_the_time(service, monkeypatch)
    monkeypatch.setattr(outbox, "add_expired", lambda *_, **__: None)
    assert of_order(service, CANCEL, 1).status == 204
    assert not has_expired(shop, campaign_id)
