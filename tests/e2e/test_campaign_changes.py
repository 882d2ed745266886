"""Changes of a campaign over sockets, on both homes, while the gateway remembers rejections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import chalice_local, gateway
from tests.support.http_client import Call, Client
from tests.support.service import ADMIN, campaign_body

if TYPE_CHECKING:
    from tests.support.service import Response

HOMES = pytest.mark.parametrize("home", [gateway, chalice_local])
# More than its two processes have threads, so that each process is asked.
MANY = 40


def admin(client: Client, method: str, path: str, body: object = None, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.send(Call(method, path, "boss", ADMIN, body, named))


def apply_all(client: Client, campaign_id: str, first: int, count: int) -> list[str]:
    path = f"/campaigns/{campaign_id}/apply"
    calls = [Call("POST", path, f"user-{number}") for number in range(first, first + count)]
    return [one.code for one in client.send_all(calls, threads=4)]


@HOMES
def test_a_campaign_is_changed_and_archived(
    world: dict[str, str], campaign_id: str, home: Any
) -> None:
    path = f"/campaigns/{campaign_id}"
    with home(world) as client:
        body = campaign_body(campaign_id, 2)
        assert admin(client, "POST", "/campaigns", body).status == 201
        tag = client.send(Call("GET", path)).headers["Etag"]
        changed = admin(client, "PATCH", path, {"name": "쿠폰", "quantity": 3}, If_Match=tag)
        assert (changed.status, changed.body["name"], changed.body["quantity"]) == (200, "쿠폰", 3)
        assert changed.headers["Etag"] == '"2"'
        assert admin(client, "PATCH", path, {"quantity": 4}, If_Match=tag).status == 412
        assert admin(client, "PATCH", path, {"quantity": 4}).status == 428
        assert admin(client, "PATCH", path, {"closes_at": "now"}, If_Match='"2"').status == 200
        assert admin(client, "POST", f"{path}/archive").status == 200
        assert client.send(Call("GET", path)).status == 404


def test_no_process_of_the_gateway_remembers_that_it_was_sold_out_once_more_can_be_had(
    world: dict[str, str], campaign_id: str
) -> None:
    path = f"/campaigns/{campaign_id}"
    with gateway(world) as client:
        assert admin(client, "POST", "/campaigns", campaign_body(campaign_id, 1)).status == 201
        codes = apply_all(client, campaign_id, 0, MANY)
        assert sorted(codes) == ["ACCEPTED"] + ["SOLD_OUT"] * (MANY - 1)
        raised = admin(client, "PATCH", path, {"quantity": 1 + MANY}, If_Match="*")
        assert raised.status == 200
        assert apply_all(client, campaign_id, MANY, MANY) == ["ACCEPTED"] * MANY
        assert set(apply_all(client, campaign_id, 0, MANY)) == {"ALREADY_APPLIED", "SOLD_OUT"}
        closed = admin(client, "PATCH", path, {"closes_at": "now"}, If_Match="*")
        assert closed.status == 200
        assert set(apply_all(client, campaign_id, 2 * MANY, MANY)) <= {"SOLD_OUT", "CLOSED"}
        more = {"closes_at": "2040-01-01T00:00:00Z", "quantity": 1 + 2 * MANY}
        assert admin(client, "PATCH", path, more, If_Match="*").status == 200
        assert apply_all(client, campaign_id, 2 * MANY, MANY) == ["ACCEPTED"] * MANY
