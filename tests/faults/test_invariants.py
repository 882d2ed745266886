"""The checks name each broken promise, and excuse no lost coupon."""

from __future__ import annotations

import dataclasses

import pytest

from local.harness.observations import Row
from local.harness.responses import ACCEPTED as OUTCOME_ACCEPTED
from local.harness.responses import SOLD_OUT as OUTCOME_SOLD_OUT
from local.harness.responses import UNDECIDED, ApplyResponse
from tests.faults.engine.draw import draw
from tests.faults.engine.invariants import HistoryResult, lost, violations
from tests.faults.engine.scenario import DEATHS, OF_SHARD, WAYS, Fault, scenario

ACCEPTED = ApplyResponse("a", OUTCOME_ACCEPTED, 1)
SOLD_OUT = ApplyResponse("b", OUTCOME_SOLD_OUT)
UNKNOWN = ApplyResponse("b", UNDECIDED)
GOOD = HistoryResult(
    scenario=scenario(1, []),
    responses={"a": [ACCEPTED]},
    rows=[Row("a", 1, 10)],
    failed={},
    forgeries_lost=0,
    unanswered=frozenset(),
)


def broken(**change: object) -> list[str]:
    return violations(dataclasses.replace(GOOD, **change))  # type: ignore[arg-type]


def test_a_history_without_a_flaw_breaks_nothing() -> None:
    assert violations(GOOD) == []


def test_a_coupon_too_many_or_out_of_range_or_with_a_taken_serial_breaks_p1() -> None:
    quantity = GOOD.scenario.quantity
    many = [Row("a", 1, 0), *(Row(f"x{n}", n, 0) for n in range(2, quantity + 2))]
    assert any(found.startswith("P1") for found in broken(rows=many))
    assert any("out of range" in found for found in broken(rows=[Row("a", 0, 0)]))
    twice = [Row("a", 1, 0), Row("c", 1, 0)]
    assert any("given twice" in found for found in broken(rows=twice))


def test_two_coupons_of_one_user_break_p2() -> None:
    assert any(found.startswith("P2") for found in broken(rows=[Row("a", 1, 0), Row("a", 2, 0)]))


def test_a_user_accepted_without_a_coupon_breaks_p3() -> None:
    assert broken(rows=[]) == ["P3: 1 x got ACCEPTED, and no row: a"]


def test_another_serial_than_in_the_response_breaks_p3_unless_a_stranger_took_it() -> None:
    other = [Row("a", 2, 0)]
    taken = {"a": "SERIAL_TAKEN RESOLVED"}
    wrong = ["P3: 1 x got another serial than the row's: a"]
    strangers = scenario(1, [Fault(0.5, "foreign")])
    assert broken(rows=other) == wrong
    assert broken(rows=other, failed=taken) == wrong
    assert broken(rows=other, failed=taken, scenario=strangers) == []
    assert broken(rows=other, failed={"a": "SUPERSEDED RESOLVED"}, scenario=strangers) == wrong
    assert broken(rows=[], failed={"a": "SERIAL_TAKEN DEAD"}, scenario=strangers) == [
        "P3: 1 x got ACCEPTED, and no row: a (SERIAL_TAKEN DEAD)"
    ]


def test_a_coupon_for_a_rejected_user_breaks_p3_but_not_after_an_undecided_response() -> None:
    full = [Row("b" if n == 2 else "a" if n == 1 else f"x{n}", n, 0) for n in range(1, 16)]
    rejected = {"a": [ACCEPTED], "b": [SOLD_OUT]}
    assert broken(responses=rejected, rows=full) == ["P3: 1 x got SOLD_OUT, and a row: b"]
    assert broken(responses={**rejected, "b": [UNKNOWN, SOLD_OUT]}, rows=full) == []


def test_sold_out_before_all_are_gone_breaks_p3_unless_redis_was_rebuilt() -> None:
    responses = {"a": [ACCEPTED], "b": [SOLD_OUT]}
    assert broken(responses=responses) == ["P3: sold out with 1 of 15 coupons"]
    lost = scenario(1, [Fault(0.5, "redis-flush")])
    assert broken(responses=responses, scenario=lost) == []


def test_serials_against_the_order_of_admission_break_p4() -> None:
    assert broken(rows=[Row("a", 1, 10), Row("c", 2, 5)])[0].startswith("P4")


def test_a_lost_record_breaks_p5() -> None:
    assert broken(forgeries_lost=1)[0].startswith("P5")


def test_missing_and_unexpected_responses_break_p6() -> None:
    assert broken(unanswered=frozenset({"z"}))[0].startswith("P6")
    assert broken(responses={"a": [ApplyResponse("a", "404 NOT_FOUND"), ACCEPTED]}) == [
        "P6: 1 x 404 NOT_FOUND"
    ]


@pytest.mark.parametrize(
    "faults",
    [
        ["redis-flush", "kafka-silent"],
        ["redis-old-copy", "kafka-freeze"],
        ["foreign", "redis-kill"],
    ],
)
def test_no_fault_excuses_the_loss_of_an_accepted_user(faults: list[str]) -> None:
    played = scenario(1, [Fault(0.5, kind) for kind in faults])
    gone = dataclasses.replace(GOOD, rows=[], scenario=played)
    assert lost(gone) == {"a"}
    assert violations(gone) == ["P3: 1 x got ACCEPTED, and no row: a"]


def test_an_accepted_user_with_a_row_is_not_lost() -> None:
    assert lost(GOOD) == set()


def test_a_user_who_overtakes_another_breaks_p4() -> None:
    first = dataclasses.replace(ACCEPTED, serial=2, sent_s=0.0, latency_s=0.1)
    later = ApplyResponse("c", OUTCOME_ACCEPTED, 1, sent_s=0.2, latency_s=0.3)
    rows = [Row("c", 1, 5), Row("a", 2, 10)]
    assert broken(responses={"a": [first], "c": [later]}, rows=rows) == [
        "P4: 1 x a lower serial than one who had read it before they applied: c"
    ]


def test_a_seed_draws_the_same_history_again() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)


def test_where_a_replica_runs_that_one_is_promoted() -> None:
    kinds = {fault.kind for seed in range(200) for fault in draw(seed, redis="replicas").faults}
    assert "redis-failover" in kinds
    assert "redis-promote" not in kinds


def test_each_history_on_a_cluster_strikes_a_shard_and_all_of_its_faults_are_drawn() -> None:
    drawn = [draw(seed, redis="cluster") for seed in range(100)]
    assert all(each.has(OF_SHARD) for each in drawn)
    faults = [fault for each in drawn for fault in each.faults]
    assert {fault.kind for fault in faults} >= OF_SHARD
    assert {fault.target for fault in faults} >= {*DEATHS, *WAYS}
    assert "redis-promote" not in {fault.kind for fault in faults}
