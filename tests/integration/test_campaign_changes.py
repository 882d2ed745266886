"""PATCH /campaigns/{id}: what can be changed, what cannot, and what people notice."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.consume import consume_handler
from handlers.domain import times
from tests.support.changes import PATCH, SHOW, events, in_mysql, in_redis, patch, tag
from tests.support.service import (
    ADMIN,
    apply,
    ask,
    create_campaign,
    kafka_event,
    message,
    rows,
)

if TYPE_CHECKING:
    from handlers.config import Settings
    from tests.support.service import Response

HOUR_MS = 3_600_000


def in_an_hour() -> str:
    return times.to_iso(int(time.time() * 1000) + HOUR_MS)


def codes(campaign_id: str, users: str) -> list[str]:
    return [apply(campaign_id, user).code for user in users]


def create(body: dict[str, Any]) -> Response:
    return ask("POST /campaigns", user="boss", scope=ADMIN, body=body)


def test_what_was_changed_is_shown_and_is_an_event_of_who_did_it(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5, opens_in_s=600)
    before = in_mysql(campaign_id)
    fields = {
        "name": "Another 쿠폰",
        "quantity": 7,
        "opens_at": in_an_hour(),
        "closes_at": "2040-01-01T00:00:00.000Z",
        "paused": True,
    }
    first = tag(campaign_id)
    changed = patch(campaign_id, fields, first)
    assert (changed.status, changed.headers["ETag"]) == (200, '"2"')
    expected = {name: before[name] for name in ("id", "name")} | before | fields | {"version": 2}
    assert in_redis(campaign_id) == in_mysql(campaign_id) == expected
    assert changed.body | {"version": 2} == expected
    shown = ask(SHOW, campaign_id)
    assert {name: shown.body[name] for name in fields} == fields
    assert shown.headers["ETag"].startswith('"2-')
    assert shown.headers["ETag"] != first
    [created, (kind, actor, detail)] = events(service, campaign_id)
    assert (created[0], kind, actor) == ("CREATED", "CHANGED", "boss")
    assert detail["after"] == fields | {"version": 2}
    assert detail["before"] == {name: before[name] for name in fields} | {"version": 1}


def test_a_change_needs_the_version_that_it_changes(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=5)
    seen = tag(campaign_id)
    needed = patch(campaign_id, {"quantity": 6}, None)
    assert (needed.status, needed.code) == (428, "PRECONDITION_REQUIRED")
    assert patch(campaign_id, {"quantity": 6}, seen).status == 200
    failed = patch(campaign_id, {"quantity": 7}, seen)
    assert (failed.status, failed.code) == (412, "PRECONDITION_FAILED")
    assert in_mysql(campaign_id)["quantity"] == 6
    for match in ('"abc"', '""', '"22"', 'W/"1-1"'):
        assert patch(campaign_id, {"quantity": 7}, match).status == 412, match
    for version, match in enumerate(['"2"', 'W/"3"', '"9", "4-123"', "*"], 2):
        assert patch(campaign_id, {"quantity": 6 + version}, match).status == 200, match
    assert patch(campaign_id, {"quantity": 7}, "6").body["detail"].startswith("If-Match: ")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "body"),
        ([], "body"),
        ({"id": "other"}, "'id' cannot be changed"),
        ({"releases": []}, "'releases' cannot be changed"),
        ({"benefit": {}}, "'benefit' cannot be changed"),
        ({"colour": "red"}, "'colour' is no field of a campaign"),
        ({"name": ""}, "name: "),
        ({"quantity": 0}, "quantity: "),
        ({"quantity": 10_000_001}, "quantity: "),
        ({"quantity": None}, "quantity: "),
        ({"opens_at": "soon"}, "opens_at: "),
        ({"closes_at": "soon"}, "closes_at: "),
        ({"closes_at": 5}, "closes_at: "),
        ({"closes_at": "1999-01-01T00:00:00Z"}, "closes_at: must be later than opens_at"),
        ({"paused": "yes"}, "paused: "),
        ({"paused": 1}, "paused: "),
    ],
)
def test_what_cannot_be_is_named_and_changes_nothing(
    service: Settings, campaign_id: str, fields: Any, named: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    before = in_redis(campaign_id)
    refused = patch(campaign_id, fields)
    assert (refused.status, refused.code) == (400, "INVALID_REQUEST")
    assert named in refused.body["detail"]
    assert in_redis(campaign_id) == in_mysql(campaign_id) == before
    assert [kind for kind, *_ in events(service, campaign_id)] == ["CREATED"]


def test_only_an_administrator_changes_a_campaign_that_exists(
    service: Settings, campaign_id: str
) -> None:
    assert service
    assert patch(campaign_id, {"paused": True}).status == 404
    create_campaign(campaign_id)
    if_match = {"If-Match": "*"}
    calls = [
        ask(PATCH, campaign_id, user=user, body={"paused": True}, headers=if_match)
        for user in ("user", None)
    ]
    assert [one.status for one in calls] == [403, 401]


def test_a_change_that_changes_nothing_is_no_version(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=5)
    again = patch(campaign_id, {"quantity": 5, "paused": False})
    assert (again.status, again.headers["ETag"]) == (200, '"1"')
    assert len(events(service, campaign_id)) == 1


def test_a_raised_quantity_is_given_and_the_schema_accepts_it(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=1)
    assert codes(campaign_id, "ab") == ["ACCEPTED", "SOLD_OUT"]
    assert patch(campaign_id, {"quantity": 2}).status == 200
    assert codes(campaign_id, "bc") == ["ACCEPTED", "SOLD_OUT"]
    consume_handler(kafka_event([message(campaign_id, "b", 2)]), None)
    assert rows(service, "SELECT MAX(serial) FROM coupon") == [(2,)]


def test_a_quantity_is_never_lowered_below_the_highest_serial(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    assert codes(campaign_id, "abc") == ["ACCEPTED"] * 3
    refused = patch(campaign_id, {"quantity": 2})
    assert (refused.status, refused.code) == (409, "QUANTITY_TOO_LOW")
    assert refused.body["detail"] == "quantity: serial 3 was given, so it must be 3 at least"
    assert codes(campaign_id, "de") == ["ACCEPTED", "ACCEPTED"]
    assert patch(campaign_id, {"quantity": 5, "name": "Same"}).status == 200
    wiring.scripts().command("HSET", f"coupon:{{{campaign_id}}}:campaign", "places_returned", 2)
    refused = patch(campaign_id, {"quantity": 2})
    assert refused.body["detail"] == "quantity: serial 5 was given, so it must be 3 at least"
    assert in_mysql(campaign_id)["quantity"] == 5


def test_a_row_that_redis_does_not_know_keeps_the_quantity_up_and_redis_gets_it_back(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=5)
    values = "(campaign_id, user_id, serial, code, admitted_at)"
    rows(
        service,
        f"INSERT INTO coupon {values} VALUES (%s, 'forged', 5, 'CODE', NOW(3))",
        campaign_id,
    )
    refused = patch(campaign_id, {"quantity": 4})
    assert (refused.status, refused.code) == (409, "QUANTITY_TOO_LOW")
    assert in_redis(campaign_id) == in_mysql(campaign_id)
    assert in_redis(campaign_id)["quantity"] == 5
    assert patch(campaign_id, {"quantity": 6}).status == 200


def test_a_campaign_is_closed_now_and_extended_again(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=5)
    assert codes(campaign_id, "a") == ["ACCEPTED"]
    closed = patch(campaign_id, {"closes_at": "now"})
    assert abs(times.from_iso(closed.body["closes_at"]) - time.time() * 1000) < 5000
    assert in_redis(campaign_id) == in_mysql(campaign_id)
    assert codes(campaign_id, "ab") == ["ALREADY_APPLIED", "CLOSED"]
    assert ask(SHOW, campaign_id).body["state"] == "CLOSED"
    assert patch(campaign_id, {"closes_at": in_an_hour()}).status == 200
    assert codes(campaign_id, "b") == ["ACCEPTED"]


def test_an_end_that_has_passed_means_now(service: Settings, campaign_id: str) -> None:
    create_campaign(campaign_id, quantity=5)
    passed = times.to_iso(int(time.time() * 1000) - 30_000)  # it has opened a minute ago
    closed = patch(campaign_id, {"closes_at": passed})
    assert closed.body["closes_at"] > passed
    assert rows(service, "SELECT closes_at <= NOW(3) FROM campaign") == [(1,)]


def test_a_campaign_that_has_not_opened_cannot_be_closed_before_it_opens(
    service: Settings, campaign_id: str
) -> None:
    assert service
    create_campaign(campaign_id, opens_in_s=600)
    refused = patch(campaign_id, {"closes_at": "now"})
    assert (refused.status, refused.body["detail"]) == (
        400,
        "closes_at: must be later than opens_at",
    )


def test_the_opening_moves_until_it_was(service: Settings, campaign_id: str) -> None:
    assert service
    create_campaign(campaign_id, opens_in_s=600, open_for_s=7200)
    later = in_an_hour()
    assert patch(campaign_id, {"opens_at": later}).body["opens_at"] == later
    assert int(apply(campaign_id, "a").headers["Retry-After"]) > 3000
    earlier = times.to_iso(int(time.time() * 1000) - 1)
    assert patch(campaign_id, {"opens_at": earlier}).status == 200
    assert codes(campaign_id, "a") == ["ACCEPTED"]
    refused = patch(campaign_id, {"opens_at": later})
    assert (refused.status, refused.code) == (409, "ALREADY_OPENED")
    assert codes(campaign_id, "b") == ["ACCEPTED"]


def test_a_paused_campaign_says_so_and_goes_on(service: Settings, campaign_id: str) -> None:
    assert service
    create_campaign(campaign_id, quantity=2)
    assert codes(campaign_id, "a") == ["ACCEPTED"]
    assert patch(campaign_id, {"paused": True}).body["paused"] is True
    waits = apply(campaign_id, "b")
    assert (waits.status, waits.code, waits.headers["Retry-After"]) == (409, "PAUSED", "5")
    assert codes(campaign_id, "a") == ["ALREADY_APPLIED"]
    assert ask(SHOW, campaign_id).body["state"] == "PAUSED"
    assert patch(campaign_id, {"paused": False}).body["paused"] is False
    assert codes(campaign_id, "b") == ["ACCEPTED"]
