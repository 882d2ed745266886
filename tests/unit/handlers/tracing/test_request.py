"""The spans of a request, on fakes: whose trace they are, what is in them, and what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.trace import StatusCode

from handlers.apply import apply_batch, apply_handler
from handlers.campaigns import campaign_handler
from handlers.domain.errors import UnavailableError
from handlers.health import health_handler
from handlers.tracing import current
from handlers.tracing.place import ids_of_coupon, parse
from handlers.tracing.request import record_from_memory
from handlers.tracing.settings import SamplerName, TraceSettings
from tests.support.apply_batches import event, responses
from tests.support.fakes import NOW_MS
from tests.support.spans import (
    PRESS,
    ROUTE,
    TRACEPARENT,
    attributes,
    collecting,
    context,
    links,
    trace_id,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.fake_campaign import FakeCampaign
    from tests.support.spans import Collected
    from tests.unit.conftest import Bearer, Fakes

ADMIT, CONFIRM = "EVALSHA admission/admit", "EVALSHA admission/confirm"
SEND = "send coupon_create"
CALLER = parse(TRACEPARENT)


@pytest.fixture
def collected(campaign: FakeCampaign) -> Iterator[Collected]:
    assert campaign
    with collecting() as made:
        yield made


def press(headers: dict[str, str], **more: str) -> dict[str, Any]:
    made = event(headers | more)
    return made | {"httpMethod": "POST", "resource": ROUTE}


def test_an_accepted_press_is_the_first_span_of_its_coupons_trace(
    fakes: Fakes, collected: Collected, bearer: Bearer
) -> None:
    assert apply_handler(press(bearer("42")), None)["statusCode"] == 202
    [(found, names)] = collected.traces().items()
    assert names == [PRESS, f"{PRESS} > {ADMIT}", f"{PRESS} > {SEND}", f"{PRESS} > {CONFIRM}"]
    campaign = fakes.admissions.campaigns["welcome"]
    ids = ids_of_coupon("welcome", 1, int(campaign.pending["42"]))
    assert context(collected.one(PRESS)) == ids
    assert found == ids[0]
    assert attributes(collected.one(PRESS)) == {
        "http.request.method": "POST",
        "http.route": ROUTE,
        "http.response.status_code": 202,
        "seonchak.outcome": "ACCEPTED",
        "seonchak.campaign_id": "welcome",
        "seonchak.request_id": "request-1",
        "seonchak.serial": 1,
    }


def test_the_record_names_the_span_that_sent_it(
    fakes: Fakes, collected: Collected, bearer: Bearer
) -> None:
    apply_handler(press(bearer("42")), None)
    [traceparent] = fakes.publisher.traceparents
    place = parse(traceparent)
    assert place is not None
    assert (place.trace_id, place.span_id) == context(collected.one(SEND))
    assert place.is_sampled


def test_a_press_that_is_repeated_while_pending_is_in_the_same_trace(
    collected: Collected, bearer: Bearer
) -> None:
    for _ in range(2):
        apply_handler(press(bearer("42")), None)
    [names] = collected.traces().values()
    assert names.count(PRESS) == 1
    assert names.count(f"{PRESS} > {PRESS}") == 1
    assert names.count(f"{PRESS} > {SEND}") == 2


def test_a_refused_press_has_a_trace_of_its_own(collected: Collected, bearer: Bearer) -> None:
    outcomes = [json.loads(apply_handler(press(bearer(user)), None)["body"]) for user in "1234"]
    assert [one.get("code", "ACCEPTED") for one in outcomes[2:]] == ["SOLD_OUT", "SOLD_OUT"]
    assert len(collected.traces()) == 4
    refused = [attributes(span) for span in collected.named(PRESS)[2:]]
    assert [one["seonchak.outcome"] for one in refused] == ["SOLD_OUT", "SOLD_OUT"]
    assert [one["http.response.status_code"] for one in refused] == [409, 409]
    assert not [span for span in collected.spans if not span.status.is_unset]


@pytest.mark.parametrize("user", ["42", ""])
def test_a_caller_is_linked_to_and_decides_nothing(
    campaign: FakeCampaign, bearer: Bearer, user: str
) -> None:
    assert campaign
    assert CALLER is not None
    headers = bearer(user) if user else {}
    with collecting() as collected:
        apply_handler(press(headers, Traceparent=TRACEPARENT), None)
    assert links(collected.one(PRESS)) == [CALLER[:2]]
    assert CALLER.trace_id not in collected.traces()
    # It says "sampled", and here nothing is.
    with collecting(TraceSettings(is_on=True, sampler=SamplerName.PARENT_OR_OFF)) as collected:
        apply_handler(press(headers, Traceparent=TRACEPARENT), None)
    assert collected.names() == []


def test_what_is_not_sampled_is_not_recorded_and_its_record_says_so(
    fakes: Fakes, campaign: FakeCampaign, bearer: Bearer
) -> None:
    assert campaign
    settings = TraceSettings(is_on=True, sampler=SamplerName.PARENT_OR_RATIO, ratio=0.0)
    with collecting(settings) as collected:
        assert apply_handler(press(bearer("42")), None)["statusCode"] == 202
    assert collected.names() == []
    [traceparent] = fakes.publisher.traceparents
    place = parse(traceparent)
    assert place is not None
    assert place.trace_id == ids_of_coupon("welcome", 1, int(campaign.pending["42"]))[0]
    assert not place.is_sampled


def test_off_nothing_is_recorded_and_the_record_has_no_header(
    fakes: Fakes, campaign: FakeCampaign, bearer: Bearer
) -> None:
    assert campaign
    assert current.recorder is None
    apply_handler(press(bearer("42"), Traceparent=TRACEPARENT), None)
    assert fakes.publisher.traceparents == [""]


def test_a_batch_has_one_admission_that_is_linked_to_each_request(
    collected: Collected, bearer: Bearer
) -> None:
    answers = responses([press(bearer(user)) for user in "1234"])
    assert sorted(one["statusCode"] for one in answers) == [202, 202, 409, 409]
    presses = collected.named(PRESS)
    assert len({trace_id(one) for one in presses}) == 4
    [group] = [span for span in collected.named(ADMIT) if span.parent is None]
    assert sorted(links(group)) == sorted(map(context, presses))
    assert attributes(group)["db.operation.batch.size"] == 4
    own = [span for span in collected.named(ADMIT) if span.parent is not None]
    assert sorted(map(trace_id, own)) == sorted(map(trace_id, presses))
    assert [links(span) for span in own] == [[context(group)]] * 4


def test_where_kafka_gives_no_ack_the_direct_write_is_in_the_trace(
    fakes: Fakes, collected: Collected, bearer: Bearer
) -> None:
    fakes.publisher.acknowledges = False
    assert apply_handler(press(bearer("42")), None)["statusCode"] == 202
    [names] = collected.traces().values()
    steps = [ADMIT, SEND, "INSERT coupon", "EVALSHA admission/settle"]
    assert names == [PRESS, *(f"{PRESS} > {step}" for step in steps)]
    assert attributes(collected.one(SEND))["error.type"] == "_OTHER"
    assert collected.one(SEND).status.status_code is StatusCode.ERROR
    assert collected.one(PRESS).status.is_unset


def test_a_failure_of_ours_is_an_error_and_is_named_by_its_code(
    fakes: Fakes, collected: Collected, bearer: Bearer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_: object) -> None:
        message = "redis://:the-password@10.0.0.1"
        raise UnavailableError(message)

    monkeypatch.setattr(fakes.admissions, "admit_all", unreachable)
    assert apply_handler(press(bearer("42")), None)["statusCode"] == 503
    assert attributes(collected.one(PRESS))["error.type"] == "UNAVAILABLE"
    assert attributes(collected.one(ADMIT))["error.type"] == "UnavailableError"
    assert "the-password" not in collected.text()


def test_no_user_no_token_and_no_path_with_values_is_in_a_span(
    fakes: Fakes, collected: Collected, bearer: Bearer
) -> None:
    headers = bearer("a-users-own-id", claim="a-claim")
    list(apply_batch([press(headers), press(bearer("another-users-id"))]))
    fakes.publisher.acknowledges = False
    apply_handler(press(headers) | {"path": "/campaigns/welcome/apply"}, None)
    exported = collected.text()
    assert len(collected.named(PRESS)) == 3
    for secret in ("a-users-own-id", "another-users-id", headers["Authorization"][7:], "a-claim"):
        assert secret not in exported
    assert "/campaigns/welcome" not in exported


def test_probes_are_not_traced_and_other_calls_are(collected: Collected) -> None:
    health_handler({"resource": "/health", "httpMethod": "GET"}, None)
    assert collected.names() == []
    call = {"httpMethod": "GET", "resource": "/campaigns/{id}", "pathParameters": {"id": "Ω"}}
    campaign_handler(call, None)
    [span] = collected.spans
    assert span.name == "GET /campaigns/{id}"
    assert attributes(span)["http.response.status_code"] == 404
    assert "seonchak.campaign_id" not in attributes(span)


@pytest.mark.parametrize("method", ["BREW", None, 7, ["POST"]])
def test_a_forged_event_gets_its_answer_and_a_span(collected: Collected, method: object) -> None:
    forged = {"httpMethod": method, "resource": 7, "headers": {}, "pathParameters": None}
    assert apply_handler(forged, None)["statusCode"] == 401
    assert attributes(collected.spans[0])["http.request.method"] == "_OTHER"


def test_the_route_is_found_where_chalice_local_has_it(collected: Collected) -> None:
    call = {"requestContext": {"resourcePath": "/campaigns/{id}", "httpMethod": "GET"}}
    campaign_handler(call, None)
    assert collected.names() == ["GET /campaigns/{id}"]


def test_an_answer_from_memory_has_a_span_that_names_outcome_and_caller(
    collected: Collected,
) -> None:
    assert current.recorder is not None
    assert CALLER is not None
    body = b'{"code": "SOLD_OUT", "request_id": "1"}'
    arguments = ("POST", ROUTE), [TRACEPARENT], (409, body), NOW_MS * 1_000_000
    record_from_memory(current.recorder, *arguments)
    [span] = collected.spans
    assert attributes(span) == {
        "http.request.method": "POST",
        "http.route": ROUTE,
        "http.response.status_code": 409,
        "seonchak.outcome": "SOLD_OUT",
    }
    assert links(span) == [CALLER[:2]]
    record_from_memory(current.recorder, ("GET", "/ready"), [], (200, b"{}"), 1)
    assert len(collected.spans) == 1
