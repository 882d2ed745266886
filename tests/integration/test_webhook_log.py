"""What was sent to a webhook, and sending it once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.receiver import admin, issue, let_pass, receiver, send, subscribe
from tests.support.service import create_campaign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from tests.support.receiver import Receiver

ISSUED = "coupon.issued"


@pytest.fixture
def shop(service: Settings, campaign_id: str) -> Iterator[Receiver]:
    create_campaign(campaign_id)
    with receiver() as made:
        yield made


def test_the_log_shows_every_delivery_newest_first_in_pages(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    webhook = subscribe(shop.url, ISSUED).id
    shop.answer = lambda one: (500 if one.id.endswith(":2") else 200, {})
    for serial in (1, 2, 3):
        issue(campaign_id, serial)
        send()
        let_pass(service, 2)
    call = "GET /webhooks/{webhook}/deliveries"
    first = admin(call, query={"limit": "2"}, webhook=webhook).body
    names = [f"coupon_issued:{campaign_id}:{serial}" for serial in (3, 2, 1)]
    assert [one["event_id"] for one in first["deliveries"]] == names[:2]
    rest = admin(call, query={"limit": "2", "after": first["next_after"]}, webhook=webhook).body
    assert [one["event_id"] for one in rest["deliveries"]] == names[2:]
    assert rest["next_after"] is None
    third, second = first["deliveries"]
    assert (third["status"], third["http_status"], third["attempts"]) == ("DELIVERED", 200, 1)
    assert (second["status"], second["http_status"]) == ("PENDING", 500)
    only = admin(call, query={"status": "PENDING"}, webhook=webhook).body["deliveries"]
    assert only == [second]
    assert admin(call, query={"after": "coupon_issued:x:1"}, webhook=webhook).status == 404
    assert admin(call, query={"after": "'"}, webhook=webhook).status == 400


def test_one_delivery_is_sent_again_with_the_same_id(shop: Receiver, campaign_id: str) -> None:
    made = subscribe(shop.url, ISSUED)
    issue(campaign_id, 1)
    send()
    event = f"coupon_issued:{campaign_id}:1"
    call = "POST /webhooks/{webhook}/deliveries/{event}/replay"
    for _ in range(2):  # a repeated call is one replay
        assert admin(call, webhook=made.id, event=event).status == 202
    assert send()["delivered"] == 1
    assert shop.ids() == [event, event]
    for unknown in (f"coupon_issued:{campaign_id}:2", "'", ""):
        answer = admin(call, webhook=made.id, event=unknown)
        assert (answer.status, answer.code) == (404, "DELIVERY_NOT_FOUND")


def test_what_did_not_arrive_since_a_time_is_sent_again_and_nothing_else(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    made = subscribe(shop.url, ISSUED)
    issue(campaign_id, 1, 2)
    send()
    shop.answer_always(500)
    issue(campaign_id, 3, 4)
    send()
    shop.answer_always(204)
    shop.received.clear()
    call = "POST /webhooks/{webhook}/replay"
    later = {"since": "2999-01-01T00:00:00Z"}
    assert admin(call, later, webhook=made.id).body == {"replayed": 0, "more": False}
    answer = admin(call, {"since": "2020-01-01T00:00:00+09:00"}, webhook=made.id)
    assert (answer.status, answer.body) == (202, {"replayed": 2, "more": False})
    let_pass(service, 60)
    send()
    assert sorted(shop.ids()) == [f"coupon_issued:{campaign_id}:{n}" for n in (3, 4)]
    for bad in (
        {},
        {"since": 1},
        {"since": "today"},
        {"since": "2026-01-01"},
        {"since": "", "x": 1},
    ):
        assert admin(call, bad, webhook=made.id).code == "INVALID_REQUEST"
