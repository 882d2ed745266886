"""apply_batch on fakes whose servers fail: which applicants get which error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from handlers.apply import apply_batch
from handlers.config import ConfigurationError
from handlers.domain.errors import UnavailableError
from tests.support.apply_batches import codes, event, responses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.unit.conftest import Bearer, Fakes, LogLines


@pytest.mark.usefixtures("campaign")
def test_an_unreachable_redis_is_a_503_for_each(fakes: Fakes, bearer: Bearer) -> None:
    fakes.admissions.reachable = False
    batch = responses([event(bearer(user)) for user in "123"])
    assert [one["statusCode"] for one in batch] == [503] * 3
    assert [one["headers"]["Retry-After"] for one in batch] == ["1"] * 3
    assert not fakes.publisher.sent


@pytest.mark.usefixtures("campaign")
def test_a_fault_of_one_apply_does_not_affect_the_other_responses(
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
@pytest.mark.parametrize("method", ["publish_all", "write_all"])
def test_a_fault_in_a_phase_is_a_500_for_all_applies_in_it_and_for_no_other(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch, method: str, logged: LogLines
) -> None:
    fakes.publisher.acknowledges = False
    adapter = fakes.publisher if method == "publish_all" else fakes.direct_writer
    monkeypatch.setattr(adapter, method, lambda _: 1 / 0)
    batch = [event(bearer("1")), event(bearer("1"), "other"), event(bearer("2"))]
    assert codes(batch) == ["INTERNAL", "CAMPAIGN_NOT_FOUND", "INTERNAL"]
    faults = [line for line in logged.lines if line["level"] == "ERROR"]
    assert [line["error"] for line in faults] == ["ZeroDivisionError"] * 2
    assert all(__file__ in line["stack"][-1] for line in faults)  # the line of the fault


@pytest.mark.usefixtures("campaign")
def test_a_fault_in_the_decision_is_a_500_for_all_authenticated_users(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes.admissions, "admit_all", lambda _: 1 / 0)
    batch = [event({}), event(bearer("1")), event(bearer("2"))]
    assert codes(batch) == ["UNAUTHENTICATED", "INTERNAL", "INTERNAL"]
    assert not fakes.publisher.sent


@pytest.mark.usefixtures("campaign")
def test_a_missing_setting_in_a_phase_is_an_error_for_each(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch, logged: LogLines
) -> None:
    def unset(_: object) -> None:
        message = "KAFKA_BOOTSTRAP_SERVERS is not set"
        raise ConfigurationError(message)

    monkeypatch.setattr(fakes.publisher, "publish_all", unset)
    batch = responses([event(bearer(user)) for user in "12"])
    details = [(one["statusCode"], json.loads(one["body"])["detail"]) for one in batch]
    assert details == [(500, "The service is set up wrongly.")] * 2
    assert logged.text.count("apply_handler: KAFKA_BOOTSTRAP_SERVERS is not set") == 2


@pytest.mark.usefixtures("campaign")
def test_an_applicant_without_a_reply_of_redis_is_unavailable_and_the_others_are_not(
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
        ("direct_writer", "write_all"),
    ],
)
def test_a_server_with_one_reply_too_few_gives_no_applicant_the_reply_of_another(
    fakes: Fakes, bearer: Bearer, monkeypatch: pytest.MonkeyPatch, adapter: str, method: str
) -> None:
    fakes.publisher.acknowledges = False
    owner = getattr(fakes, adapter)
    original = getattr(owner, method)
    monkeypatch.setattr(owner, method, lambda questions: original(questions)[1:])
    with pytest.raises(ValueError, match="1 replies to 2 requests"):
        next(apply_batch([event(bearer(user)) for user in "12"]))


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_when_the_process_ends_there_is_neither_a_response_nor_a_log_line(
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
