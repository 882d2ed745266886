"""handlers/edge/http/response.py and endpoint.py: responses bit for bit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from handlers.config import ConfigurationError
from handlers.domain import errors
from handlers.domain.errors import ServiceError, UnavailableError
from handlers.edge.http.endpoint import endpoint
from handlers.edge.http.response import STATUS, json_response, problem, text_response

if TYPE_CHECKING:
    from handlers.edge.http.request import Request
    from tests.unit.conftest import LogLines

CONTRACT = {
    "NOT_FOUND": (404, "Not Found"),
    "METHOD_NOT_ALLOWED": (405, "Method Not Allowed"),
    "INVALID_REQUEST": (400, "Bad Request"),
    "UNAUTHENTICATED": (401, "Unauthorized"),
    "FORBIDDEN": (403, "Forbidden"),
    "NOT_ELIGIBLE": (403, "Forbidden"),
    "CHALLENGE_REQUIRED": (403, "Forbidden"),
    "CHALLENGE_FAILED": (403, "Forbidden"),
    "NO_CHALLENGE": (404, "Not Found"),
    "CAMPAIGN_NOT_FOUND": (404, "Not Found"),
    "NOT_APPLIED": (404, "Not Found"),
    "COUPON_NOT_FOUND": (404, "Not Found"),
    "RESERVED": (409, "Conflict"),
    "ALREADY_USED": (409, "Conflict"),
    "EXPIRED": (409, "Conflict"),
    "REVOKED": (409, "Conflict"),
    "NOT_YET_USABLE": (409, "Conflict"),
    "SOLD_OUT": (409, "Conflict"),
    "NOT_OPEN": (409, "Conflict"),
    "NEXT_RELEASE": (409, "Conflict"),
    "PAUSED": (409, "Conflict"),
    "CLOSED": (409, "Conflict"),
    "CAMPAIGN_EXISTS": (409, "Conflict"),
    "ERASURE_WAITS": (409, "Conflict"),
    "ALREADY_OPENED": (409, "Conflict"),
    "QUANTITY_TOO_LOW": (409, "Conflict"),
    "CAMPAIGN_NOT_CLOSED": (409, "Conflict"),
    "CAMPAIGN_NOT_SETTLED": (409, "Conflict"),
    "WEBHOOK_NOT_FOUND": (404, "Not Found"),
    "DELIVERY_NOT_FOUND": (404, "Not Found"),
    "WEBHOOK_OFF": (409, "Conflict"),
    "TOO_MANY_WEBHOOKS": (409, "Conflict"),
    "PRECONDITION_FAILED": (412, "Precondition Failed"),
    "PRECONDITION_REQUIRED": (428, "Precondition Required"),
    "PAYLOAD_TOO_LARGE": (413, "Content Too Large"),
    "TOO_MANY_REQUESTS": (429, "Too Many Requests"),
    "INTERNAL": (500, "Internal Server Error"),
    "UNAVAILABLE": (503, "Service Unavailable"),
}
SECRET = "postgres-password"
KINDS = [
    errors.InvalidRequestError,
    errors.UnauthenticatedError,
    errors.ForbiddenError,
    errors.CampaignNotFoundError,
    errors.NotAppliedError,
    errors.CampaignExistsError,
    errors.PayloadTooLargeError,
    errors.UnavailableError,
    errors.StaleStateError,
]


def raising(error: Exception, request_id: str = "request-1") -> dict[str, Any]:
    """Return the response of an endpoint that raises `error`."""

    @endpoint
    def some_handler(request: Request) -> dict[str, Any]:
        raise error

    return some_handler({"requestContext": {"requestId": request_id}}, None)


def test_every_code_of_the_contract_has_its_status() -> None:
    assert {code: int(status) for code, status in STATUS.items()} == {
        code: status for code, (status, _) in CONTRACT.items()
    }


@pytest.mark.parametrize("code", sorted(CONTRACT))
def test_a_problem_is_as_rfc_9457_and_the_contract_say(code: str) -> None:
    status, title = CONTRACT[code]
    response = problem(code, "What happened.", "request-1")
    assert response["statusCode"] == status
    assert response["body"] == (
        f'{{"type":"about:blank","title":"{title}","status":{status},'
        f'"detail":"What happened.","code":"{code}","request_id":"request-1"}}'
    )
    expected = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if status == 401:
        expected["WWW-Authenticate"] = "Bearer"
    assert response["headers"] == expected
    assert type(response["statusCode"]) is int


@pytest.mark.parametrize("seconds", [0, 1, 3600])
def test_a_problem_may_say_when_to_come_again(seconds: int) -> None:
    response = problem("NOT_OPEN", "Not yet.", "request-1", retry_after_s=seconds)
    assert response["headers"]["Retry-After"] == str(seconds)


def test_a_response_is_compact_json_that_no_cache_stores() -> None:
    assert json_response(200, {"a": [1, None]}) == {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store"},
        "body": '{"a":[1,null]}',
    }


def test_a_response_may_allow_a_cache() -> None:
    headers = json_response(200, {}, {"Cache-Control": "max-age=1"})["headers"]
    assert headers == {"Content-Type": "application/json", "Cache-Control": "max-age=1"}


def test_a_response_that_is_not_json_names_its_type() -> None:
    assert text_response(200, "a,b\r\n", "text/csv; charset=utf-8") == {
        "statusCode": 200,
        "headers": {"Content-Type": "text/csv; charset=utf-8", "Cache-Control": "no-store"},
        "body": "a,b\r\n",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_gives_a_response_with_its_code(kind: type[ServiceError]) -> None:
    response = raising(kind())
    body = json.loads(response["body"])
    assert response["statusCode"] == CONTRACT[kind.code][0] == body["status"]
    assert (body["code"], body["detail"]) == (kind.code, kind.__doc__)
    assert body["request_id"] == "request-1"
    asks_to_come_again = response["statusCode"] in {429, 503}
    assert response["headers"].get("Retry-After") == ("1" if asks_to_come_again else None)


def test_a_bug_shows_nothing_to_the_caller_and_its_stack_in_the_log(logged: LogLines) -> None:
    response = raising(RuntimeError(f"refused: {SECRET}"))
    assert response["statusCode"] == 500
    assert json.loads(response["body"])["detail"] == "Something went wrong on our side."
    assert SECRET not in response["body"] + logged.text
    fault, request = logged.lines
    assert (fault["level"], fault["error"]) == ("ERROR", "RuntimeError")
    assert any("raise" in frame or "test_response" in frame for frame in fault["stack"])
    assert request["status"] == 500


def test_a_wrong_setting_is_named_in_the_log_alone(logged: LogLines) -> None:
    response = raising(ConfigurationError("REDIS_URL is not set"))
    assert response["statusCode"] == 500
    assert "REDIS_URL" not in response["body"]
    assert logged.lines[0]["message"] == "some_handler: REDIS_URL is not set"
    assert logged.lines[1]["outcome"] == "INTERNAL"


@pytest.mark.parametrize("given", [SECRET.upper(), "x" * 10_000, "a\nb", "../etc", 7, None])
def test_what_can_be_no_campaign_stays_out_of_the_log(logged: LogLines, given: object) -> None:
    @endpoint
    def some_handler(request: Request) -> dict[str, Any]:
        return json_response(200, {})

    some_handler({"pathParameters": {"id": given}}, None)
    [line] = logged.lines
    assert (line["campaign_id"], line["outcome"]) == (None, "OK")


def test_the_cause_of_an_outage_is_logged_by_its_kind(logged: LogLines) -> None:
    error = UnavailableError("Redis gave no answer")
    error.__cause__ = ConnectionError(f"redis://:{SECRET}@host")
    response = raising(error)
    assert SECRET not in response["body"] + logged.text
    [line] = logged.lines
    assert (line["outcome"], line["cause"]) == ("UNAVAILABLE", "ConnectionError")


def test_a_request_leaves_one_line_with_its_id_status_and_time(logged: LogLines) -> None:
    @endpoint
    def some_handler(request: Request) -> dict[str, Any]:
        request.log_fields["outcome"] = "ACCEPTED"
        return json_response(202, {})

    event = {
        "requestContext": {"requestId": "request-1"},
        "pathParameters": {"id": "welcome"},
        "headers": {"Authorization": f"Bearer {SECRET}"},
        "body": SECRET,
    }
    assert some_handler(event, None)["statusCode"] == 202
    [line] = logged.lines
    assert line["message"] == "some_handler"
    assert (line["request_id"], line["campaign_id"]) == ("request-1", "welcome")
    assert (line["outcome"], line["status"]) == ("ACCEPTED", 202)
    assert line["duration_ms"] >= 0
    assert SECRET not in logged.text
