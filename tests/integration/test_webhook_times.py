"""Events that happen by time: campaigns open, sell out and close, coupons expire; each once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from handlers import webhook_clients
from handlers.adapters.mysql import announcements
from tests.support.receiver import NOTHING, issue, let_pass, receiver, send, subscribe
from tests.support.service import create_campaign, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from tests.support.receiver import Receiver


@pytest.fixture
def shop(service: Settings) -> Iterator[Receiver]:
    """A receiver of everything, which had its webhook two days ago."""
    with receiver() as made:
        subscribe(made.url)
        let_pass(service, 2 * 86_400)
        yield made


def all_sent(shop: Receiver) -> list[str]:
    """Send several times; return the ids of everything that came."""
    for _ in range(3):
        send()
    assert len(set(shop.ids())) == len(shop.received)
    return sorted(shop.ids())


def change(settings: Settings, campaign_id: str, assignments: str) -> None:
    rows(settings, f"UPDATE campaign SET {assignments} WHERE id = %s", campaign_id)


def test_a_campaign_opens_and_closes_once(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id, opens_in_s=600)
    assert all_sent(shop) == []
    change(service, campaign_id, "opens_at = opens_at - INTERVAL 1 HOUR")
    opened = f"campaign_opened:{campaign_id}"
    assert all_sent(shop) == [opened]
    change(service, campaign_id, "closes_at = UTC_TIMESTAMP(3)")
    closed, still = all_sent(shop)
    assert closed.startswith(f"campaign_closed:{campaign_id}:20")
    assert still == opened


def test_a_campaign_that_is_opened_once_more_closes_once_more(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id, opens_in_s=-600, open_for_s=300)
    assert len(all_sent(shop)) == 2
    change(service, campaign_id, "closes_at = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR")
    assert len(all_sent(shop)) == 2
    change(service, campaign_id, "closes_at = UTC_TIMESTAMP(3)")
    assert [name.split(":")[0] for name in all_sent(shop)] == [
        "campaign_closed",
        "campaign_closed",
        "campaign_opened",
    ]


def test_a_campaign_is_sold_out_with_its_last_serial_and_again_after_a_returned_place(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=2)
    issue(campaign_id, 1)
    assert f"campaign_sold_out:{campaign_id}:2" not in all_sent(shop)
    issue(campaign_id, 2)
    assert f"campaign_sold_out:{campaign_id}:2" in all_sent(shop)
    change(service, campaign_id, "places_returned = 1")
    assert f"campaign_sold_out:{campaign_id}:3" not in all_sent(shop)
    coupon = (
        "INSERT INTO coupon (campaign_id, user_id, serial, code, admitted_at) "
        "VALUES (%s, 'new', 3, 'C', UTC_TIMESTAMP(3))"
    )
    rows(service, coupon, campaign_id)
    assert f"campaign_sold_out:{campaign_id}:3" in all_sent(shop)


def test_a_webhook_is_not_sent_what_happened_before_there_was_the_webhook(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=1, opens_in_s=-600, open_for_s=300)
    issue(campaign_id, 1)
    change(
        service,
        campaign_id,
        "usable_until = UTC_TIMESTAMP(3), created_at = created_at - INTERVAL 1 HOUR",
    )
    rows(service, "UPDATE coupon SET created_at = created_at - INTERVAL 1 HOUR")
    with receiver() as late:
        subscribe(late.url)
        assert send() == NOTHING


def test_coupons_expire_once_unless_they_were_used_or_revoked(
    service: Settings, shop: Receiver, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcements, "ROWS", 2)  # several pages
    create_campaign(campaign_id, quantity=100)
    issue(campaign_id, *range(1, 8))
    send()
    shop.received.clear()
    change(service, campaign_id, "usable_until = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR")
    assert all_sent(shop) == []
    for serial, state in ((2, "USED"), (3, "REVOKED"), (5, "RESERVED")):
        rows(service, "UPDATE coupon SET state = %s WHERE serial = %s", state, serial)
    rows(
        service,
        "UPDATE coupon SET reserved_until = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR WHERE serial = 5",
    )
    change(service, campaign_id, "usable_until = UTC_TIMESTAMP(3)")
    # The order of 5 may still use it, and those behind wait for it.
    assert all_sent(shop) == [f"coupon_expired:{campaign_id}:{n}" for n in (1, 4)]
    rows(service, "UPDATE coupon SET reserved_until = UTC_TIMESTAMP(3) WHERE serial = 5")
    assert all_sent(shop) == [f"coupon_expired:{campaign_id}:{n}" for n in (1, 4, 5, 6, 7)]


def test_coupons_that_are_usable_for_days_expire_in_their_order(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    issue(campaign_id, 1, 2, 3)
    send()
    shop.received.clear()
    for serial, hours in ((1, 25), (2, 24), (3, 23)):
        age = (
            "UPDATE coupon SET admitted_at = UTC_TIMESTAMP(3) - INTERVAL %s HOUR WHERE serial = %s"
        )
        rows(service, age, hours, serial)
    change(service, campaign_id, "usable_days = 1")
    assert all_sent(shop) == [f"coupon_expired:{campaign_id}:{n}" for n in (1, 2)]


def test_two_schedulers_at_once_announce_everything_once(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=50)
    issue(campaign_id, *range(1, 51))
    change(service, campaign_id, "usable_until = UTC_TIMESTAMP(3)")
    clients = webhook_clients.announcements()

    def announce() -> None:
        clients.campaigns()
        for each in clients.campaigns_with_expired():
            clients.expired(each)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(announce) for _ in range(8)]:
            done.result()
    assert len(all_sent(shop)) == 50 + 50 + 2
