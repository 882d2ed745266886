"""The lists that administrators read on real servers: winners and failed events, by page."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from handlers.consume import consume_handler
from tests.support.service import (
    ask,
    create_campaign,
    failed_events,
    failures,
    kafka_event,
    message,
    winners,
)

if TYPE_CHECKING:
    from handlers.config import Settings
    from handlers.domain.coupon import CouponAccepted


def test_winners_come_in_pages_by_serial_and_as_csv(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=25)
    event = kafka_event(message(campaign_id, f"user-{n:02}", n) for n in range(1, 26))
    consume_handler(event, None)
    seen: list[dict[str, Any]] = []
    after: int | None = 0
    while after is not None:
        query = {"after": str(after), "limit": "10"}
        page = winners(campaign_id, query).body
        seen += page["coupons"]
        after = page["next_after"]
    assert [(c["serial"], c["user_id"]) for c in seen] == [
        (n, f"user-{n:02}") for n in range(1, 26)
    ]
    text = winners(campaign_id, {"limit": "10000"}, Accept="text/csv")
    assert text.headers["Content-Type"] == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(text.body)))
    # CSV has no null: what a coupon does not have is an empty cell.
    cells = [{name: "" if value is None else str(value) for name, value in c.items()} for c in seen]
    assert table == cells


def consume(record: CouponAccepted) -> None:
    response = consume_handler(kafka_event([record], record.serial), None)
    assert response["batchItemFailures"] == []


def test_the_winners_of_one_user_are_all_that_the_user_ever_had(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    for user, serial in (("ann", 1), ("bob", 2)):
        ask("POST /campaigns/{id}/apply", campaign_id, user=user)
        consume(message(campaign_id, user, serial))
    given_back = ask("DELETE /campaigns/{id}/coupon", campaign_id, user="ann")
    assert given_back.status == 200
    assert ask("POST /campaigns/{id}/apply", campaign_id, user="ann").body["serial"] == 3
    consume(message(campaign_id, "ann", 3))
    assert failures(service, campaign_id) == {}
    found = winners(campaign_id, {"user_id": "ann"}).body["coupons"]
    assert [(one["serial"], one["state"]) for one in found] == [(1, "REVOKED"), (3, "ISSUED")]
    [last] = winners(campaign_id, {"user_id": "ann", "after": "1"}).body["coupons"]
    assert last["serial"] == 3
    assert winners(campaign_id, {"user_id": "ANN"}).body["coupons"] == []
    refused = winners(campaign_id, {"user_id": "two words"})
    assert (refused.status, refused.code) == (400, "INVALID_REQUEST")
    assert refused.body["detail"].startswith("user_id: ")


@pytest.mark.parametrize(
    ("name", "value"), [("limit", "0"), ("limit", "10001"), ("after", "-1"), ("after", "9" * 99)]
)
def test_a_page_out_of_bounds_is_refused_by_name(
    service: Settings, campaign_id: str, name: str, value: str
) -> None:
    answer = winners(campaign_id, {name: value})
    assert (answer.status, answer.code) == (400, "INVALID_REQUEST")
    assert answer.body["detail"].startswith(f"{name}:")


def test_failed_events_are_listed_by_page_and_filter(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=1)
    consume_handler(
        kafka_event([b"noise", message(campaign_id, "above", 2), message("none", "lost", 1)]),
        None,
    )
    everything = failed_events({"limit": "2"}).body
    rest = failed_events({"after": str(everything["next_after"])}).body
    assert rest["next_after"] is None
    events = everything["failed_events"] + rest["failed_events"]
    assert sorted(event["reason"] for event in events) == [
        "CAMPAIGN_UNKNOWN",
        "SERIAL_OUT_OF_RANGE",
        "UNDECODABLE",
    ]
    [poison] = failed_events({"reason": "UNDECODABLE"}).body["failed_events"]
    assert (poison["payload"], poison["user_id"], poison["offset_no"]) == ("bm9pc2U=", None, 0)
    [above] = failed_events({"campaign_id": campaign_id, "user_id": "above"}).body["failed_events"]
    assert (above["reason"], above["attempts"], above["status"]) == (
        "SERIAL_OUT_OF_RANGE",
        0,
        "PENDING",
    )
    assert failed_events({"status": "DEAD"}).body["failed_events"] == []
    refused = failed_events({"status": "LOST"})
    assert (refused.status, refused.body["detail"]) == (
        400,
        "status: must be one of PENDING, RESOLVED, DEAD",
    )


def test_failed_events_of_a_megabyte_come_in_pages_that_an_answer_can_hold(
    service: Settings,
) -> None:
    consume_handler(kafka_event([b"x" * 1_000_000] * 5 + [b"small"]), None)
    pages, after = [], 0
    while True:
        page = failed_events({"after": str(after)})
        assert len(json.dumps(page.body)) < 6_000_000
        pages.append([len(event["payload"]) for event in page.body["failed_events"]])
        if page.body["next_after"] is None:
            break
        after = page.body["next_after"]
    assert [len(page) for page in pages] == [3, 3]
    assert failed_events({"limit": "1", "after": str(after)}).body["next_after"] is not None
