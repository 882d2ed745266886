"""A coupon that is given back or revoked: its place goes to the next applicant, exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.adapters.mysql import returned_places as mysql_returns
from handlers.adapters.redis import settling
from handlers.consume import consume_handler
from handlers.domain.settlement import SettledAs, Settlement
from tests.support.drift import findings
from tests.support.mutated import change
from tests.support.service import (
    apply,
    ask,
    create_campaign,
    kafka_event,
    message,
    redis_dump,
    rows,
)
from tests.support.shop import (
    code_of,
    events,
    give_back,
    holders,
    look,
    outcomes,
    places,
    redeem,
    reserve,
    revoke,
    win,
)

if TYPE_CHECKING:
    from handlers.config import Settings


def test_the_place_of_a_sold_out_campaign_goes_to_the_next_applicant_under_a_new_serial(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=2)
    assert [win(campaign_id, user) for user in "ab"] == [1, 2]
    assert outcomes(campaign_id, "c") == ["SOLD_OUT"]
    given = give_back(campaign_id, "a")
    assert (given.status, given.body["serial"], given.body["state"]) == (200, 1, "REVOKED")
    assert outcomes(campaign_id, "c", "d", "a") == ["ACCEPTED", "SOLD_OUT", "SOLD_OUT"]
    assert holders(campaign_id) == {" 1": 1, "b": 2, "c": 3}
    assert ask("GET /campaigns/{id}/coupon", campaign_id, user="a").code == "NOT_APPLIED"
    assert [give_back(campaign_id, "a").body["serial"] for _ in range(2)] == [1, 1]
    assert places(service, campaign_id) == (1, 1)
    assert events(service, campaign_id) == [("GIVEN_BACK", None, "a")]


def test_who_gave_a_coupon_back_may_apply_again_and_gets_a_new_serial_and_the_same_code(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=1)
    assert win(campaign_id, "a") == 1
    code = code_of(service, campaign_id, "a")
    for serial in (2, 3):
        assert give_back(campaign_id, "a").status == 200
        assert look(code).code == "COUPON_NOT_FOUND"
        assert win(campaign_id, "a") == serial
        assert look(code).body["serial"] == serial
    assert redeem(code, "order-1").status == 201
    assert give_back(campaign_id, "a").code == "ALREADY_USED"
    assert places(service, campaign_id) == (2, 2)
    assert findings(campaign_id) == []


def test_who_was_revoked_may_not_apply_again_and_the_place_is_returned_where_that_is_asked(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=1)
    win(campaign_id, "a")
    code = code_of(service, campaign_id, "a")
    kept = revoke(code)
    assert (kept.status, kept.body["state"], kept.body["place_returned"]) == (200, "REVOKED", False)
    assert revoke(code).body == kept.body
    assert outcomes(campaign_id, "a", "b") == ["ALREADY_APPLIED", "SOLD_OUT"]
    for _ in range(3):
        returned = revoke(code, return_to_pool=True)
        assert (returned.status, returned.body["place_returned"]) == (200, True)
    assert revoke(code).body["place_returned"] is True
    assert outcomes(campaign_id, "a", "b", "c") == ["ALREADY_APPLIED", "ACCEPTED", "SOLD_OUT"]
    assert places(service, campaign_id) == (1, 1)
    assert [redeem(code, "a").code, reserve(code, "a").code] == ["REVOKED", "REVOKED"]
    assert give_back(campaign_id, "a").code == "REVOKED"
    mine = ask("GET /campaigns/{id}/coupon", campaign_id, user="a").body
    assert (mine["status"], mine["state"]) == ("ISSUED", "REVOKED")
    assert [kind for kind, *_ in events(service, campaign_id)] == ["REVOKED", "REVOKED"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"reason": ""}, "reason:"),
        ({"reason": None}, "reason:"),
        ({"reason": "x" * 201}, "reason:"),
        ({"reason": "a\u202eb"}, "reason:"),
        ({"return_to_pool": "yes"}, "return_to_pool:"),
        ({"return_to_pool": 1}, "return_to_pool:"),
        ({"why": "x"}, "'why' is no field"),
    ],
)
def test_a_bad_revocation_is_refused_by_name(
    service: Settings, campaign_id: str, body: dict[str, object], named: str
) -> None:
    create_campaign(campaign_id)
    win(campaign_id, "a")
    refused = revoke(code_of(service, campaign_id, "a"), **body)
    assert (refused.status, refused.body["detail"][: len(named)]) == (400, named)
    assert rows(service, "SELECT state FROM coupon") == [("ISSUED",)]


def test_who_has_no_coupon_or_one_that_is_not_written_yet_gives_nothing_back(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id)
    assert give_back(campaign_id, "a").code == "NOT_APPLIED"
    apply(campaign_id, "a")
    assert give_back(campaign_id, "a").code == "UNAVAILABLE"
    assert give_back(f"{campaign_id}-none", "a").code == "CAMPAIGN_NOT_FOUND"
    assert places(service, campaign_id) == (0, 0)


def test_a_user_cannot_fill_the_table_by_applying_and_giving_back(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_returns, "GIVEN_BACK_MAX", 2)
    create_campaign(campaign_id)
    for _ in range(2):
        win(campaign_id, "a")
        assert give_back(campaign_id, "a").status == 200
    win(campaign_id, "a")
    assert give_back(campaign_id, "a").code == "TOO_MANY_REQUESTS"
    assert places(service, campaign_id) == (2, 2)


def test_a_redelivered_record_of_a_coupon_that_was_given_back_changes_and_settles_nothing(
    service: Settings, campaign_id: str
) -> None:
    create_campaign(campaign_id, quantity=2)
    win(campaign_id, "a")
    give_back(campaign_id, "a")
    assert apply(campaign_id, "a").body["serial"] == 2
    before = redis_dump(service), rows(service, "SELECT * FROM coupon")
    for offset in (1, 99):
        consume_handler(kafka_event([message(campaign_id, "a", 1)], offset), None)
        assert (redis_dump(service), rows(service, "SELECT * FROM coupon")) == before
    assert rows(service, "SELECT COUNT(*) FROM failed_event") == [(0,)]
    assert apply(campaign_id, "a").body["serial"] == 2


def late_settlement(campaign_id: str) -> dict[str, int]:
    """Let a coupon be settled after its user has given it back and has applied again."""
    create_campaign(campaign_id, quantity=2)
    win(campaign_id, "a")
    give_back(campaign_id, "a")
    apply(campaign_id, "a")
    wiring.admissions().settle([Settlement(campaign_id, "a", 1, SettledAs.COUPON)])
    return holders(campaign_id)


def test_a_settlement_that_comes_after_the_coupon_was_given_back_changes_nothing(
    service: Settings, campaign_id: str
) -> None:
    assert service
    assert late_settlement(campaign_id) == {" 1": 1, "a": 2}
    assert wiring.redis_campaigns().status(campaign_id).pending == 1


def test_control_without_that_rule_the_late_settlement_takes_the_new_serial_away(
    service: Settings, campaign_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service
    guard = " and (as_given or not redis.call('ZSCORE', KEYS[2], ' ' .. ARGV[3 + n + i]))"
    change(monkeypatch, settling.SETTLE, guard)
    assert late_settlement(campaign_id) == {" 1": 1, "a": 1}
