"""apply_batch with nothing but fakes behind it: what a group shares, and what each is told."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.apply import apply_batch, apply_handler
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.domain.coupon import CouponAccepted, OutgoingMessage
    from tests.support.fakes import FakeCampaign
    from tests.unit.conftest import Bearer, Fakes, LogLines


def event(headers: dict[str, str], campaign_id: str = "welcome") -> dict[str, Any]:
    return {
        "requestContext": {"requestId": "request-1", "identity": {"sourceIp": None}},
        "headers": headers,
        "pathParameters": {"id": campaign_id},
    }


def answers(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return everybody's answer, in the order of the events."""
    return [answer for _, answer in sorted(apply_batch(events), key=lambda pair: pair[0])]


def codes(events: Sequence[dict[str, Any]]) -> list[str]:
    bodies = [json.loads(answer["body"]) for answer in answers(events)]
    return [body.get("outcome") or body["code"] for body in bodies]


@pytest.fixture
def calls(fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """What the adapters are asked from now on: the method and about whom."""
    noted: list[tuple[str, list[Any]]] = []

    def note(adapter: Any, method: str, ask: Callable[[Any], Any]) -> None:
        original = getattr(adapter, method)

        def noting(questions: Sequence[Any]) -> Any:
            noted.append((method, [ask(question) for question in questions]))
            return original(questions)

        monkeypatch.setattr(adapter, method, noting)

    note(fakes.admissions, "admit_all", lambda applicant: applicant.user_id)
    note(fakes.publisher, "publish_all", lambda outgoing: outgoing.message.user_id)
    note(fakes.admissions, "make_all_durable", lambda message: message.user_id)
    return noted


@pytest.fixture
def mixed(fakes: Fakes, campaign: FakeCampaign, bearer: Bearer) -> list[dict[str, Any]]:
    """Somebody of every kind; two coupons, one of them given to "old" who is pending."""
    admit_one(fakes.admissions, "welcome", "old")
    return [
        event({}),
        event(bearer("1"), "other"),
        event(bearer("1")),
        event(bearer("late")),
        event(bearer("old")),
        event(bearer("1"), "Not-An-Id"),
        event(bearer("1")),
    ]


def test_each_of_a_group_is_answered_as_alone(fakes: Fakes, mixed: list[dict[str, Any]]) -> None:
    before = deepcopy(fakes.admissions.campaigns)
    alone = [apply_handler(one, None) for one in mixed]
    after, sent = fakes.admissions.campaigns, sorted(fakes.publisher.sent)
    assert [one["statusCode"] for one in alone] == [401, 404, 202, 409, 200, 404, 200]

    fakes.admissions.campaigns = before
    fakes.publisher.sent.clear()
    wiring.rejection_cache()._known.clear()
    assert answers(mixed) == alone
    assert fakes.admissions.campaigns == after
    assert sorted(fakes.publisher.sent) == sent


def test_a_group_asks_redis_once_and_hands_over_once(
    mixed: list[dict[str, Any]], calls: list[tuple[str, list[str]]]
) -> None:
    answers(mixed)
    assert calls == [
        ("admit_all", ["1", "1", "late", "old", "1"]),
        ("publish_all", ["1", "old", "1"]),
    ]


def test_the_same_user_twice_in_a_group_gets_one_serial(
    campaign: FakeCampaign, bearer: Bearer
) -> None:
    told = [json.loads(answer["body"]) for answer in answers([event(bearer("42"))] * 3)]
    assert [one["outcome"] for one in told] == ["ACCEPTED", "ALREADY_APPLIED", "ALREADY_APPLIED"]
    assert {one["serial"] for one in told} == {1}
    assert campaign.serials == {"42": 1}


def test_whoever_is_refused_does_not_wait_for_those_who_are_handed_over(
    mixed: list[dict[str, Any]], calls: list[tuple[str, list[str]]]
) -> None:
    results = apply_batch(mixed)
    assert {next(results)[0] for _ in range(2)} == {0, 5}  # no token, and no campaign's name
    assert calls == []
    assert {next(results)[0] for _ in range(2)} == {1, 3}
    assert [method for method, _ in calls] == ["admit_all"]
    assert {place for place, _ in results} == {2, 4, 6}


def test_of_those_whom_kafka_did_not_acknowledge_redis_disk_is_asked_once(
    fakes: Fakes,
    campaign: FakeCampaign,
    bearer: Bearer,
    calls: list[tuple[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign.quantity = 5

    def partly(outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        return [one.message.user_id in "13" for one in outgoing_messages]

    monkeypatch.setattr(fakes.publisher, "publish_all", partly)
    group = [event(bearer(user)) for user in "12345"]
    assert codes(group) == ["ACCEPTED"] * 5
    assert calls[1:] == [("make_all_durable", ["2", "4", "5"])]


def test_only_whoever_is_neither_in_kafka_nor_on_the_disk_is_told_to_ask_again(
    fakes: Fakes, campaign: FakeCampaign, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign.quantity = 3
    fakes.publisher.acknowledges = False

    def partly(messages: Sequence[CouponAccepted]) -> list[bool]:
        return [message.user_id != "2" for message in messages]

    monkeypatch.setattr(fakes.admissions, "make_all_durable", partly)
    group = [event(bearer(user)) for user in "123"]
    assert codes(group) == ["ACCEPTED", "UNAVAILABLE", "ACCEPTED"]
    assert campaign.serials == {"1": 1, "2": 2, "3": 3}  # the place is kept


@pytest.mark.usefixtures("campaign")
def test_a_redis_out_of_reach_is_told_to_each(fakes: Fakes, bearer: Bearer) -> None:
    fakes.admissions.reachable = False
    group = answers([event(bearer(user)) for user in "123"])
    assert [one["statusCode"] for one in group] == [503] * 3
    assert [one["headers"]["Retry-After"] for one in group] == ["1"] * 3
    assert not fakes.publisher.sent


@pytest.mark.usefixtures("campaign")
def test_a_fault_about_one_leaves_the_others_answers_alone(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit_all: Callable[[Any], list[Any]] = fakes.admissions.admit_all

    def faulty(applicants: Sequence[Any]) -> list[Any]:
        return [
            KeyError("bug") if applicant.user_id == "2" else decided
            for applicant, decided in zip(applicants, admit_all(applicants), strict=True)
        ]

    monkeypatch.setattr(fakes.admissions, "admit_all", faulty)
    assert codes([event(bearer(user)) for user in "12"]) == ["ACCEPTED", "INTERNAL"]
    assert [key for key, _, _ in fakes.publisher.sent] == [b"1"]


@pytest.mark.usefixtures("campaign")
def test_a_fault_at_a_step_is_a_500_for_all_who_take_it_and_for_nobody_else(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes.publisher, "publish_all", lambda _: 1 / 0)
    group = [event(bearer("1")), event(bearer("1"), "other"), event(bearer("2"))]
    assert codes(group) == ["INTERNAL", "CAMPAIGN_NOT_FOUND", "INTERNAL"]


def test_each_of_a_group_has_a_line_of_its_own_in_the_log(
    mixed: list[dict[str, Any]], logged: LogLines
) -> None:
    for number, one in enumerate(mixed):
        one["requestContext"] = one["requestContext"] | {"requestId": f"request-{number}"}
    statuses = [answer["statusCode"] for answer in answers(mixed)]
    lines = {line["request_id"]: line for line in logged.lines}
    assert len(logged.lines) == len(mixed)
    assert [lines[f"request-{number}"]["status"] for number in range(len(mixed))] == statuses
    assert {line["message"] for line in logged.lines} == {"apply_handler"}
