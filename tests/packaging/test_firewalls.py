"""What the firewalls answer by themselves: a problem like ours, with when to come again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.edge.http.response import STATUS, problem
from tests.support.rendered import Stack
from tests.support.templates import template

EACH = pytest.mark.parametrize("name", ["application", "containers", "cdn"])
CODE = "TOO_MANY_REQUESTS"
ORIGINS = {"AllowedOrigins": "https://shop.example.com"}
NO_ORIGINS = {"AllowedOrigins": ""}


def firewall(name: str, parameters: dict[str, str]) -> dict[str, Any]:
    """Return a firewall as CloudFormation would make it, users' own addresses before it."""
    found = template(name)
    defaults = {key: str(each.get("Default", "")) for key, each in found["Parameters"].items()}
    properties: dict[str, Any] = Stack(found, defaults | parameters, {}).properties("Firewall")
    return properties


def refusal(made: dict[str, Any]) -> dict[str, Any]:
    [rule] = [rule for rule in made["Rules"] if rule["Name"] == "rate-per-address"]
    answer: dict[str, Any] = rule["Action"]["Block"]["CustomResponse"]
    return answer


def headers(answer: dict[str, Any]) -> dict[str, str]:
    found = {each["Name"]: each["Value"] for each in answer["ResponseHeaders"]}
    # AWS refuses a name twice.
    assert len(found) == len(answer["ResponseHeaders"])
    return found


@EACH
def test_an_address_that_sends_too_much_gets_a_problem_like_ours(name: str) -> None:
    made = firewall(name, NO_ORIGINS)
    answer = refusal(made)
    assert answer["ResponseCode"] == STATUS[CODE]
    body = made["CustomResponseBodies"][answer["CustomResponseBodyKey"]]
    assert body["ContentType"] == "APPLICATION_JSON"
    said = json.loads(body["Content"])
    ours = json.loads(problem(CODE, said["detail"], "request-1")["body"])
    del ours["request_id"]  # WAF has none to put in
    assert said == ours


def test_what_comes_past_cloudfront_to_the_load_balancer_gets_a_problem_too() -> None:
    found = template("containers")
    defaults = {key: str(each.get("Default", "")) for key, each in found["Parameters"].items()}
    made = Stack(found, defaults | {"OriginSecret": "x" * 32}, {}).properties("DoorListener")
    [action] = made["DefaultActions"]
    answer = action["FixedResponseConfig"]
    said = json.loads(answer["MessageBody"])
    ours = json.loads(problem("FORBIDDEN", said["detail"], "request-1")["body"])
    del ours["request_id"]
    assert said == ours
    assert int(answer["StatusCode"]) == STATUS["FORBIDDEN"]


@EACH
def test_it_learns_when_none_of_what_was_counted_counts_any_more(name: str) -> None:
    made = firewall(name, NO_ORIGINS)
    [rule] = [rule for rule in made["Rules"] if rule["Name"] == "rate-per-address"]
    window_s = rule["Statement"]["RateBasedStatement"]["EvaluationWindowSec"]
    assert headers(refusal(made)) == {"Cache-Control": "no-store", "Retry-After": str(window_s)}


@EACH
def test_pages_of_other_origins_read_it_where_origins_are_allowed(name: str) -> None:
    found = headers(refusal(firewall(name, ORIGINS)))
    assert found["Access-Control-Allow-Origin"] == "*"
    assert found["Access-Control-Expose-Headers"] == "Retry-After"
    assert "Content-Type" not in found  # AWS refuses this name


@EACH
def test_every_body_is_used_and_every_rule_that_names_one_has_it(name: str) -> None:
    made = firewall(name, ORIGINS)
    named = {
        rule["Action"]["Block"]["CustomResponse"]["CustomResponseBodyKey"]
        for rule in made["Rules"]
        if "CustomResponse" in rule.get("Action", {}).get("Block", {})
    }
    assert named == set(made["CustomResponseBodies"])
