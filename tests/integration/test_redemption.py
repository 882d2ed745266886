"""A shop reserves and uses coupons on a real MySQL: of many at once one wins, and once only."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from handlers.adapters.mysql import coupon_states
from tests.support.service import ask, create_campaign, rows
from tests.support.shop import (
    cancel,
    events,
    issued,
    look,
    redeem,
    release,
    reserve,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.config import Settings
    from tests.support.service import Response

AT_ONCE = 1000
THREADS = 32
CONTROL_ROUNDS_MAX = 20
STATE = "SELECT state, order_id, reserved_until IS NOT NULL, used_at IS NOT NULL FROM coupon"


@pytest.fixture
def code(service: Settings, campaign_id: str) -> str:
    create_campaign(campaign_id)
    return issued(service, campaign_id, "42")


def change_campaign(settings: Settings, campaign_id: str, assignment: str) -> None:
    rows(settings, f"UPDATE campaign SET {assignment} WHERE id = %s", campaign_id)


def let_the_reservation_end(settings: Settings) -> None:
    rows(settings, "UPDATE coupon SET reserved_until = UTC_TIMESTAMP(3) WHERE state = 'RESERVED'")


def at_once(call: Callable[[int], Response], count: int) -> list[Response]:
    """Call with 0, 1, … from many threads that begin together."""
    start = Barrier(THREADS)

    def share(first: int) -> list[Response]:
        start.wait()
        return [call(number) for number in range(first, count, THREADS)]

    with ThreadPoolExecutor(THREADS) as pool:
        return [response for done in pool.map(share, range(THREADS)) for response in done]


def answers(responses: list[Response]) -> dict[int | str, int]:
    found: dict[int | str, int] = {}
    for one in responses:
        key = one.status if one.status < 400 else one.code
        found[key] = found.get(key, 0) + 1
    return found


def test_of_a_thousand_reservations_of_one_code_at_once_one_wins(
    service: Settings, campaign_id: str, code: str
) -> None:
    responses = at_once(lambda number: reserve(code, f"order-{number}"), AT_ONCE)
    assert answers(responses) == {201: 1, "RESERVED": AT_ONCE - 1}
    [winner] = [one.body["order_id"] for one in responses if one.status == 201]
    assert rows(service, STATE) == [("RESERVED", winner, 1, 0)]
    assert events(service, campaign_id) == [("RESERVED", winner, "shop")]


def test_of_a_thousand_redemptions_of_one_code_at_once_one_wins(
    service: Settings, campaign_id: str, code: str
) -> None:
    responses = at_once(lambda number: redeem(code, f"order-{number}"), AT_ONCE)
    assert answers(responses) == {201: 1, "ALREADY_USED": AT_ONCE - 1}
    assert [kind for kind, *_ in events(service, campaign_id)] == ["USED"]


def test_control_without_the_state_in_its_where_several_orders_win(
    service: Settings, campaign_id: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement = coupon_states.UPDATE_COUPON_STATE
    guard = statement[statement.index("AND state") : statement.index("AND given_back")]
    monkeypatch.setattr(coupon_states, "UPDATE_COUPON_STATE", statement.replace(guard, ""))
    for _ in range(CONTROL_ROUNDS_MAX):
        rows(service, "UPDATE coupon SET state = 'ISSUED', order_id = NULL, reserved_until = NULL")
        responses = at_once(lambda number: reserve(code, f"order-{number}"), THREADS)
        if answers(responses)[201] > 1:
            break
    else:
        pytest.fail("the race never went wrong without its guard: it proves nothing")
    reserved = [kind for kind, *_ in events(service, campaign_id)]
    assert len(reserved) > 1


def test_one_order_that_asks_many_times_at_once_uses_the_coupon_once(
    service: Settings, campaign_id: str, code: str
) -> None:
    responses = at_once(lambda _: redeem(code, "order-1"), 100)
    assert answers(responses) == {201: 1, 200: 99}
    assert [kind for kind, *_ in events(service, campaign_id)] == ["USED"]


def test_reserve_and_redeem_and_cancel_each_repeated(
    service: Settings, campaign_id: str, code: str
) -> None:
    first = reserve(code, "order-1", ttl_s=60)
    assert (first.status, first.body["state"], first.body["order_id"]) == (
        201,
        "RESERVED",
        "order-1",
    )
    again = reserve(code, "order-1", ttl_s=86_400)
    assert (again.status, again.body) == (200, first.body)
    assert look(code).body == first.body
    used = redeem(code, "order-1")
    assert (used.status, used.body["state"], used.body["reserved_until"]) == (201, "USED", None)
    assert used.body["used_at"]
    assert [redeem(code, "order-1").status, reserve(code, "order-1").status] == [200, 200]
    assert release(code, "order-1").code == "ALREADY_USED"
    assert [cancel(code, "order-1").status for _ in range(3)] == [204, 204, 204]
    assert look(code).body["state"] == "ISSUED"
    assert rows(service, STATE) == [("ISSUED", None, 0, 0)]
    assert events(service, campaign_id) == [
        (kind, "order-1", "shop") for kind in ("RESERVED", "USED", "CANCELLED")
    ]


def test_only_the_order_that_has_it_can_let_it_go(
    service: Settings, campaign_id: str, code: str
) -> None:
    reserve(code, "order-1")
    assert redeem(code, "order-2").code == "RESERVED"
    assert [release(code, "order-2").status, cancel(code, "order-2").status] == [204, 204]
    assert look(code).body["order_id"] == "order-1"
    assert [release(code, "order-1").status for _ in range(2)] == [204, 204]
    assert redeem(code, "order-2").status == 201
    assert cancel(code, "order-1").status == 204
    assert look(code).body["order_id"] == "order-2"
    assert [kind for kind, *_ in events(service, campaign_id)] == ["RESERVED", "RELEASED", "USED"]


def test_a_reservation_that_is_over_keeps_no_order_from_the_coupon(
    service: Settings, campaign_id: str, code: str
) -> None:
    reserve(code, "order-1", ttl_s=1)
    let_the_reservation_end(service)
    assert look(code).body["state"] == "ISSUED"
    assert reserve(code, "order-2").status == 201
    assert redeem(code, "order-1").code == "RESERVED"
    let_the_reservation_end(service)
    assert redeem(code, "order-1").status == 201
    assert [order for _, order, _ in events(service, campaign_id)] == [
        "order-1",
        "order-2",
        "order-1",
    ]


def test_a_coupon_is_usable_within_its_time_by_the_clock_of_mysql(
    service: Settings, campaign_id: str, code: str
) -> None:
    change_campaign(service, campaign_id, "usable_from = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR")
    assert reserve(code, "order-1").code == "NOT_YET_USABLE"
    assert redeem(code, "order-1").code == "NOT_YET_USABLE"
    change_campaign(service, campaign_id, "usable_from = NULL, usable_until = UTC_TIMESTAMP(3)")
    assert look(code).body["state"] == "EXPIRED"
    assert reserve(code, "order-1").code == "EXPIRED"
    assert redeem(code, "order-1").code == "EXPIRED"
    change_campaign(service, campaign_id, "usable_until = UTC_TIMESTAMP(3) + INTERVAL 1 HOUR")
    assert reserve(code, "order-1").status == 201
    change_campaign(service, campaign_id, "usable_until = UTC_TIMESTAMP(3)")
    assert look(code).body["state"] == "RESERVED"  # made in time
    assert redeem(code, "order-2").code == "RESERVED"
    assert redeem(code, "order-1").status == 201
    assert cancel(code, "order-1").status == 204
    assert look(code).body["state"] == "EXPIRED"
    assert [kind for kind, *_ in events(service, campaign_id)] == ["RESERVED", "USED", "CANCELLED"]


def test_the_days_of_a_coupon_are_counted_from_its_admission(
    service: Settings, campaign_id: str, code: str
) -> None:
    rows(service, "UPDATE coupon SET admitted_at = '2026-02-27 10:00:00.5'")
    change_campaign(service, campaign_id, "usable_days = 3650, usable_until = '2300-01-01'")
    assert look(code).body["usable_until"] == "2036-02-25T10:00:00.500Z"
    change_campaign(service, campaign_id, "usable_until = '2027-01-01'")
    assert look(code).body["usable_until"] == "2027-01-01T00:00:00.000Z"


def test_the_owner_and_the_shop_see_state_and_benefit(
    service: Settings, campaign_id: str, code: str
) -> None:
    change_campaign(
        service,
        campaign_id,
        """benefit = '{"kind": "gift", "note": "쿠폰"}', usable_from = '2026-01-01'""",
    )
    reserve(code, "order-1")
    mine = ask("GET /campaigns/{id}/coupon", campaign_id, user="42").body
    shown = look(code).body
    assert {name: mine[name] for name in ("status", "state", "code", "usable_from")} == {
        "status": "ISSUED",
        "state": "RESERVED",
        "code": code,
        "usable_from": "2026-01-01T00:00:00.000Z",
    }
    assert "order_id" not in mine
    assert mine["benefit"] == {"kind": "gift", "note": "쿠폰"}
    assert (shown["campaign_id"], shown["serial"], shown["benefit"]) == (
        campaign_id,
        1,
        mine["benefit"],
    )
