"""First come, first served by the times of the clients: what breaks it, and what is excepted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from local.harness.invariants import check, violations
from local.harness.observations import CACHED_S, Faults, Histories, Observations, Row
from local.harness.order import overtaken, rejected_winners, sold_out_too_early
from local.harness.responses import ACCEPTED, ALREADY_APPLIED, SOLD_OUT, UNDECIDED, ApplyResponse

QUANTITY = 20


def response(
    user: str, outcome: str, serial: int | None = None, *, sent_s: float, read_s: float
) -> ApplyResponse:
    return ApplyResponse(user, outcome, serial, 200, sent_s, read_s)


def won(user: str, serial: int, sent_s: float, read_s: float) -> ApplyResponse:
    return response(user, ACCEPTED, serial, sent_s=sent_s, read_s=read_s)


def sold_out(user: str, sent_s: float, read_s: float) -> ApplyResponse:
    return response(user, SOLD_OUT, sent_s=sent_s, read_s=read_s)


def observed(*responses: ApplyResponse, histories: Histories | None = None) -> Observations:
    return Observations(QUANTITY, responses, (), histories=histories or Histories())


def histories(**givers: int) -> Histories:
    """a_2=1: history 1 gave the user a the serial 2; history 2 opened at 5 s."""
    pairs = ((name.split("_"), history) for name, history in givers.items())
    known = {(user, int(serial)): {history} for (user, serial), history in pairs}
    return Histories(known, opened_s={2: 5.0})


def test_serials_in_the_order_of_the_requests_are_fair() -> None:
    assert overtaken(observed(won("a", 1, 0.0, 0.1), won("b", 2, 0.2, 0.3))) == []


def test_a_lower_serial_than_one_that_was_read_before_is_named() -> None:
    assert overtaken(observed(won("a", 2, 0.0, 0.1), won("b", 1, 0.2, 0.3))) == ["b"]


def test_requests_that_overlap_may_be_served_in_either_order() -> None:
    assert overtaken(observed(won("a", 2, 0.0, 0.2), won("b", 1, 0.1, 0.3))) == []


def test_a_user_who_got_no_answer_first_may_have_been_admitted_then() -> None:
    unsure = response("b", UNDECIDED, sent_s=0.0, read_s=0.15)
    again = response("b", ALREADY_APPLIED, 1, sent_s=0.2, read_s=0.3)
    assert overtaken(observed(won("a", 2, 0.05, 0.1), unsure, again)) == []


def test_the_first_answer_with_the_serial_counts_and_not_a_repeated_one() -> None:
    again = response("a", ALREADY_APPLIED, 2, sent_s=0.9, read_s=1.0)
    assert overtaken(observed(again, won("a", 2, 0.0, 0.1), won("b", 1, 0.2, 0.3))) == ["b"]


def test_serials_of_two_histories_are_not_compared() -> None:
    run = won("a", 2, 0.0, 0.1), won("b", 1, 0.2, 0.3)
    assert overtaken(observed(*run, histories=histories(a_2=1, b_1=2))) == []
    assert overtaken(observed(*run, histories=histories(a_2=2, b_1=2))) == ["b"]


def test_a_serial_of_an_unknown_history_is_not_compared() -> None:
    run = won("a", 2, 0.0, 0.1), won("b", 1, 0.2, 0.3)
    assert overtaken(observed(*run, histories=histories(a_2=1))) == []
    twice = Histories({("a", 2): {1}, ("b", 1): {1, 2}})
    assert overtaken(observed(*run, histories=twice)) == []


def test_a_serial_that_was_given_back_may_go_to_a_later_user() -> None:
    known = replace(histories(a_2=2, b_1=2), given_back={1})
    assert overtaken(observed(won("a", 2, 0.0, 0.1), won("b", 1, 0.2, 0.3), histories=known)) == []


def test_a_user_whose_record_failed_may_have_another_serial() -> None:
    run = observed(won("a", 2, 0.0, 0.1), won("b", 1, 0.2, 0.3))
    assert overtaken(replace(run, faults=Faults(redriven={"a": "SERIAL_TAKEN"}))) == []
    assert overtaken(replace(run, faults=Faults(redriven={"c": "SERIAL_TAKEN"}))) == ["b"]


def test_sold_out_before_another_applied_and_was_accepted_is_named() -> None:
    assert sold_out_too_early(observed(sold_out("x", 0.0, 0.1), won("b", 1, 0.2, 0.3))) == ["b"]
    assert sold_out_too_early(observed(sold_out("x", 0.0, 0.25), won("b", 1, 0.2, 0.3))) == []


@pytest.mark.parametrize(
    ("sent_s", "expected"), [(4.0, []), (5.1, []), (5.0 + CACHED_S, ["b"]), (7.0, ["b"])]
)
def test_only_a_sold_out_that_is_surely_of_the_same_history_counts_after_a_rebuild(
    sent_s: float, expected: list[str]
) -> None:
    run = sold_out("x", sent_s, sent_s + 0.1), won("b", 1, 8.0, 8.1)
    assert sold_out_too_early(observed(*run, histories=histories(b_1=2))) == expected


def test_of_a_history_whose_opening_was_not_seen_no_sold_out_counts() -> None:
    run = sold_out("x", 7.0, 7.1), won("b", 1, 8.0, 8.1)
    assert sold_out_too_early(observed(*run, histories=histories(b_1=3))) == []


def test_a_winner_who_gets_sold_out_later_is_named() -> None:
    assert rejected_winners(observed(won("a", 1, 0.0, 0.1), sold_out("a", 0.2, 0.3))) == ["a"]
    assert rejected_winners(observed(won("a", 1, 0.0, 0.1), sold_out("a", 0.0, 0.3))) == []


def test_a_stock_of_ten_in_each_process_is_noticed() -> None:
    """Ten users, one after the other; every second one comes to the other process."""
    stocks = [iter(range(1, 11)), iter(range(11, 21))]
    people = [(f"user-{n}", next(stocks[n % 2]), n / 10) for n in range(10)]
    responses = [won(user, serial, at_s, at_s + 0.05) for user, serial, at_s in people]
    rows = [Row(user, serial, int(at_s * 1000)) for user, serial, at_s in people]
    found = violations(check(Observations(QUANTITY, responses, rows, faults=Faults())))
    late = "user-2, user-4, user-6, user-8"
    assert f"P4: 4 x a lower serial than one who had read it before they applied: {late}" in found
