"""The checks of shops', givers' and administrators' promises name each one that is broken."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from local.harness.observations import Row
from local.harness.responses import ACCEPTED, SOLD_OUT, ApplyResponse
from tests.faults.engine.act_counts import ActCounts, counted, total
from tests.faults.engine.actors import Answer
from tests.faults.engine.acts import Act
from tests.faults.engine.coupon_path import misstep
from tests.faults.engine.draw import draw
from tests.faults.engine.draw_acts import WITHOUT_EVERY
from tests.faults.engine.givers import told_apart
from tests.faults.engine.history import Result
from tests.faults.engine.invariants import HistoryResult
from tests.faults.engine.invariants import violations as broken_for_applicants
from tests.faults.engine.life import Life, violations
from tests.faults.engine.scenario import STRANGERS, scenario
from tests.faults.engine.stored import Stored, StoredCampaign, StoredCoupon, StoredEvent
from tests.faults.engine.tally import Tally

ORDER = "shop-a-u1"
USED = StoredCoupon(1, "u1", "USED", ORDER, has_use=True)
REVOKED = StoredCoupon(2, "u2", "REVOKED", given_back=True)
FREE = StoredCoupon(3, "u2")
USED_EVENT = StoredEvent(1, "USED", ORDER)
GIVEN_BACK = StoredEvent(2, "GIVEN_BACK", detail={"place": 1})
RAISED = StoredEvent(None, "CHANGED", detail={"after": {"version": 2, "quantity": 2}})
ROW = StoredCampaign(2, 1, version=2)
GOOD_STORED = Stored(ROW, [USED, REVOKED, FREE], [USED_EVENT, GIVEN_BACK, RAISED], ROW)


def answer(what: str, status: int = 200, at_s: float = 1.0, **body: Any) -> Answer:
    return Answer(Act.parse(what), status, body, at_s, at_s + 0.1)


REDEEMED = answer("shop-a redeem u1", 201, serial=1)
GAVE_BACK = answer("u2 give-back", serial=2)
GOT_RAISED = dataclasses.replace(answer("admin quantity 2"), wanted={"quantity": 2}, version=2)
GOOD = Life(1, [REDEEMED, GAVE_BACK, GOT_RAISED], [], [], GOOD_STORED, 5.0)


def broken(**change: Any) -> list[str]:
    return violations(dataclasses.replace(GOOD, **change))


def stored(**change: Any) -> list[str]:
    return broken(stored=dataclasses.replace(GOOD_STORED, **change))


def row(**change: Any) -> StoredCampaign:
    return dataclasses.replace(ROW, **change)


def one(found: list[str], promise: str, about: str) -> bool:
    return any(each.startswith(f"{promise}: ") and about in each for each in found)


def test_a_history_without_a_flaw_breaks_nothing() -> None:
    assert violations(GOOD) == []


def test_a_redemption_that_was_answered_and_is_not_in_mysql_breaks_p3() -> None:
    free = dataclasses.replace(USED, state="ISSUED", order_id=None, has_use=False)
    assert one(stored(coupons=[free, REVOKED, FREE]), "P3", "answered as redeemed, and not so")


def test_a_redemption_that_was_cancelled_need_not_be_there_and_must_not() -> None:
    cancelled = [*GOOD.answers, answer("shop-a cancel u1", 204)]
    assert one(broken(answers=cancelled), "P3", "answered as cancelled, and used")
    free = dataclasses.replace(USED, state="ISSUED", order_id=None, has_use=False)
    events = [*GOOD_STORED.events, StoredEvent(1, "CANCELLED", ORDER)]
    without = dataclasses.replace(GOOD_STORED, coupons=[free, REVOKED, FREE], events=events)
    assert broken(answers=cancelled, stored=without) == []


def test_one_coupon_for_two_orders_breaks_p3_and_the_law() -> None:
    other = answer("shop-b redeem u1", 201, serial=1)
    assert one(broken(answers=[*GOOD.answers, other]), "P3", "coupons for two orders: 1")
    twice = [*GOOD_STORED.events, StoredEvent(1, "USED", "shop-b-u1")]
    assert one(stored(events=twice), "LAW", "USED of shop-b-u1 where it is USED")


def test_an_answered_change_of_a_coupon_without_an_event_breaks_p3() -> None:
    assert one(stored(events=[GIVEN_BACK, RAISED]), "P3", "changes answered without an event")


def test_a_place_that_is_returned_twice_or_in_no_event_breaks_p1() -> None:
    again = StoredEvent(2, "REVOKED", detail={"place": 2})
    found = stored(events=[*GOOD_STORED.events, again], campaign=row(places_returned=2))
    assert one(found, "P1", "returned their place twice: 2")
    assert one(stored(campaign=row(places_returned=2)), "P1", "the events name [1]")


def test_rows_above_the_quantity_and_the_returned_places_break_p1() -> None:
    more = [*GOOD_STORED.coupons, StoredCoupon(4, "u4")]
    assert one(stored(coupons=more), "P1", "4 rows, and 3 may be given")
    assert one(stored(coupons=more), "P1", "3 coupons have kept their place, of 2")


def test_a_place_that_no_taker_gets_breaks_p1_unless_there_are_none() -> None:
    fewer = dataclasses.replace(GOOD_STORED, coupons=[USED, REVOKED])
    assert one(broken(stored=fewer), "P1", "1 places were not given")
    assert broken(stored=fewer, has_takers=False) == []


def test_two_coupons_that_are_not_given_back_break_p2() -> None:
    own = dataclasses.replace(USED, user="u2")
    assert one(stored(coupons=[own, REVOKED, FREE]), "P2", "u2")


def test_a_coupon_that_was_answered_as_given_back_is_so_and_is_not_promised_again() -> None:
    kept = dataclasses.replace(REVOKED, given_back=False)
    assert one(stored(coupons=[USED, kept, FREE]), "P3", "answered as ended, and not so")
    assert one(stored(events=[USED_EVENT, RAISED]), "P3", "ended without an event")
    early, late = (ApplyResponse("u2", ACCEPTED, 2, sent_s=at_s) for at_s in (4.0, 6.0))
    assert broken(responses=[early]) == []
    assert one(broken(responses=[late]), "P3", "promised again after they were given back: u2, 2")


def test_a_change_that_was_answered_is_in_both_stores_and_in_one_event() -> None:
    assert one(stored(in_redis=row(version=1)), "P3", "Redis has")
    assert one(stored(unfinished="{}"), "P3", "Redis has")
    assert one(stored(events=[USED_EVENT, GIVEN_BACK]), "P3", "version 2, and the events name []")
    other = dataclasses.replace(GOT_RAISED, wanted={"quantity": 9})
    assert one(broken(answers=[REDEEMED, other]), "P3", "changes answered that were not made")
    lower = row(quantity=3)
    assert one(stored(campaign=lower, in_redis=lower), "P3", "its events say")


def test_who_is_accepted_a_second_after_a_pause_was_answered_breaks_p1() -> None:
    paused = answer("admin pause", at_s=1.0), answer("admin resume", at_s=4.0)
    for sent_s, read_s, is_wrong in ((2.0, 2.2, False), (2.2, 2.4, True), (2.2, 4.1, False)):
        accepted = ApplyResponse("u9", ACCEPTED, 3, sent_s=sent_s, latency_s=read_s)
        found = broken(answers=[*GOOD.answers, *paused], responses=[accepted])
        assert one(found, "P1", "does not admit: u9 (pause)") == is_wrong


def test_unexpected_answers_and_missing_ones_break_p6() -> None:
    internal = answer("admin close", 500, code="INTERNAL")
    refused = answer("shop-b redeem u1", 409, code="ALREADY_USED")
    unsure = answer("shop-b redeem u1", 503, code="UNAVAILABLE")
    assert one(broken(answers=[*GOOD.answers, internal]), "P6", "admin close: 500 INTERNAL")
    assert broken(answers=[*GOOD.answers, refused, unsure]) == []
    assert one(broken(unanswered=[Act.parse("admin close")]), "P6", "without an answer")


@pytest.mark.parametrize(
    ("kinds", "final"),
    [
        (["RESERVED", "USED"], USED),
        (["RESERVED", "RELEASED", "USED", "CANCELLED"], StoredCoupon(1, "u1")),
        (["RESERVED", "REVOKED"], StoredCoupon(1, "u1", "REVOKED")),
        (["GIVEN_BACK"], StoredCoupon(1, "u1", "REVOKED", given_back=True)),
    ],
)
def test_the_events_of_a_coupon_lead_to_its_row(kinds: list[str], final: StoredCoupon) -> None:
    events = [StoredEvent(1, kind, ORDER) for kind in kinds]
    assert misstep(final, events) == ""
    assert misstep(final, events[:-1])


@pytest.mark.parametrize(
    "kinds",
    [
        ["CANCELLED"],
        ["RELEASED"],
        ["USED", "USED"],
        ["USED", "REVOKED"],
        ["USED", "RESERVED"],
        ["REVOKED", "USED"],
        ["REVOKED", "REVOKED"],
        ["USED", "GIVEN_BACK"],
        ["GIVEN_BACK", "GIVEN_BACK"],
    ],
)
def test_a_step_that_a_state_does_not_allow_is_named(kinds: list[str]) -> None:
    assert "where it is" in misstep(USED, [StoredEvent(1, kind, ORDER) for kind in kinds])


def test_a_reservation_keeps_other_orders_away_until_it_is_over() -> None:
    reserved = StoredEvent(1, "RESERVED", "other", {"ttl_s": 900})
    for at_ms, why in ((1000, "where it is"), (900_000, "")):
        assert why in misstep(USED, [reserved, dataclasses.replace(USED_EVENT, at_ms=at_ms)])
    assert not misstep(USED, [reserved, dataclasses.replace(USED_EVENT, at_ms=900_000)])


def test_an_expired_coupon_is_used_only_by_an_order_that_has_reserved_it_before() -> None:
    reserved, used = StoredEvent(1, "RESERVED", ORDER), StoredEvent(1, "USED", ORDER, at_ms=9000)
    assert "where it is" in misstep(USED, [used], expires_ms=1000)
    assert misstep(USED, [reserved, used], expires_ms=1000) == ""


def test_a_coupon_that_is_given_before_its_release_breaks_p1() -> None:
    early = dataclasses.replace(FREE, admitted_at_ms=1999)
    staged = {"releases": [[0, 1], [2000, 1]]}
    assert one(stored(coupons=[USED, REVOKED, early], **staged), "P1", "before their release: 3")
    in_time = dataclasses.replace(FREE, admitted_at_ms=2000)
    assert stored(coupons=[USED, REVOKED, in_time], **staged) == []


def test_each_coupon_of_a_giver_counts_as_a_user_of_its_own() -> None:
    got = [ApplyResponse("u2", ACCEPTED, 2), ApplyResponse("u2", SOLD_OUT)]
    responses, rows = told_apart({"u2"}, {"u2": got}, [Row("u2", 2, 5), Row("u2", 3, 9)])
    assert [each.serial for each in responses["u2#2"]] == [2]
    assert [row.user for row in rows] == ["u2#2", "u2#3"]
    seen = HistoryResult(scenario(1, []), {"u2": got}, [], {}, 0, frozenset())
    lost = dataclasses.replace(seen, givers=frozenset({"u2"}))
    assert broken_for_applicants(lost) == ["P3: 1 x got ACCEPTED, and no row: u2#2"]


def test_a_winner_after_sold_out_is_excused_only_above_the_lowest_quantity() -> None:
    sold_out = ApplyResponse("b", SOLD_OUT, sent_s=0.0, latency_s=0.1)
    late = ApplyResponse("c", ACCEPTED, 15, sent_s=0.2, latency_s=0.3)
    rows = [Row(f"x{n}", n, n) for n in range(1, 15)]
    seen = HistoryResult(
        scenario(1, []),
        {"b": [sold_out], "c": [late]},
        [*rows, Row("c", 15, 15)],
        {},
        0,
        frozenset(),
    )
    for lowest, is_broken in ((None, True), (15, True), (14, False)):
        assert bool(broken_for_applicants(dataclasses.replace(seen, lowest=lowest))) == is_broken


def test_a_seed_draws_the_same_acts_again_and_a_part_of_the_histories_has_none() -> None:
    drawn = [draw(seed) for seed in range(200)]
    assert drawn == [draw(seed) for seed in range(200)]
    assert not any(each.acts for each in drawn[::WITHOUT_EVERY])
    assert not any(each.acts for each in drawn if each.has(STRANGERS))
    verbs = {act.verb for each in drawn for act in each.acts}
    assert verbs >= {"reserve", "reserve-briefly", "redeem", "release", "cancel", "apply"}
    assert verbs >= {"give-back", "revoke", "revoke-return"}
    assert verbs >= {"quantity", "pause", "resume", "close", "extend"}


def test_the_tally_counts_the_acts_by_their_answers() -> None:
    unsure = answer("shop-b redeem u1", 0, code="no answer")
    refused = answer("shop-b redeem u1", 409, code="ALREADY_USED")
    counts = counted([REDEEMED, unsure, refused, GAVE_BACK])
    assert counts == {"redeem": ActCounts(1, 1, 1), "give-back": ActCounts(1, 0, 0)}
    assert total([counts, counts])["redeem"] == ActCounts(2, 2, 2)
    tally = Tally("tansu")
    tally.results.append(Result(draw(1), [], 5.0, acts=counts, places_returned=3))
    table = tally.table()
    assert f"{'redeem':34}{1:8}{1:11}{1:8}" in table
    assert "1 histories with shops, givers or administrators" in table
    assert "3 places returned" in table
