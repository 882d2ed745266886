"""Which handler a request goes to, and the response when there is none."""

from __future__ import annotations

import pytest

from local.gateway.app import make_application
from local.gateway.routing import RouteTable
from tests.support.rsgi import Route, Scope, ask, echo


def test_an_unknown_path_is_a_problem_with_its_code() -> None:
    reply = ask(Scope("GET", "/nowhere"), Route("GET", "/", echo))
    assert reply.status == 404
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this path.",
        "code": "NOT_FOUND",
        "request_id": reply.headers["x-amzn-requestid"],
    }


def test_a_method_that_a_path_lacks_is_refused_with_those_it_has() -> None:
    routes = Route("GET", "/a", echo), Route("POST", "/a", echo)
    reply = ask(Scope("DELETE", "/a"), *routes)
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, HEAD, POST"
    assert reply.json()["code"] == "METHOD_NOT_ALLOWED"


def test_head_goes_where_get_goes() -> None:
    event = ask(Scope("HEAD"), Route("GET", "/", echo)).json()
    assert event["httpMethod"] == event["requestContext"]["httpMethod"] == "HEAD"


def test_a_literal_path_wins_over_one_with_a_parameter() -> None:
    routes = Route("GET", "/a/{id}", echo), Route("GET", "/a/b", echo)
    assert ask(Scope("GET", "/a/b"), *routes).json()["resource"] == "/a/b"
    assert ask(Scope("GET", "/a/c"), *routes).json()["resource"] == "/a/{id}"
    assert ask(Scope("GET", "/a/"), *routes).status == 404


def test_one_slash_at_the_end_is_ignored_and_stays_in_the_event_as_on_api_gateway() -> None:
    routes = Route("GET", "/a", echo), Route("GET", "/a/{id}", echo), Route("GET", "/", echo)
    event = ask(Scope("GET", "/a/"), *routes).json()
    assert (event["resource"], event["path"]) == ("/a", "/a/")
    assert ask(Scope("GET", "/a/b/"), *routes).json()["pathParameters"] == {"id": "b"}
    assert ask(Scope("GET", "/"), *routes).json()["resource"] == "/"


@pytest.mark.parametrize("path", ["//", "//a", "/a//", "/a//b", "/a/b//"])
def test_every_other_slash_counts_and_no_parameter_is_empty(path: str) -> None:
    routes = Route("GET", "/a", echo), Route("GET", "/a/{id}", echo), Route("GET", "/", echo)
    assert ask(Scope("GET", path), *routes).status == 404


@pytest.mark.parametrize("paths", [("/a", "/a"), ("/{id+}",), ("/{}",)])
def test_a_table_that_cannot_be_served_is_refused_at_once(paths: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="/"):
        make_application([Route("GET", path, echo) for path in paths])


def test_a_path_that_names_a_user_is_not_remembered() -> None:
    table = RouteTable([Route("DELETE", "/users/{user_id}", echo), Route("GET", "/a/{id}", echo)])
    for path in ("/a/1", "/users/someone", "/users/someone"):
        found = table.match(path)
        assert found
        assert found[0].path.startswith(path.rpartition("/")[0])
    assert table._cached_match.cache_info().currsize == 1
