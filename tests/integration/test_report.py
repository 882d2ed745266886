"""The report of a campaign on a real MySQL: each number is counted by hand here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import report as report_module
from handlers.adapters.mysql import report as reader_module
from tests.support.life import change_coupon, insert_coupon
from tests.support.service import ADMIN, Response, ask, campaign_body, create_campaign, rows

if TYPE_CHECKING:
    from handlers.config import Settings

DAY = "2026-11-22 03:00:"
LATER = "UTC_TIMESTAMP(3) + INTERVAL 1 HOUR"
BEFORE = "UTC_TIMESTAMP(3) - INTERVAL 1 HOUR"


def reported(campaign_id: str, **query: str) -> Response:
    call = "GET /campaigns/{id}/report"
    return ask(call, campaign_id, user="admin", scope=ADMIN, query=query)


@pytest.fixture
def sale(service: Settings, campaign_id: str) -> Settings:
    """Six of six coupons in a burst: two used, one reserved, one revoked, two as they were."""
    body = campaign_body(campaign_id, quantity=6)
    body |= {"opens_at": "2026-11-22T03:00:00Z", "closes_at": "2026-11-22T04:00:00Z"}
    assert ask("POST /campaigns", user="admin", scope=ADMIN, body=body).status == 201
    for serial, admitted, created in (
        (1, "00.001", "00.011"),
        (2, "00.009", "00.039"),
        (3, "00.010", "00.030"),
        (4, "00.500", "01.500"),
        (5, "01.200", "01.210"),
        (6, "02.500", "02.540"),
    ):
        insert_coupon(service, campaign_id, serial, f"{DAY}{admitted}", f"{DAY}{created}")
    used = "state = 'USED', order_id = 'o', used_at = "
    change_coupon(service, campaign_id, 2, f"{used}'2026-11-22 03:10:00.039'")
    change_coupon(service, campaign_id, 5, f"{used}'2026-11-22 05:00:01.210'")
    change_coupon(service, campaign_id, 3, f"state = 'RESERVED', reserved_until = {LATER}")
    change_coupon(service, campaign_id, 4, "state = 'REVOKED'")
    return service


def test_a_report_counts_every_coupon_once(sale: Settings, campaign_id: str) -> None:
    assert sale.stage == "local"
    assert reported(campaign_id).body == {
        "campaign_id": campaign_id,
        "quantity": 6,
        "opens_at": "2026-11-22T03:00:00.000Z",
        "closes_at": "2026-11-22T04:00:00.000Z",
        "sold_out_at": "2026-11-22T03:00:02.500Z",
        "sold_out_after_ms": 2500,
        "coupons": 6,
        "states": {"ISSUED": 2, "RESERVED": 1, "USED": 2, "EXPIRED": 0, "REVOKED": 1},
        "given": {
            "width_ms": 10,
            "buckets": [
                ["2026-11-22T03:00:00.000Z", 2],
                ["2026-11-22T03:00:00.010Z", 1],
                ["2026-11-22T03:00:00.500Z", 1],
                ["2026-11-22T03:00:01.200Z", 1],
                ["2026-11-22T03:00:02.500Z", 1],
            ],
        },
        "redeemed": {
            "width_ms": 10,
            "buckets": [
                ["2026-11-22T03:10:00.030Z", 1],
                ["2026-11-22T05:00:01.210Z", 1],
            ],
        },
        # 10, 10, 20, 30, 40 and 1,000 ms
        "admission_to_issue": {"median_ms": 20, "p95_ms": 1000},
        # 10 minutes; 2 hours
        "issue_to_redemption": {"median_ms": 600_000, "p95_ms": 7_200_000},
        "next_after": None,
        "refusals": {"since": None, "by_reason": {}},
    }


def test_a_campaign_of_which_nothing_was_given_has_a_report_without_times(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    body = reported(campaign_id).body
    assert (body["sold_out_at"], body["sold_out_after_ms"], body["coupons"]) == (None, None, 0)
    assert set(body["states"].values()) == {0}
    assert body["given"]["buckets"] == body["redeemed"]["buckets"] == []
    assert body["admission_to_issue"] == {"median_ms": None, "p95_ms": None}


@pytest.mark.parametrize(
    ("stored", "of_campaign", "state"),
    [
        ("state = 'ISSUED'", "usable_until = NULL", "ISSUED"),
        ("state = 'ISSUED'", f"usable_until = {LATER}", "ISSUED"),
        ("state = 'ISSUED'", f"usable_until = {BEFORE}", "EXPIRED"),
        (f"admitted_at = {BEFORE}", "usable_days = 1", "ISSUED"),
        (f"admitted_at = {BEFORE} - INTERVAL 1 DAY", "usable_days = 1", "EXPIRED"),
        (f"state = 'RESERVED', reserved_until = {LATER}", "usable_until = NULL", "RESERVED"),
        (f"state = 'RESERVED', reserved_until = {BEFORE}", "usable_until = NULL", "ISSUED"),
        (f"state = 'RESERVED', reserved_until = {LATER}", f"usable_until = {BEFORE}", "RESERVED"),
        (f"state = 'RESERVED', reserved_until = {BEFORE}", f"usable_until = {BEFORE}", "EXPIRED"),
        (f"state = 'USED', used_at = {BEFORE}", f"usable_until = {BEFORE}", "USED"),
        ("state = 'REVOKED'", f"usable_until = {BEFORE}", "REVOKED"),
    ],
)
def test_the_state_of_a_coupon_follows_from_its_row_and_the_clock_of_mysql(
    service: Settings, campaign_id: str, stored: str, of_campaign: str, state: str
) -> None:
    create_campaign(campaign_id)
    insert_coupon(service, campaign_id, 1, f"{DAY}00.000")
    change_coupon(service, campaign_id, 1, stored)
    rows(service, f"UPDATE campaign SET {of_campaign} WHERE id = %s", campaign_id)
    states = reported(campaign_id).body["states"]
    assert {name for name, count in states.items() if count} == {state}


def test_a_coupon_that_is_no_longer_used_is_not_counted_as_redeemed(
    sale: Settings, campaign_id: str
) -> None:
    change_coupon(sale, campaign_id, 2, "state = 'ISSUED', order_id = NULL, used_at = NULL")
    change_coupon(sale, campaign_id, 5, "state = 'REVOKED'")
    body = reported(campaign_id).body
    assert body["redeemed"]["buckets"] == []
    assert body["issue_to_redemption"] == {"median_ms": None, "p95_ms": None}


def test_a_row_before_its_admission_by_another_clock_is_counted_as_it_is(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    insert_coupon(service, campaign_id, 1, f"{DAY}01.000", f"{DAY}00.988")
    assert reported(campaign_id).body["admission_to_issue"]["median_ms"] == -12


def test_pieces_add_up_to_the_whole(
    sale: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = reported(campaign_id).body
    monkeypatch.setattr(reader_module, "SERIALS_AT_ONCE", 2)
    assert sale.stage == "local"
    assert reported(campaign_id).body == whole


def test_a_report_of_many_coupons_says_where_the_rest_begins(
    sale: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sale.stage == "local"
    monkeypatch.setattr(report_module, "SERIALS_MAX", 4)
    first = reported(campaign_id).body
    assert (first["coupons"], first["next_after"]) == (4, 4)
    rest = reported(campaign_id, after="4").body
    assert (rest["coupons"], rest["next_after"]) == (2, None)
    assert first["sold_out_after_ms"] == rest["sold_out_after_ms"] == 2500
    assert reported(campaign_id, after="6").body["coupons"] == 0


def test_a_long_campaign_has_few_buckets_that_hold_every_coupon(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_campaign(campaign_id, quantity=1000)
    monkeypatch.setattr(reader_module, "SERIALS_AT_ONCE", 300)
    statement = (
        "INSERT INTO coupon (campaign_id, user_id, serial, code, admitted_at, created_at) "
        "SELECT %s, CONCAT('u', n), n, LPAD(n, 16, '0'), "
        "'2026-11-22 03:00:00' + INTERVAL n HOUR, '2026-11-22 03:00:00' + INTERVAL n HOUR "
        "FROM JSON_TABLE(CONCAT('[', REPEAT('0,', 998), '0]'), "
        "'$[*]' COLUMNS (n FOR ORDINALITY)) AS numbers"
    )
    rows(service, statement, campaign_id)
    body = reported(campaign_id).body
    assert body["coupons"] == 999
    # 999 hours in buckets of six: those of 24 November have the hours 0 to 5 and so on.
    assert body["given"]["width_ms"] == 6 * 3_600_000
    assert len(body["given"]["buckets"]) == 168
    assert sum(count for _, count in body["given"]["buckets"]) == 999
    assert body["given"]["buckets"][0] == ["2026-11-22T00:00:00.000Z", 2]
    assert body["sold_out_at"] is None


def test_only_an_administrator_gets_a_report_and_only_of_a_campaign_that_exists(
    service: Settings, campaign_id: str
) -> None:
    call = "GET /campaigns/{id}/report"
    assert ask(call, campaign_id).code == "UNAUTHENTICATED"
    assert ask(call, campaign_id, user="u1").code == "FORBIDDEN"
    assert reported(campaign_id).code == "CAMPAIGN_NOT_FOUND"
    answer = reported(campaign_id, after="-1")
    assert (answer.status, answer.body["detail"][:6]) == (400, "after:")
