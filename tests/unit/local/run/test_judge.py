"""The verdict on a crowd: others may apply and administrate, and broken promises are named."""

from __future__ import annotations

from dataclasses import replace

from handlers.domain.campaign import Campaign
from local.harness.invariants import violations
from local.harness.observations import Observations, Row
from local.harness.responses import ACCEPTED, SOLD_OUT, ApplyResponse
from local.run.judge import judge

CAMPAIGN = Campaign("one", "One", 2, 0, 1000)
CHANGED = replace(CAMPAIGN, version=2)


def seen(*rows: Row, responses: dict[str, int | None]) -> Observations:
    """Return what a crowd saw: a serial for each user, None for SOLD_OUT."""
    answers = [
        ApplyResponse(user, ACCEPTED if serial else SOLD_OUT, serial, 202 if serial else 409, 0, 1)
        for user, serial in responses.items()
    ]
    return Observations(
        CAMPAIGN.quantity,
        answers,
        rows,
        people=len(answers),
        requests=len(answers),
        highest_count=len(rows),
    )


def test_a_person_who_applied_beside_the_crowd_breaks_nothing() -> None:
    course = seen(Row("kim", 1, 1), Row("a", 2, 2), responses={"a": 2, "b": None})
    judgement = judge(course, CAMPAIGN, CAMPAIGN)
    assert violations(judgement.results) == []
    assert judgement.note == "Coupons of people who applied beside the crowd: 1."


def test_a_person_beside_a_crowd_that_is_smaller_than_the_quantity_has_a_coupon_more() -> None:
    course = seen(Row("kim", 1, 1), Row("a", 2, 2), responses={"a": 2})
    assert violations(judge(course, CAMPAIGN, CAMPAIGN).results) == []


def test_a_lost_coupon_of_the_crowd_is_named() -> None:
    course = seen(Row("kim", 1, 1), responses={"a": 2, "b": None})
    found = violations(judge(course, CAMPAIGN, CAMPAIGN).results)
    assert "P1: 1 rows are missing" in found
    assert "P3: 1 x got ACCEPTED, and no row: a" in found


def test_control_without_others_a_row_of_one_who_was_not_accepted_is_named() -> None:
    course = seen(Row("a", 1, 1), Row("b", 2, 2), responses={"a": 1, "b": None})
    found = violations(judge(course, CAMPAIGN, CAMPAIGN).results)
    assert "P3: 1 x a row, and never got ACCEPTED: b" in found


def test_in_a_campaign_that_was_paused_meanwhile_only_what_holds_nevertheless_is_judged() -> None:
    course = seen(Row("a", 1, 1), responses={"a": 1, "b": None})
    paused = ApplyResponse("c", "409 PAUSED", None, 409, 0, 1)
    course = replace(course, responses=[*course.responses, paused], people=3, requests=3)
    judgement = judge(course, CAMPAIGN, CHANGED)
    assert violations(judgement.results) == []
    assert "was changed meanwhile" in judgement.note
    assert violations(judge(course, CAMPAIGN, CAMPAIGN).results)


def test_also_in_a_changed_campaign_one_too_many_and_a_lost_coupon_are_named() -> None:
    rows = [Row("kim", 1, 1), Row("lee", 2, 2), Row("park", 3, 3)]
    found = violations(judge(seen(*rows, responses={"a": 2}), CAMPAIGN, CHANGED).results)
    assert any(each.startswith("P1: 1 more than there are coupons") for each in found)
    assert "P3: 1 x got ACCEPTED, and no row: a" in found


def test_a_place_that_was_returned_is_given_again_under_another_serial() -> None:
    returned = replace(CAMPAIGN, places_returned=1)
    rows = [Row("kim", 1, 1), Row("kim", 3, 3), Row("a", 2, 2)]
    course = replace(seen(*rows, responses={"a": 2}), highest_count=3)
    assert violations(judge(course, CAMPAIGN, returned).results) == []
