"""The verdict names each broken promise, and excuses nothing but the documented double fault."""

from __future__ import annotations

import dataclasses

from local.harness.observations import Row
from local.harness.responses import ACCEPTED as TOLD_ACCEPTED
from local.harness.responses import SOLD_OUT as TOLD_SOLD_OUT
from local.harness.responses import UNDECIDED, ApplyResponse
from tests.faults.engine.draw import draw
from tests.faults.engine.scenario import Fault, scenario
from tests.faults.engine.verdict import Evidence, excused, violations

ACCEPTED = ApplyResponse("a", TOLD_ACCEPTED, 1)
SOLD_OUT = ApplyResponse("b", TOLD_SOLD_OUT)
DOUBT = ApplyResponse("b", UNDECIDED)
GOOD = Evidence(
    scenario=scenario(1, []),
    answers={"a": [ACCEPTED]},
    rows=[Row("a", 1, 10)],
    failed={},
    by_disk=frozenset(),
    forgeries_lost=0,
    unanswered=frozenset(),
)


def seen(**change: object) -> list[str]:
    return violations(dataclasses.replace(GOOD, **change))  # type: ignore[arg-type]


def test_a_history_without_a_flaw_breaks_nothing() -> None:
    assert violations(GOOD) == []


def test_a_coupon_too_many_or_out_of_range_or_with_a_taken_serial_breaks_p1() -> None:
    quantity = GOOD.scenario.quantity
    many = [Row("a", 1, 0), *(Row(f"x{n}", n, 0) for n in range(2, quantity + 2))]
    assert any(found.startswith("P1") for found in seen(rows=many))
    assert any("out of range" in found for found in seen(rows=[Row("a", 0, 0)]))
    twice = [Row("a", 1, 0), Row("c", 1, 0)]
    assert any("given twice" in found for found in seen(rows=twice))


def test_two_coupons_of_one_user_break_p2() -> None:
    assert any(found.startswith("P2") for found in seen(rows=[Row("a", 1, 0), Row("a", 2, 0)]))


def test_somebody_accepted_without_a_coupon_breaks_p3() -> None:
    assert seen(rows=[]) == ["P3: 1 x got ACCEPTED, and no row: a"]


def test_another_serial_than_the_one_told_breaks_p3_unless_it_was_redriven() -> None:
    other = [Row("a", 2, 0)]
    assert seen(rows=other) == ["P3: 1 x got another serial than the row's: a"]
    assert seen(rows=other, failed={"a": "SERIAL_TAKEN RESOLVED"}) == []
    assert seen(rows=[], failed={"a": "SERIAL_TAKEN DEAD"}) == [
        "P3: 1 x got ACCEPTED, and no row: a (SERIAL_TAKEN DEAD)"
    ]


def test_a_coupon_for_somebody_who_was_only_refused_breaks_p3_but_not_after_a_doubt() -> None:
    full = [Row("b" if n == 2 else "a" if n == 1 else f"x{n}", n, 0) for n in range(1, 16)]
    refused = {"a": [ACCEPTED], "b": [SOLD_OUT]}
    assert seen(answers=refused, rows=full) == ["P3: 1 x got SOLD_OUT, and a row: b"]
    assert seen(answers={**refused, "b": [DOUBT, SOLD_OUT]}, rows=full) == []


def test_sold_out_before_all_are_gone_breaks_p3_unless_redis_was_rebuilt() -> None:
    answers = {"a": [ACCEPTED], "b": [SOLD_OUT]}
    assert seen(answers=answers) == ["P3: sold out with 1 of 15 coupons"]
    lost = scenario(1, [Fault(0.5, "redis-flush")])
    assert seen(answers=answers, scenario=lost) == []


def test_serials_against_the_order_of_admission_break_p4() -> None:
    assert seen(rows=[Row("a", 1, 10), Row("c", 2, 5)])[0].startswith("P4")


def test_a_record_that_is_nowhere_breaks_p5() -> None:
    assert seen(forgeries_lost=1)[0].startswith("P5")


def test_silence_and_strange_answers_break_p6() -> None:
    assert seen(unanswered=frozenset({"z"}))[0].startswith("P6")
    assert seen(answers={"a": [ApplyResponse("a", "404 NOT_FOUND"), ACCEPTED]}) == [
        "P6: 1 x 404 NOT_FOUND"
    ]


def test_only_the_documented_double_faults_excuse_a_loss() -> None:
    by_disk = frozenset({"a"})
    lost = dataclasses.replace(GOOD, rows=[], by_disk=by_disk)
    assert excused(lost) == set()
    flushed = dataclasses.replace(lost, scenario=scenario(1, [Fault(0.5, "redis-flush")]))
    assert excused(flushed) == {"a"}
    assert violations(flushed) == []
    assert excused(dataclasses.replace(flushed, by_disk=frozenset())) == set()


def test_a_stranger_excuses_the_loss_of_the_very_serial_it_took_and_only_after_a_rebuild() -> None:
    faults = [Fault(0.5, "foreign"), Fault(0.6, "redis-kill")]
    taken = dataclasses.replace(
        GOOD,
        rows=[Row("foreign-1", 1, 0)],
        by_disk=frozenset({"a"}),
        scenario=scenario(1, faults),
    )
    assert excused(taken) == {"a"}
    assert excused(dataclasses.replace(taken, by_disk=frozenset())) == set()
    assert excused(dataclasses.replace(taken, rows=[Row("foreign-2", 2, 0)])) == set()
    assert excused(dataclasses.replace(taken, rows=[Row("u1", 1, 0)])) == set()
    for fault in faults:
        alone = dataclasses.replace(taken, scenario=scenario(1, [fault]))
        assert excused(alone) == set()


def test_a_seed_draws_the_same_history_again() -> None:
    assert draw(7) == draw(7)
    assert draw(7) != draw(8)
