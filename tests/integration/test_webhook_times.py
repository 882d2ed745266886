"""Events that happen by time: campaigns open, sell out and close; each once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from handlers import webhook_clients
from tests.support.receiver import (
    NOTHING,
    all_sent,
    issue,
    let_rows_settle,
    receiver,
    send,
    subscribe,
)
from tests.support.service import create_campaign, rows

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.receiver import Receiver


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


def test_two_schedulers_at_once_announce_everything_once(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=50)
    issue(campaign_id, *range(1, 51))
    let_rows_settle(service)
    change(service, campaign_id, "usable_until = UTC_TIMESTAMP(3)")
    clients = webhook_clients.announcements()

    def announce() -> None:
        clients.campaigns()
        for each in clients.campaigns_to_expire():
            clients.expire(each)
        clients.expire_single()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(announce) for _ in range(8)]:
            done.result()
    assert len(all_sent(shop)) == 50 + 50 + 2
