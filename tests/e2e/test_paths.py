"""HEAD, slashes and percent-encoding: one answer on the gateway and on `chalice local`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local.servers.ports import free_port
from tests.e2e.conftest import chalice_local, gateway, responds
from tests.support.http_client import Call, Client
from tests.support.programs import running_command
from tests.support.service import ADMIN, campaign_body
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.service import Response

# {id} is a campaign that exists; {%id} the same with its first letter percent-encoded.
CASES = {
    "GET /health": 200,
    "HEAD /health": 200,
    "HEAD /campaigns": 200,
    "HEAD /campaigns/{id}": 200,
    "HEAD /campaigns/none": 404,
    "HEAD /campaigns/{id}/coupon": 401,
    "HEAD /campaigns/{id}/apply": 405,
    "HEAD /": 404,
    "GET /": 404,
    "OPTIONS /health": 405,
    "DELETE /campaigns": 405,
    "TRACE /health": 405,
    "PURGE /health": 405,
    "PURGE /nothing": 404,
    "GET /nothing": 404,
    "HEAD /nothing": 404,
    # A slash at the end.
    "GET /health/": 200,
    "HEAD /health/": 200,
    "GET /campaigns/": 200,
    "GET /campaigns/{id}/": 200,
    "GET /campaigns/{id}/?a=1": 200,
    "POST /campaigns/{id}/apply/": 401,
    "GET /nothing/": 404,
    # More slashes than that.
    "GET //health": 404,
    "GET ///health": 404,
    "GET /health//": 404,
    "GET //": 404,
    "GET /campaigns//": 404,
    "GET /campaigns//{id}": 404,
    "POST /campaigns//apply": 404,
    "POST /campaigns/{id}//apply": 404,
    "GET http://example.com/health": 200,
    "GET http://example.com//health": 404,
    # Percent-encoded: decoded once, as a whole.
    "GET /%68ealth": 200,
    "GET /%68ealth/": 200,
    "GET /%2568ealth": 404,
    "GET /%2fhealth": 404,
    "GET /health%2F": 200,
    "GET /campaigns/{%id}": 200,
    "GET /campaigns%2F{id}": 200,
    "POST /campaigns/{%id}/apply": 401,
    "GET /campaigns/a%20b": 404,
    "GET /campaigns/%EC%BF%A0%ED%8F%B0": 404,
    "GET /campaigns/%ff": 404,
    "GET /campaigns/%": 404,
    "GET /campaigns/%zz": 404,
    "GET /campaigns/%00": 404,
    "GET /campaigns/{id}%3Fa=1": 404,
    "GET /campaigns/{id};a=1": 404,
    # Dots mean nothing.
    "GET /./health": 404,
    "GET /campaigns/..": 404,
    "GET /campaigns/../health": 404,
    # Pages and their files.
    "GET /console": 200,
    "HEAD /docs": 200,
    "GET /events/{id}/": 200,
    "GET /events/": 404,
    "POST /console": 405,
    "GET /web/config.json": 200,
    "GET /web/": 404,
    "GET /web/0123456789abcdef/shared/none.js": 404,
    "GET /web/0123456789abcdef/../app.py": 404,
    "GET /web/0123456789abcdef/shared/..%2f..%2fapp.py": 404,
    "GET /web/0123456789abcdef/..%2f/app.py": 404,
    "GET /sign-in": 405,
    "POST /sign-in": 400,
}
# These differ from call to call.
OF_ONE_CALL = {"Date", "Server", "X-Amzn-Requestid", "Connection"}


def create(client: Client, campaign_id: str) -> None:
    call = Call("POST", "/campaigns", "admin", ADMIN, campaign_body(campaign_id))
    assert client.send(call).status in {200, 201}


def answers(client: Client, campaign_id: str) -> dict[str, Any]:
    """Each case, one after the other over one connection."""
    encoded = f"%{ord(campaign_id[0]):02x}{campaign_id[1:]}"
    found = {}
    for case in CASES:
        method, path = case.replace("{id}", campaign_id).replace("{%id}", encoded).split()
        found[case] = comparable(client.send(Call(method, path)))
    return found


def comparable(response: Response) -> Any:
    headers = {name: text for name, text in response.headers.items() if name not in OF_ONE_CALL}
    if "Etag" in headers:  # the version, and the moment
        headers["Etag"] = headers["Etag"].partition("-")[0]
    body = response.body
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in {"request_id", "now"}}
    return response.status, headers, body


@contextmanager
def chalice_by_itself(environment: dict[str, str]) -> Iterator[Client]:
    port = free_port()
    command = (str(Path(sys.executable).with_name("chalice")), "local", "--stage", "local")
    arguments = ("--port", str(port), "--no-autoreload")
    with running_command(*command, *arguments, environment=environment), Client(port) as client:
        client.is_described = False
        eventually(lambda: responds(port), "chalice local answers")
        yield client


def test_both_homes_answer_the_same(world: dict[str, str], campaign_id: str) -> None:
    with gateway(world) as ours, chalice_local(world) as chalice:
        create(ours, campaign_id)
        expected, found = answers(ours, campaign_id), answers(chalice, campaign_id)
    assert {case: answer[0] for case, answer in expected.items()} == CASES
    assert found == expected


@pytest.mark.parametrize("server", [gateway, chalice_local])
def test_head_has_the_headers_of_get_and_no_body(
    world: dict[str, str], campaign_id: str, server: Any
) -> None:
    with server(world) as client:
        create(client, campaign_id)
        for path in ("/health", "/campaigns", f"/campaigns/{campaign_id}", "/nothing"):
            got, head = (client.send(Call(method, path)) for method in ("GET", "HEAD"))
            assert comparable(head) == (got.status, comparable(got)[1], "")
            assert int(head.headers["Content-Length"]) > 0


def test_control_chalices_command_by_itself_answers_in_another_way(
    world: dict[str, str], campaign_id: str
) -> None:
    with gateway(world) as ours, chalice_by_itself(world) as chalice:
        create(ours, campaign_id)
        different = {
            f"{method} {path}": chalice.send(Call(method, path)).status
            for method, path in (
                ("GET", "//health"),
                ("GET", "/nothing"),
                ("GET", "/%68ealth"),
            )
        }
        assert not set(different.items()) & set(CASES.items())
        # Its HEAD leaves a body behind, which the next response seems to begin with.
        chalice.send(Call("HEAD", "/health"))
        with pytest.raises(Exception, match="status"):
            chalice.send(Call("GET", "/health"))
