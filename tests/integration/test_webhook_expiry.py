"""coupon.expired: each once, when the coupon's time is over, whatever comes before it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.mysql import announcements
from handlers.consume import consume_handler
from handlers.domain.coupon import CouponAccepted
from tests.support.expiry import (
    CANCEL,
    RELEASE,
    USE,
    end,
    expired,
    of_order,
    reserve,
    until,
)
from tests.support.receiver import all_sent, issue, let_rows_settle, send
from tests.support.service import create_campaign, kafka_event, rows

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.receiver import Receiver

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def write_rows(campaign_id: str, *admitted: tuple[int, int]) -> None:
    """Let the consumer write coupons now; admitted: serial, and how many ms ago."""
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    coupons = [CouponAccepted(campaign_id, f"late-{n}", n, now_ms - ago, 0) for n, ago in admitted]
    assert consume_handler(kafka_event(coupons, 100), None) == {"batchItemFailures": []}


def test_coupons_expire_once_unless_they_were_used_or_revoked(
    service: Settings, seven: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcements, "ROWS", 2)  # several pages
    assert all_sent(seven) == []
    for serial, state in ((2, "USED"), (3, "REVOKED")):
        rows(service, "UPDATE coupon SET state = %s WHERE serial = %s", state, serial)
    end(service)
    assert all_sent(seven) == expired(campaign_id, 1, 4, 5, 6, 7)


def test_a_reserved_coupon_expires_with_its_reservation_and_holds_up_no_other(
    service: Settings, seven: Receiver, campaign_id: str
) -> None:
    reserve(service, 1)
    reserve(service, 5)
    end(service)
    assert all_sent(seven) == expired(campaign_id, 2, 3, 4, 6, 7)
    rows(service, "UPDATE coupon SET reserved_until = UTC_TIMESTAMP(3) WHERE serial = 5")
    rows(service, "UPDATE webhook_expiring SET due_at = UTC_TIMESTAMP(3) WHERE serial = 5")
    assert all_sent(seven) == expired(campaign_id, *range(2, 8))
    [sent] = [one for one in seven.received if one.id.endswith(":5")]
    [(ended,)] = rows(service, "SELECT reserved_until FROM coupon WHERE serial = 5")
    assert ended.isoformat(timespec="milliseconds") in sent.body


@pytest.mark.parametrize("call", [RELEASE, CANCEL])
def test_a_coupon_that_is_usable_again_after_its_time_expires_at_once(
    call: str, service: Settings, seven: Receiver, campaign_id: str
) -> None:
    reserve(service, 1)
    if call == CANCEL:
        assert of_order(service, USE, 1).status == 201
    end(service)
    others = expired(campaign_id, *range(2, 8))
    assert [one for one in all_sent(seven) if one.startswith("coupon_expired")] == others
    assert of_order(service, call, 1).status == 204
    names = [one for one in all_sent(seven) if one.startswith("coupon_expired")]
    assert names == expired(campaign_id, *range(1, 8))
    # Also when the moment comes at which its reservation would have ended.
    rows(service, "UPDATE webhook_expiring SET due_at = UTC_TIMESTAMP(3)")
    assert len(all_sent(seven)) == len(seven.received)
    assert [one for one in all_sent(seven) if one.startswith("coupon_expired")] == names


def test_a_reservation_that_becomes_a_use_after_the_time_does_not_expire(
    service: Settings, seven: Receiver, campaign_id: str
) -> None:
    reserve(service, 1)
    end(service)
    assert all_sent(seven) == expired(campaign_id, *range(2, 8))
    assert of_order(service, USE, 1).status == 201
    rows(service, "UPDATE webhook_expiring SET due_at = UTC_TIMESTAMP(3)")
    assert not set(expired(campaign_id, 1)) & set(all_sent(seven))
    assert rows(service, "SELECT serial, due_at FROM webhook_expiring") == [(1, None)]


def test_a_coupon_that_is_reserved_once_more_is_looked_at_when_that_ends(
    service: Settings, seven: Receiver, campaign_id: str
) -> None:
    reserve(service, 1)
    end(service)
    send()
    rows(service, "UPDATE webhook_expiring SET due_at = UTC_TIMESTAMP(3)")
    send()
    [(due, reserved)] = rows(
        service, "SELECT due_at, reserved_until FROM webhook_expiring JOIN coupon USING (serial)"
    )
    assert due == reserved
    assert all_sent(seven) == expired(campaign_id, *range(2, 8))


def test_coupons_that_are_usable_for_days_expire_each_in_its_time(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    issue(campaign_id, 1, 2, 3)
    send()
    shop.received.clear()
    # A serial that was free for long is given later than a higher one.
    for serial, hours in ((1, 23), (2, 24), (3, 25)):
        age = (
            "UPDATE coupon SET admitted_at = UTC_TIMESTAMP(3) - INTERVAL %s HOUR, "
            "created_at = admitted_at WHERE serial = %s"
        )
        rows(service, age, hours, serial)
    rows(service, "UPDATE campaign SET usable_days = 1")
    assert all_sent(shop) == expired(campaign_id, 2, 3)
    [(due,)] = rows(service, "SELECT due_at FROM webhook_expiry")
    [(ends,)] = rows(service, "SELECT admitted_at + INTERVAL 1 DAY FROM coupon WHERE serial = 1")
    assert due == ends


def test_a_coupon_whose_row_is_written_late_expires_in_its_time(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    rows(service, "UPDATE campaign SET usable_days = 1")
    # 1 and 2 come in their turn; 3 waited for hours, and 4 until its time was over.
    write_rows(campaign_id, (1, 0), (2, 0), (3, 23 * HOUR_MS), (4, DAY_MS + HOUR_MS))
    kept = "SELECT serial, due_at > UTC_TIMESTAMP(3) FROM webhook_expiring ORDER BY serial"
    assert rows(service, kept) == [(3, 1), (4, 0)]
    names = [one for one in all_sent(shop) if one.startswith("coupon_expired")]
    assert names == expired(campaign_id, 4)
    rows(service, "UPDATE coupon SET admitted_at = admitted_at - INTERVAL 2 HOUR")
    rows(service, "UPDATE webhook_expiring SET due_at = due_at - INTERVAL 2 HOUR")
    names = [one for one in all_sent(shop) if one.startswith("coupon_expired")]
    assert names == expired(campaign_id, 3, 4)


def test_a_coupon_whose_row_is_written_as_its_time_ends_is_not_missed(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    until(service, "UTC_TIMESTAMP(3) + INTERVAL 1 MINUTE")
    write_rows(campaign_id, (1, 0))
    end(service)  # no row has settled by now
    rows(service, "UPDATE webhook_expiring SET due_at = UTC_TIMESTAMP(3)")
    assert set(expired(campaign_id, 1)) < set(all_sent(shop))
    let_rows_settle(service)
    rows(service, "UPDATE webhook_expiry SET due_at = UTC_TIMESTAMP(3)")
    assert set(expired(campaign_id, 1)) < set(all_sent(shop))


def test_without_a_webhook_for_it_no_coupon_is_kept_for_its_expiry(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    end(service)
    write_rows(campaign_id, (1, 0))
    send()
    assert rows(service, "SELECT * FROM webhook_expiring") == []
    assert rows(service, "SELECT * FROM webhook_expiry") == []
