"""apply_batch on fakes: what a batch shares, and which response each applicant gets."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from handlers import wiring
from handlers.apply import apply_batch, apply_handler
from handlers.edge.http.request_log import REQUESTS
from tests.support.apply_batches import codes, event, responses
from tests.support.single import admit_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.config import Settings
    from handlers.domain.admission import Outcome
    from handlers.domain.coupon import CouponAccepted, OutgoingMessage
    from tests.support.fake_campaign import FakeCampaign
    from tests.unit.conftest import Bearer, Fakes, LogLines


@pytest.fixture
def mixed(fakes: Fakes, campaign: FakeCampaign, bearer: Bearer) -> list[dict[str, Any]]:
    """One event of each kind; two coupons, one of them given to "old" who is pending."""
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


def test_each_apply_of_a_batch_gets_the_response_it_would_get_alone(
    fakes: Fakes, mixed: list[dict[str, Any]]
) -> None:
    before = deepcopy(fakes.admissions.campaigns)
    alone = [apply_handler(one, None) for one in mixed]
    after, sent = fakes.admissions.campaigns, sorted(fakes.publisher.sent)
    assert [one["statusCode"] for one in alone] == [401, 404, 202, 409, 200, 404, 200]

    fakes.admissions.campaigns = before
    fakes.publisher.sent.clear()
    wiring.rejection_cache()._known.clear()
    assert responses(mixed) == alone
    assert fakes.admissions.campaigns == after
    assert sorted(fakes.publisher.sent) == sent


def test_a_batch_is_decided_published_and_confirmed_in_one_call_each(
    mixed: list[dict[str, Any]], calls: list[tuple[str, list[str]]]
) -> None:
    responses(mixed)
    assert calls == [
        ("admit_all", ["1", "1", "late", "old", "1"]),
        ("publish_all", ["1", "old", "1"]),
        ("confirm_all", ["1", "old", "1"]),
    ]


def test_the_same_user_twice_in_a_batch_gets_one_serial(
    campaign: FakeCampaign, bearer: Bearer
) -> None:
    bodies = [json.loads(each["body"]) for each in responses([event(bearer("42"))] * 3)]
    assert [one["outcome"] for one in bodies] == ["ACCEPTED", "ALREADY_APPLIED", "ALREADY_APPLIED"]
    assert {one["serial"] for one in bodies} == {1}
    assert campaign.serials == {"42": 1}


def test_a_rejected_applicant_does_not_wait_for_those_who_are_published(
    mixed: list[dict[str, Any]], calls: list[tuple[str, list[str]]]
) -> None:
    results = apply_batch(mixed)
    assert {next(results)[0] for _ in range(2)} == {0, 5}  # no token, and an invalid campaign id
    assert calls == []
    assert {next(results)[0] for _ in range(2)} == {1, 3}
    assert [method for method, _ in calls] == ["admit_all"]
    assert {index for index, _ in results} == {2, 4, 6}


def test_acknowledged_admissions_are_confirmed_and_the_others_written_in_one_call_each(
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
    batch = [event(bearer(user)) for user in "12345"]
    assert codes(batch) == ["ACCEPTED"] * 5
    assert calls[1:] == [("confirm_all", ["1", "3"]), ("write_all", ["2", "4", "5"])]


def test_only_an_applicant_in_neither_kafka_nor_mysql_has_to_retry(
    fakes: Fakes, campaign: FakeCampaign, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign.quantity = 3
    fakes.publisher.acknowledges = False

    def partly(messages: Sequence[CouponAccepted]) -> list[bool]:
        return [message.user_id != "2" for message in messages]

    monkeypatch.setattr(fakes.direct_writer, "write_all", partly)
    batch = [event(bearer(user)) for user in "123"]
    assert codes(batch) == ["ACCEPTED", "UNAVAILABLE", "ACCEPTED"]
    assert campaign.serials == {"1": 1, "2": 2, "3": 3}  # the serial is kept


def test_an_empty_batch_calls_no_server(calls: list[tuple[str, list[str]]]) -> None:
    assert list(apply_batch([])) == []
    assert calls == []


def test_the_deadline_of_an_ack_is_counted_from_before_the_decision(
    fakes: Fakes,
    campaign: FakeCampaign,
    bearer: Bearer,
    service_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decided_at: list[float] = []
    deadlines: list[float] = []
    admit_all = fakes.admissions.admit_all

    def recorded(applicants: Sequence[Any]) -> list[Any]:
        decided_at.append(time.monotonic())
        return admit_all(applicants)

    def publish_all(outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        deadlines.extend(one.deadline for one in outgoing_messages)
        return [True] * len(outgoing_messages)

    monkeypatch.setattr(fakes.admissions, "admit_all", recorded)
    monkeypatch.setattr(fakes.publisher, "publish_all", publish_all)
    before = time.monotonic()
    assert codes([event(bearer(user)) for user in "12"]) == ["ACCEPTED"] * campaign.quantity
    ack_s = service_settings.kafka_ack_timeout_ms / 1000
    assert all(before <= deadline - ack_s <= decided_at[0] for deadline in deadlines)
    assert len(deadlines) == 2


def test_a_confirmation_has_the_time_that_the_first_of_a_batch_has_left(
    fakes: Fakes, campaign: FakeCampaign, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadlines: list[float] = []
    confirmed_until: list[float] = []

    def publish_all(outgoing_messages: Sequence[OutgoingMessage]) -> list[bool]:
        deadlines.extend(one.deadline for one in outgoing_messages)
        return [number != 0 for number in range(len(outgoing_messages))]

    def confirm_all(admitted: Sequence[CouponAccepted], deadline: float) -> list[bool]:
        confirmed_until.append(deadline)
        return [True] * len(admitted)

    campaign.quantity = 3
    monkeypatch.setattr(fakes.publisher, "publish_all", publish_all)
    monkeypatch.setattr(fakes.admissions, "confirm_all", confirm_all)
    assert codes([event(bearer(user)) for user in "123"])[1:] == ["ACCEPTED"] * 2
    _, *acknowledged = deadlines
    assert confirmed_until == [min(acknowledged)]


def test_rejections_are_refreshed_after_each_decision_and_for_admitted_users_after_publishing(
    mixed: list[dict[str, Any]],
    calls: list[tuple[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = wiring.rejection_cache()
    refresh = cache.refresh

    def recorded(campaign_id: str, outcome: Outcome) -> None:
        calls.append((campaign_id, [outcome]))
        refresh(campaign_id, outcome)

    monkeypatch.setattr(cache, "refresh", recorded)
    responses(mixed)
    assert calls == [
        ("admit_all", ["1", "1", "late", "old", "1"]),
        ("other", ["NOT_FOUND"]),
        ("welcome", ["SOLD_OUT"]),
        ("publish_all", ["1", "old", "1"]),
        ("confirm_all", ["1", "old", "1"]),
        ("welcome", ["ACCEPTED"]),
        ("welcome", ["ALREADY_APPLIED"]),
        ("welcome", ["ALREADY_APPLIED"]),
    ]


def test_each_apply_of_a_batch_has_its_own_log_line_but_a_second_refusal_of_the_same_kind(
    mixed: list[dict[str, Any]], logged: LogLines
) -> None:
    for number, one in enumerate(mixed):
        one["requestContext"] = one["requestContext"] | {"requestId": f"request-{number}"}
    statuses = [each["statusCode"] for each in responses(mixed)]
    lines = {line["request_id"]: line for line in logged.lines}
    numbers = [int(request_id.removeprefix("request-")) for request_id in lines]
    assert [line["status"] for line in lines.values()] == [statuses[each] for each in numbers]
    assert {line["message"] for line in logged.lines} == {"apply_handler"}
    [missing] = set(range(len(mixed))) - set(numbers)
    logged.clear()
    REQUESTS.flush()
    [more] = logged.lines
    assert (more["status"], more["count"]) == (statuses[missing], 1)
