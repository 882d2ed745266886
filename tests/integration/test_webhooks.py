"""Webhooks on real servers: what happens is sent, signed, once or again with the same id."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.mysql.coupon_events import add_event
from handlers.domain.coupon_event import CouponEvent, EventKind
from tests.support.receiver import NOTHING, issue, receiver, send, subscribe
from tests.support.service import apply, ask, create_campaign, message, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from tests.support.receiver import Receiver


@pytest.fixture
def shop(service: Settings) -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def test_a_sale_of_a_hundred_sends_exactly_its_events_each_verified(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    made = subscribe(shop.url)
    create_campaign(campaign_id, quantity=100)
    accepted = [apply(campaign_id, f"user-{n}") for n in range(1, 121)]
    assert Counter(one.code for one in accepted) == {"ACCEPTED": 100, "SOLD_OUT": 20}
    serials = [one.body["serial"] for one in accepted if one.code == "ACCEPTED"]
    issue(campaign_id, *serials)
    issue(campaign_id, *serials)  # redelivered
    for _ in range(3):
        send()
    contents = [one.verified(made.secret) for one in shop.received]
    assert Counter(content["type"] for content in contents) == {
        "campaign.opened": 1,
        "coupon.issued": 100,
        "campaign.sold_out": 1,
    }
    assert len(set(shop.ids())) == 102
    issued = [content["data"] for content in contents if content["type"] == "coupon.issued"]
    assert {(one["user_id"], one["serial"]) for one in issued} == {
        (f"user-{n}", n) for n in range(1, 101)
    }
    codes = dict(rows(service, "SELECT serial, code FROM coupon"))
    assert {one["serial"]: one["code"] for one in issued} == codes


def test_without_a_webhook_nothing_is_in_the_outbox(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id)
    issue(campaign_id, 1)
    assert send() == NOTHING
    assert rows(service, "SELECT COUNT(*) FROM webhook_delivery") == [(0,)]


def test_a_webhook_is_sent_only_the_kinds_that_it_wants_and_nothing_from_before(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    issue(campaign_id, 1)
    subscribe(shop.url, "coupon.issued")
    issue(campaign_id, 1, 2)
    assert send() == NOTHING | {"delivered": 1}
    assert shop.ids() == [f"coupon_issued:{campaign_id}:2"]


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (EventKind.USED, "coupon.redeemed"),
        (EventKind.RELEASED, "coupon.released"),
        (EventKind.CANCELLED, "coupon.released"),
        (EventKind.REVOKED, "coupon.revoked"),
        (EventKind.GIVEN_BACK, "coupon.revoked"),
        (EventKind.RESERVED, None),
        (EventKind.ERASED, None),
    ],
)
def test_a_change_of_a_coupon_is_sent_as_often_as_it_happens(
    service: Settings, shop: Receiver, campaign_id: str, kind: EventKind, sent: str | None
) -> None:
    made = subscribe(shop.url)
    create_campaign(campaign_id)
    issue(campaign_id, 1)
    [(code,)] = rows(service, "SELECT code FROM coupon")
    send()
    shop.received.clear()
    event = CouponEvent(kind, campaign_id, 1, "shop", order_id="order-1", reason="a reason")
    for _ in range(2):
        wiring.database().run(lambda cursor: add_event(cursor, event))
    send()
    contents = [one.verified(made.secret) for one in shop.received]
    assert [content["type"] for content in contents] == ([sent] * 2 if sent else [])
    assert len(set(shop.ids())) == len(contents)
    for content in contents:
        assert content["data"] == {
            "campaign_id": campaign_id,
            "serial": 1,
            "code": code,
            "user_id": "user-1",
            "order_id": "order-1",
            "reason": "a reason",
            "change": kind.value,
        }


def test_a_coupon_that_is_given_back_is_sent_with_the_code_that_its_user_had(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    made = subscribe(shop.url, "coupon.revoked")
    create_campaign(campaign_id)
    assert apply(campaign_id, "user-1").body["serial"] == 1
    issue(campaign_id, 1)
    [(code,)] = rows(service, "SELECT code FROM coupon")
    assert ask("DELETE /campaigns/{id}/coupon", campaign_id, user="user-1").status == 200
    send()
    [event] = [one.verified(made.secret) for one in shop.received]
    assert (event["data"]["change"], event["data"]["code"]) == ("GIVEN_BACK", code)


def test_a_change_that_is_rolled_back_is_not_sent(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    subscribe(shop.url, "coupon.redeemed")
    event = CouponEvent(EventKind.USED, campaign_id, 1, "shop")

    def work(cursor: object) -> None:
        add_event(cursor, event)  # type: ignore[arg-type]
        raise KeyError

    with pytest.raises(KeyError):
        wiring.database().run(work)
    assert send() == NOTHING


def test_an_admission_that_kafka_does_not_take_is_announced_as_well(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    subscribe(shop.url, "coupon.issued")
    create_campaign(campaign_id)
    admitted = message(campaign_id, "user-1", 1, fence=1)
    assert wiring.direct_writer().write_all([admitted]) == [True]
    issue(campaign_id, 1)
    assert send()["delivered"] == 1
    assert shop.ids() == [f"coupon_issued:{campaign_id}:1"]


def test_the_outbox_has_no_users_id_so_an_erased_user_is_sent_as_the_coupon_has_it(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    made = subscribe(shop.url, "coupon.issued")
    create_campaign(campaign_id)
    issue(campaign_id, 1)
    assert "user-1" not in str(rows(service, "SELECT * FROM webhook_delivery"))
    rows(service, "UPDATE coupon SET user_id = 'a-keyed-hash'")
    send()
    [one] = shop.received
    assert one.verified(made.secret)["data"]["user_id"] == "a-keyed-hash"
    assert "user-1" not in one.body
