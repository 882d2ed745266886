"""apply_batch with nothing but fakes behind it: what a group shares, and what each is told."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.apply import apply_batch, apply_handler
from handlers.config import ConfigurationError
from handlers.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from handlers.config import Settings
    from handlers.domain.admission import Outcome
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
    fakes.admissions.admit("welcome", "old")
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
    calls: list[tuple[str, list[str]]], mixed: list[dict[str, Any]]
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
    calls: list[tuple[str, list[str]]], mixed: list[dict[str, Any]]
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
@pytest.mark.parametrize("method", ["publish_all", "make_all_durable"])
def test_a_fault_in_a_phase_is_a_500_for_all_who_reach_it_and_for_no_other(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch, method: str, logged: LogLines
) -> None:
    fakes.publisher.acknowledges = False
    adapter = fakes.publisher if method == "publish_all" else fakes.admissions
    monkeypatch.setattr(adapter, method, lambda _: 1 / 0)
    group = [event(bearer("1")), event(bearer("1"), "other"), event(bearer("2"))]
    assert codes(group) == ["INTERNAL", "CAMPAIGN_NOT_FOUND", "INTERNAL"]
    faults = [line for line in logged.lines if line["level"] == "ERROR"]
    assert [line["error"] for line in faults] == ["ZeroDivisionError"] * 2
    assert all(__file__ in line["stack"][-1] for line in faults)  # the place of the fault


@pytest.mark.usefixtures("campaign")
def test_a_fault_in_the_decision_is_a_500_for_all_who_are_known(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes.admissions, "admit_all", lambda _: 1 / 0)
    group = [event({}), event(bearer("1")), event(bearer("2"))]
    assert codes(group) == ["UNAUTHENTICATED", "INTERNAL", "INTERNAL"]
    assert not fakes.publisher.sent


@pytest.mark.usefixtures("campaign")
def test_a_setting_that_is_missing_in_a_phase_is_said_so_to_each(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch, logged: LogLines
) -> None:
    def unset(_: object) -> None:
        message = "KAFKA_BOOTSTRAP_SERVERS is not set"
        raise ConfigurationError(message)

    monkeypatch.setattr(fakes.publisher, "publish_all", unset)
    group = answers([event(bearer(user)) for user in "12"])
    details = [(one["statusCode"], json.loads(one["body"])["detail"]) for one in group]
    assert details == [(500, "The service is set up wrongly.")] * 2
    assert logged.text.count("apply_handler: KAFKA_BOOTSTRAP_SERVERS is not set") == 2


@pytest.mark.usefixtures("campaign")
def test_an_applicant_about_whom_redis_is_silent_is_unavailable_and_the_others_are_not(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit_all: Callable[[Any], list[Any]] = fakes.admissions.admit_all

    def partly(applicants: Sequence[Any]) -> list[Any]:
        return [UnavailableError(), *admit_all(applicants)[1:]]

    monkeypatch.setattr(fakes.admissions, "admit_all", partly)
    assert codes([event(bearer(user)) for user in "12"]) == ["UNAVAILABLE", "ACCEPTED"]


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    ("adapter", "method"),
    [
        ("admissions", "admit_all"),
        ("publisher", "publish_all"),
        ("admissions", "make_all_durable"),
    ],
)
def test_a_server_with_a_reply_too_few_gives_no_applicant_the_reply_of_another(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch, adapter: str, method: str
) -> None:
    fakes.publisher.acknowledges = False
    owner = getattr(fakes, adapter)
    original = getattr(owner, method)
    monkeypatch.setattr(owner, method, lambda questions: original(questions)[1:])
    with pytest.raises(ValueError, match="1 replies to 2 questions"):
        next(apply_batch([event(bearer(user)) for user in "12"]))


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_where_the_process_ends_there_is_neither_a_response_nor_a_line(
    fakes: Fakes,
    bearer: Bearer,
    monkeypatch: pytest.MonkeyPatch,
    logged: LogLines,
    end: type[BaseException],
) -> None:
    def ended(_: object) -> None:
        raise end

    monkeypatch.setattr(fakes.publisher, "publish_all", ended)
    results = apply_batch([event({}), event(bearer("1")), event(bearer("2"))])
    assert next(results)[0] == 0
    with pytest.raises(end):
        next(results)
    assert [line["outcome"] for line in logged.lines] == ["UNAUTHENTICATED"]
    assert list(results) == []


def test_an_empty_batch_asks_no_server(calls: list[tuple[str, list[str]]]) -> None:
    assert list(apply_batch([])) == []
    assert calls == []


def test_the_time_for_an_ack_is_counted_from_before_the_decision(
    fakes: Fakes,
    campaign: FakeCampaign,
    bearer: Bearer,
    service_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decided_at: list[float] = []
    deadlines: list[float] = []
    admit_all = fakes.admissions.admit_all

    def noting(applicants: Sequence[Any]) -> list[Any]:
        decided_at.append(time.monotonic())
        return admit_all(applicants)

    def publish_all(outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        deadlines.extend(one.deadline for one in outgoing_messages)
        return [True] * len(outgoing_messages)

    monkeypatch.setattr(fakes.admissions, "admit_all", noting)
    monkeypatch.setattr(fakes.publisher, "publish_all", publish_all)
    before = time.monotonic()
    assert codes([event(bearer(user)) for user in "12"]) == ["ACCEPTED"] * campaign.quantity
    ack_s = service_settings.kafka_ack_timeout_ms / 1000
    assert all(before <= deadline - ack_s <= decided_at[0] for deadline in deadlines)
    assert len(deadlines) == 2


def test_refusals_are_learned_with_each_decision_and_of_the_admitted_after_the_hand_over(
    mixed: list[dict[str, Any]],
    calls: list[tuple[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusals = wiring.rejection_cache()
    refresh = refusals.refresh

    def noting(campaign_id: str, outcome: Outcome) -> None:
        calls.append((campaign_id, [outcome]))
        refresh(campaign_id, outcome)

    monkeypatch.setattr(refusals, "refresh", noting)
    answers(mixed)
    assert calls == [
        ("admit_all", ["1", "1", "late", "old", "1"]),
        ("other", ["NOT_FOUND"]),
        ("welcome", ["SOLD_OUT"]),
        ("publish_all", ["1", "old", "1"]),
        ("welcome", ["ACCEPTED"]),
        ("welcome", ["ALREADY_APPLIED"]),
        ("welcome", ["ALREADY_APPLIED"]),
    ]


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
