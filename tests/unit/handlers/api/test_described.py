"""What compares the answers in tests with the document notices every kind of difference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.described import UndescribedError, check_answer

APPLY = "/campaigns/welcome/apply"
JSON = {"Content-Type": "application/json", "Cache-Control": "no-store"}
PROBLEM = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
ACCEPTED = {"campaign_id": "welcome", "user_id": "42", "outcome": "ACCEPTED", "serial": 7}


def problem(status: int, code: str, **more: object) -> dict[str, Any]:
    common = {"type": "about:blank", "title": "", "detail": "", "request_id": "1"}
    return {**common, "status": status, "code": code, **more}


def test_an_answer_as_it_is_described_passes() -> None:
    check_answer("POST", APPLY, 202, JSON, ACCEPTED)
    check_answer("POST", "/campaigns/{id}/apply", 202, JSON, ACCEPTED)
    sold_out = problem(409, "SOLD_OUT")
    check_answer("POST", APPLY, 409, PROBLEM, sold_out)
    check_answer("POST", APPLY, 409, PROBLEM | {"Retry-After": "3"}, problem(409, "NOT_OPEN"))
    check_answer("HEAD", "/health", 200, JSON, "")
    check_answer("GET", "/nothing", 404, PROBLEM, problem(404, "NOT_FOUND"))


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (202, JSON, ACCEPTED | {"serial": "7"}),
        (202, JSON, ACCEPTED | {"more": 1}),
        (202, JSON, {"campaign_id": "welcome"}),
        (202, JSON | {"Retry-After": "1"}, ACCEPTED),
        (202, JSON | {"Content-Type": "text/plain"}, "ACCEPTED"),
        (202, {"Content-Type": "application/json"}, ACCEPTED),
        (201, JSON, ACCEPTED),
        (502, JSON, {"message": "Internal server error"}),
        (409, PROBLEM, problem(409, "CAMPAIGN_EXISTS")),
        (409, PROBLEM, problem(404, "SOLD_OUT")),
        (409, PROBLEM, problem(409, "SOLD_OUT", more="")),
        (409, PROBLEM | {"Retry-After": "soon"}, problem(409, "NOT_OPEN")),
        (503, PROBLEM, problem(503, "UNAVAILABLE")),
        (401, PROBLEM, problem(401, "UNAUTHENTICATED")),
        (404, JSON, problem(404, "NOT_FOUND")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_answer_that_is_not_described_is_noticed(
    status: int, headers: dict[str, str], body: object
) -> None:
    with pytest.raises(UndescribedError):
        check_answer("POST", APPLY, status, headers, body)
