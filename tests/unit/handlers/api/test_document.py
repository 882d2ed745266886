"""The OpenAPI document: whole, of the route table, with examples that are true."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from handlers.api import document as module
from handlers.api.document import VERSION, document, operations
from handlers.api.headers import HEADERS
from handlers.api.problems import EVERY_STATUS, MEDIA, RETRY_AFTER, codes_of, details
from handlers.domain.campaign import Campaign
from handlers.domain.errors import InvalidRequestError, ServiceError
from handlers.edge.http.admission import REJECTIONS
from handlers.edge.http.response import STATUS
from handlers.openapi import openapi_handler
from handlers.routes import ROUTES, Route
from tests.support.described import resolved
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLS = [f"{route.method} {route.path}" for route in ROUTES]
NEW = {
    "id": "welcome",
    "name": "Welcome",
    "quantity": 100,
    "opens_at": "2026-11-22T03:00:00Z",
    "closes_at": "2026-11-29T12:00:00+09:00",
}
# Each differs from NEW in something that the description has to say, and the service checks.
WRONG: list[dict[str, Any]] = [
    {"id": "-welcome"},
    {"id": "a" * 64},
    {"name": ""},
    {"name": " \u3000\u200b"},
    {"name": "a\nb"},
    {"name": "a\u202eb"},
    {"name": "a" * 201},
    {"quantity": 0},
    {"quantity": 10_000_001},
    {"quantity": "1"},
    {"quantity": True},
    {"opens_at": "1969-12-31T23:59:59Z"},
    {"opens_at": 1},
    {"rate_per_address": -1},
    {"rate_per_address": None},
    {"eligibility": {"claim": "member"}},
    {"eligibility": {"claim": "", "equals": True}},
    {"eligibility": {"claim": "member", "equals": None}},
    {"eligibility": {"claim": "member", "equals": 2**53}},
    {"challenge": {"max_number": 999}},
    {"challenge": {"max_number": 1000, "salt": ""}},
    {"color": "red"},
]
RIGHT: list[dict[str, Any]] = [
    {},
    {"name": "50\xa0%\u202f! 🎟"},
    {"name": "می\u200cرویم"},
    {"rate_per_address": 0},
    {"eligibility": {"claim": "tier", "equals": "gold"}},
    {"eligibility": {"claim": "age", "equals": 18.5}},
    {"challenge": {"max_number": 100_000}},
]


def in_document(call: str) -> dict[str, Any]:
    method, path = call.split()
    found: dict[str, Any] = document()["paths"][path][method.lower()]
    return found


def media_types(part: Any) -> Iterator[dict[str, Any]]:
    """Yield everything that has a schema and examples."""
    if isinstance(part, dict):
        if "schema" in part and "examples" in part:
            yield part
        for one in part.values():
            yield from media_types(one)
    elif isinstance(part, list):
        for one in part:
            yield from media_types(one)


def new_campaign() -> Draft202012Validator:
    return Draft202012Validator(resolved({"$ref": "#/components/schemas/NewCampaign"}))


def test_every_route_is_described_and_nothing_else_is() -> None:
    assert sorted(operations()) == sorted(CALLS)
    paths = document()["paths"]
    described = {
        f"{method.upper()} {path}"
        for path, item in paths.items()
        for method in item
        if method != "parameters"
    }
    assert described == set(CALLS)


def test_a_route_without_a_description_has_no_document(monkeypatch: pytest.MonkeyPatch) -> None:
    more = Route("GET", "/nothing-is-said-of-it", "openapi.openapi_handler")
    monkeypatch.setattr(module, "ROUTES", (*ROUTES, more))
    with pytest.raises(KeyError, match="/nothing-is-said-of-it"):
        document()


def test_a_route_that_takes_a_body_must_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Route("GET", "/health", "openapi.openapi_handler", takes_body=True)
    monkeypatch.setattr(module, "ROUTES", (other,))
    with pytest.raises(ValueError, match="takes_body"):
        document()


@pytest.mark.parametrize("call", CALLS)
def test_every_operation_says_what_it_does_and_who_may_call_it(call: str) -> None:
    found = in_document(call)
    assert found["summary"]
    assert found["description"].endswith(".")
    assert isinstance(found["security"], list)
    for parameter in found.get("parameters", []):
        assert parameter["description"]
    assert any(int(status) < 400 for status in found["responses"])


def test_the_names_for_generated_clients_are_unique() -> None:
    names = [operation.id for operation in operations().values()]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in names)


def test_every_code_of_an_error_or_a_rejection_is_named_by_an_operation() -> None:
    named = {
        code
        for operation in operations().values()
        for codes in codes_of(operation).values()
        for code in codes
    }
    # A method that a path does not have is no operation.
    assert named >= set(STATUS) - {"METHOD_NOT_ALLOWED"}
    assert {code for code in EVERY_STATUS if not details()[code]} == set()


def test_every_error_class_has_a_status() -> None:
    def all_of(one: type[ServiceError]) -> Iterator[type[ServiceError]]:
        for below in one.__subclasses__():
            yield below
            yield from all_of(below)

    assert {one.code for one in all_of(ServiceError) if one.__module__.startswith("handlers")} <= {
        *STATUS
    }
    assert {outcome.value for outcome in REJECTIONS} <= {*STATUS}


@pytest.mark.parametrize("call", CALLS)
def test_a_problem_of_an_operation_has_its_status_its_codes_and_its_headers(call: str) -> None:
    operation = operations()[call]
    again = RETRY_AFTER - {*operation.final}
    for status, codes in codes_of(operation).items():
        problem = resolved(in_document(call)["responses"][str(status.value)])
        schema = problem["content"][MEDIA]["schema"]
        assert schema["properties"]["status"]["const"] == status
        assert schema["properties"]["code"]["enum"] == codes
        assert ("Retry-After" in problem.get("headers", {})) == bool(again & set(codes))
        assert ("WWW-Authenticate" in problem.get("headers", {})) == (status == 401)


def test_every_example_is_one_of_its_schema() -> None:
    found = list(media_types(document()))
    assert len(found) > 20
    for media in found:
        for name, example in media["examples"].items():
            errors = list(
                Draft202012Validator(resolved(media["schema"])).iter_errors(example["value"])
            )
            assert errors == [], name


def test_control_an_example_with_a_member_too_many_is_noticed() -> None:
    schema = resolved({"$ref": "#/components/schemas/Alive"})
    assert list(Draft202012Validator(schema).iter_errors({"status": "ok", "more": 1}))


def test_every_schema_and_header_that_is_referred_to_is_there_and_none_is_left_over() -> None:
    components = document()["components"]
    text = json.dumps(document())
    for kind in ("schemas", "responses", "headers"):
        referred = set(re.findall(rf'"#/components/{kind}/([^"]+)"', text))
        assert referred - {*components[kind]} == set()
        assert {*components[kind]} - referred == ({"Problem"} if kind == "schemas" else set())
    assert set(HEADERS) == set(components["headers"])


@pytest.mark.parametrize("change", RIGHT, ids=ascii)
def test_what_the_description_allows_the_service_takes(change: dict[str, Any]) -> None:
    body = NEW | change
    assert list(new_campaign().iter_errors(body)) == []
    assert Campaign.from_request(body).id == body["id"]


@pytest.mark.parametrize("change", WRONG, ids=ascii)
def test_what_the_service_refuses_the_description_does_not_allow(change: dict[str, Any]) -> None:
    body = NEW | change
    assert list(new_campaign().iter_errors(body))
    with pytest.raises(InvalidRequestError):
        Campaign.from_request(body)


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == VERSION


def test_the_handler_gives_the_document_to_caches_and_clients() -> None:
    response = openapi_handler({}, None)
    assert (response["statusCode"], response["headers"]["Content-Type"]) == (
        200,
        "application/json",
    )
    assert response["headers"]["Cache-Control"] == "max-age=300"
    assert json.loads(response["body"]) == document()
