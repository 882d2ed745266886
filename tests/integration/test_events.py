"""The list of what happened to a campaign and its coupons, on a real MySQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import events as events_module
from handlers import wiring
from handlers.adapters.mysql import event_list
from handlers.adapters.mysql.coupon_events import add_event
from handlers.consume import consume_handler
from handlers.domain.coupon_event import CouponEvent, EventKind
from handlers.domain.event_position import EventPosition
from tests.support.events import DAY, ORDER, followed, kinds, life, listed
from tests.support.life import INSERT_COUPON, coupon_row, transaction
from tests.support.service import ask, create_campaign, kafka_event, message, rows

if TYPE_CHECKING:
    from handlers.config import Settings


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 1000])
def test_a_reader_that_pages_gets_each_event_once_and_in_order(
    service: Settings, campaign_id: str, limit: int
) -> None:
    life(service, campaign_id)
    seen, end = followed(campaign_id, limit)
    assert kinds(seen) == ORDER
    assert followed(campaign_id, limit, end) == ([], end)
    # The id of an event is a place to go on behind.
    assert kinds(followed(campaign_id, limit, seen[2]["id"])[0]) == ORDER[3:]


def test_an_event_says_who_did_what_when_and_why(service: Settings, campaign_id: str) -> None:
    life(service, campaign_id)
    answer = listed(campaign_id)
    assert answer.headers["Cache-Control"] == "no-store"
    issued, used, revoked = (answer.body["events"][index] for index in (1, 4, 5))
    assert issued == {
        "id": issued["id"],
        "at": "2026-11-22T03:00:02.000Z",
        "kind": "ISSUED",
        "serial": 1,
        "actor": "user-1",
        "order_id": None,
        "reason": None,
        "detail": {},
    }
    assert (used["actor"], used["order_id"]) == ("shop", "order-7")
    assert (revoked["reason"], revoked["detail"]) == ("fraud", {"a": [1]})
    assert len({event["id"] for event in answer.body["events"]}) == 6


def test_what_the_service_writes_is_listed_as_recent_until_no_older_one_can_come(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=10)
    consume_handler(
        kafka_event([message(campaign_id, "u2", 2), message(campaign_id, "u1", 1)]), None
    )
    event = CouponEvent(EventKind.CHANGED, campaign_id, None, "admin", detail={"name": ["a", "b"]})
    wiring.database().run(lambda cursor: add_event(cursor, event))
    page = listed(campaign_id).body
    assert (page["events"], page["more"]) == ([], False)
    assert kinds(page["recent"]) == [
        ("CREATED", None),
        ("ISSUED", 1),
        ("ISSUED", 2),
        ("CHANGED", None),
    ]
    # As if the time had passed.
    for table in ("coupon", "coupon_event"):
        rows(service, f"UPDATE {table} SET created_at = created_at - INTERVAL 1 MINUTE")
    later = listed(campaign_id, after=page["next_after"]).body
    assert kinds(later["events"]) == kinds(page["recent"])
    assert later["recent"] == []
    assert later["events"][3]["detail"] == {"name": ["a", "b"]}


def test_a_page_ends_with_the_event_that_fills_an_answer(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    life(service, campaign_id)
    monkeypatch.setattr(events_module, "PAGE_BYTES_MAX", 250)
    page = listed(campaign_id).body
    assert (kinds(page["events"]), page["more"]) == (ORDER[:1], True)
    assert kinds(followed(campaign_id, 1000)[0]) == ORDER


def test_ten_thousand_coupons_of_one_moment_are_read_by_page(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=10_000)
    at = f"{DAY}00.000"
    with transaction(service) as cursor:
        cursor.executemany(
            INSERT_COUPON, [coupon_row(campaign_id, n, at) for n in range(1, 10_001)]
        )
    seen, _ = followed(campaign_id, 1000)
    # On a slow machine the campaign's creation, which has no serial, is old enough to be seen, too.
    serials = [event["serial"] for event in seen if event["serial"] is not None]
    assert serials == list(range(1, 10_001))


def test_a_page_reads_an_index_in_its_order_and_sorts_no_table(
    service: Settings, campaign_id: str
) -> None:
    life(service, campaign_id)
    values = event_list._values(campaign_id, EventPosition(1, 0, 1), 100)
    with transaction(service) as cursor:
        cursor.execute(f"EXPLAIN {event_list.SELECT_EVENTS_PAGE}", values)
        names = [column[0] for column in cursor.description]
        plan = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    read = {line["table"]: line for line in plan if line["table"] in {"coupon", "coupon_event"}}
    assert {line["key"] for line in read.values()} == {"coupon_by_time", "coupon_event_by_time"}
    assert not [line for line in read.values() if "filesort" in str(line["Extra"])]


@pytest.mark.parametrize(
    "after",
    ["", "0", "x" * 65, "MS0wLTE=", "LTEtMC0x", "MS0yLTE", "OTk5OTk5OTk5OTk5OTk5LTAtMQ", "\u0661"],
)
def test_a_place_that_is_not_of_this_service_is_refused_by_name(
    service: Settings, campaign_id: str, after: str
) -> None:
    create_campaign(campaign_id)
    answer = listed(campaign_id, after=after)
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")
    assert answer.body["detail"] == "after: must be a next_after, or the id of an event"


@pytest.mark.parametrize("limit", ["0", "1001"])
def test_a_limit_out_of_bounds_is_refused_by_name(
    service: Settings, campaign_id: str, limit: str
) -> None:
    answer = listed(campaign_id, limit=limit)
    assert (answer.status, answer.body["detail"]) == (
        400,
        "limit: must be a whole number from 1 to 1000",
    )


def test_only_an_administrator_reads_events_and_only_of_a_campaign_that_exists(
    service: Settings, campaign_id: str
) -> None:
    call = "GET /campaigns/{id}/events"
    assert ask(call, campaign_id).code == "UNAUTHENTICATED"
    assert ask(call, campaign_id, user="u1").code == "FORBIDDEN"
    assert listed(campaign_id).code == "CAMPAIGN_NOT_FOUND"
