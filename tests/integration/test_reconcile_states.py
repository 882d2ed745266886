"""The law of the coupons' states on a real MySQL, and what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handlers import coupon_clients, reconcile
from handlers.domain import returned_places
from handlers.domain.reconciliation import law
from handlers.domain.reconciliation.law import StateCounts
from handlers.edge.deadline import Deadline
from handlers.reconcile import compare
from tests.support.drift import run
from tests.support.service import ADMIN, ask, create_campaign, rows
from tests.support.shop import code_of, give_back, redeem, reserve, revoke, win

if TYPE_CHECKING:
    from handlers.config import Settings

USERS = ("usable", "reserved", "over", "used", "revoked", "pooled", "given")
SOUND = StateCounts(issued=7, usable=2, reserved=1, used=1, expired=0, revoked=3, places_returned=2)


@pytest.fixture
def codes(quick: Settings, campaign_id: str) -> dict[str, str]:
    """Seven coupons of which two have returned their place, of a campaign that is sold out."""
    create_campaign(campaign_id, quantity=5)
    found = {}
    for user in USERS[:5]:
        win(campaign_id, user)
    for user in USERS[:5]:
        found[user] = code_of(quick, campaign_id, user)
    reserve(found["reserved"], "order-1")
    reserve(found["over"], "order-2")
    rows(quick, "UPDATE coupon SET reserved_until = UTC_TIMESTAMP(3) WHERE order_id = 'order-2'")
    redeem(found["used"], "order-3")
    revoke(found["revoked"], return_to_pool=True)
    win(campaign_id, "pooled")
    assert give_back(campaign_id, "pooled").status == 200
    win(campaign_id, "given")
    found["given"] = code_of(quick, campaign_id, "given")
    revoke(found["given"])
    return found


def details(campaign_id: str) -> list[str]:
    return [one.detail for batch in compare(campaign_id).differences() for one in batch]


def report(campaign_id: str) -> dict[str, object]:
    call = "GET /campaigns/{id}/reconciliation"
    return dict(ask(call, campaign_id, user="admin", scope=ADMIN).body)


def test_every_coupon_is_in_one_state_and_the_report_shows_how_many(
    quick: Settings, campaign_id: str, codes: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert codes
    assert report(campaign_id)["states"] == SOUND.to_json()
    assert details(campaign_id) == []
    rows(quick, "UPDATE campaign SET usable_until = UTC_TIMESTAMP(3)")
    expired = {"usable": 0, "expired": 2}
    assert report(campaign_id)["states"] == SOUND.to_json() | expired
    assert details(campaign_id) == []
    assert run(campaign_id) == 0
    listed = "7 issued: 1 reserved, 1 used, 2 expired, 3 revoked, 2 places returned"
    assert f"coupons: {listed}\n" in capsys.readouterr().out


def test_the_counts_agree_with_the_state_of_each_coupon(
    quick: Settings, campaign_id: str, codes: dict[str, str]
) -> None:
    for change in ("usable_until = NULL", "usable_days = 0", "usable_until = '2026-01-01'"):
        rows(quick, f"UPDATE campaign SET {change}")
        states = coupon_clients.coupon_states()
        of_each = [states.of_code(code).state.value for code in codes.values()]
        counts = report(campaign_id)["states"]
        assert isinstance(counts, dict)
        assert counts["used"] == of_each.count("USED")
        assert counts["expired"] == of_each.count("EXPIRED")
        assert counts["reserved"] == of_each.count("RESERVED")
        assert counts["usable"] == of_each.count("ISSUED")
        assert counts["revoked"] == of_each.count("REVOKED") + 1  # the one that was given back


BREACHES = [
    ("coupon", "state = 'LOST'", law.NO_STATE),
    ("coupon", "order_id = 'x'", law.NO_STATE),
    ("coupon", "state = 'RESERVED', order_id = 'x'", law.NO_STATE),
    ("coupon", "state = 'USED', order_id = 'x'", law.NO_STATE),
    ("coupon", "given_back = 1", law.NO_STATE),
    ("campaign", "places_returned = 1", law.RETURNED_UNCOUNTED),
    ("campaign", "places_returned = 3", law.COUNTED_UNRETURNED),
    ("campaign", "quantity = 4", law.TOO_MANY),
]


@pytest.mark.parametrize(("table", "assignment", "detail"), BREACHES)
def test_a_breach_is_found(
    quick: Settings,
    campaign_id: str,
    codes: dict[str, str],
    table: str,
    assignment: str,
    detail: str,
) -> None:
    assert codes
    one = "serial = 1" if table == "coupon" else "id = campaign.id"
    rows(quick, f"UPDATE {table} SET {assignment} WHERE {one}")
    assert detail in details(campaign_id)


def test_redis_that_has_not_heard_of_a_return_is_repaired(
    quick: Settings, campaign_id: str, codes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert codes
    with monkeypatch.context() as patch:
        patch.setattr("handlers.returned_places._pass_on", lambda *_: None)
        assert give_back(campaign_id, "usable").status == 200
    assert run(campaign_id) == 1
    assert run(campaign_id, "--repair") == 0
    assert quick
    assert run(campaign_id) == 0


def test_the_repair_call_ends_in_time_and_says_how_many_returned_places_are_left(
    campaign_id: str, codes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in ("over", "reserved"):
        revoke_unheard(codes[user], monkeypatch)
    with monkeypatch.context() as patch:
        patch.setattr(returned_places, "BATCH", 1)
        patch.setattr(reconcile, "Deadline", OneReturn)
        cut = repair(campaign_id)
        assert cut["places_left"] == 1
        assert (cut["truncated"], cut["next_after"]) == (True, 0)
        assert cut["counts"] == cut["repaired"] == dict.fromkeys(cut["counts"], 0)
    rest = repair(campaign_id)
    assert (rest["places_left"], rest["truncated"], rest["next_after"]) == (0, False, None)
    assert details(campaign_id) == []


class OneReturn(Deadline):
    """Leaves time for one return, which is announced first: the campaign is sold out."""

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        steps = iter([seconds * 1000] * 2)
        return cls(lambda: next(steps, 0))


def revoke_unheard(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revoke a coupon; the process is killed before Redis hears of the returned place."""
    with monkeypatch.context() as patch:
        patch.setattr("handlers.returned_places._pass_on", lambda *_: None)
        revoke(code, return_to_pool=True)


def repair(campaign_id: str) -> dict[str, Any]:
    call = "POST /campaigns/{id}/repair"
    return dict(ask(call, campaign_id, user="admin", scope=ADMIN).body)
