"""Webhooks over real sockets: made over HTTP, sent by the scheduler's program, read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import chalice_local, gateway, relayed_poll_runner
from tests.support.http_client import Call, Client
from tests.support.receiver import receiver
from tests.support.service import ADMIN, campaign_body
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.service import Response

SERVERS = {"gateway": gateway, "chalice local": chalice_local}


def admin(client: Client, method: str, path: str, body: Any = None) -> Response:
    return client.send(Call(method, path, "admin", ADMIN, body))


@pytest.mark.parametrize("server", SERVERS)
def test_a_coupon_is_sent_by_the_scheduler_to_the_webhook_that_was_made_over_http(
    world: dict[str, str], campaign_id: str, server: str
) -> None:
    with receiver() as shop, relayed_poll_runner(world), SERVERS[server](world) as client:
        made = admin(client, "POST", "/webhooks", {"url": shop.url, "kinds": ["coupon.issued"]})
        assert made.status == 201
        one = f"/webhooks/{made.body['id']}"
        assert admin(client, "POST", "/campaigns", campaign_body(campaign_id)).status == 201
        assert client.send(Call("POST", f"/campaigns/{campaign_id}/apply", "42")).status == 202
        eventually(lambda: bool(shop.received), "the event")
        content = shop.received[0].verified(made.body["secret"])
        assert (content["type"], content["data"]["user_id"]) == ("coupon.issued", "42")

        event = f"coupon_issued:{campaign_id}:1"
        eventually(lambda: _status(client, one) == [(event, "DELIVERED")], "the log")
        assert admin(client, "POST", f"{one}/deliveries/{event}/replay").status == 202
        eventually(lambda: shop.ids() == [event, event], "the same event again")

        changed = admin(client, "PATCH", one, {"active": False})
        assert (changed.status, changed.body["state"]) == (200, "OFF")
        assert admin(client, "DELETE", one).status == 200
        assert admin(client, "GET", one).code == "WEBHOOK_NOT_FOUND"


def _status(client: Client, one: str) -> list[tuple[str, str]]:
    page = admin(client, "GET", f"{one}/deliveries").body["deliveries"]
    return [(row["event_id"], row["status"]) for row in page]
