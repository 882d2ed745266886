"""An administrator's calls on webhooks: create, read, change, delete, rotate, look back, replay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from handlers import wiring
from handlers.webhook_sender import webhook_minute_handler
from local.lambda_context import LambdaContext
from tests.support.receiver import (
    NOTHING,
    admin,
    issue,
    let_pass,
    receiver,
    send,
    subscribe,
)
from tests.support.service import ask, create_campaign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.config import Settings
    from tests.support.receiver import Receiver

URL = "https://shop.example/hook?key=1"
ISSUED = ["coupon.issued"]
NOWHERE = "wh_" + "0" * 24
CALLS = (
    "GET /webhooks",
    "POST /webhooks",
    "GET /webhooks/{webhook}",
    "PATCH /webhooks/{webhook}",
    "DELETE /webhooks/{webhook}",
    "POST /webhooks/{webhook}/secret",
    "GET /webhooks/{webhook}/deliveries",
    "POST /webhooks/{webhook}/deliveries/{event}/replay",
    "POST /webhooks/{webhook}/replay",
)


@pytest.fixture
def shop(service: Settings, campaign_id: str) -> Iterator[Receiver]:
    create_campaign(campaign_id)
    with receiver() as made:
        yield made


def get(webhook: str) -> dict[str, object]:
    found = admin("GET /webhooks/{webhook}", webhook=webhook)
    assert found.status == 200
    assert isinstance(found.body, dict)
    return found.body


@pytest.mark.usefixtures("service")
def test_a_webhook_is_shown_with_its_secret_at_its_creation_only() -> None:
    made = admin("POST /webhooks", {"url": URL, "kinds": ISSUED, "description": "가게"})
    assert made.status == 201
    secret = made.body.pop("secret")
    assert secret.startswith("whsec_")
    webhook = made.body["id"]
    assert made.body | {"created_at": ""} == {
        "id": webhook,
        "url": URL,
        "kinds": ISSUED,
        "description": "가게",
        "state": "ACTIVE",
        "secrets": 1,
        "previous_secret_until": None,
        "failures": 0,
        "created_at": "",
    }
    assert get(webhook) == made.body
    assert admin("GET /webhooks").body == {"webhooks": [made.body], "next_after": None}


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("call", CALLS)
def test_only_an_administrator_may_call(call: str) -> None:
    path = {"webhook": NOWHERE, "event": "coupon_issued:welcome:1"}
    assert ask(call, path=path).code == "UNAUTHENTICATED"
    assert ask(call, user="a-user", path=path).code == "FORBIDDEN"


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize("call", CALLS[2:])
def test_an_unknown_or_deleted_webhook_is_not_found(call: str) -> None:
    deleted = subscribe(URL).id
    assert admin("DELETE /webhooks/{webhook}", webhook=deleted).status == 200
    body = {"since": "2026-01-01T00:00:00Z"} if call.endswith("}/replay") else {}
    if call.startswith("PATCH"):
        body = {"description": "x"}
    for webhook in (deleted, NOWHERE, "welcome", ""):
        event = "coupon_issued:welcome:1"
        found = admin(call, body, webhook=webhook, event=event)
        assert (found.status, found.code) == (404, "WEBHOOK_NOT_FOUND")
    assert admin("GET /webhooks").body["webhooks"] == []


@pytest.mark.usefixtures("service")
def test_webhooks_come_in_pages_by_id() -> None:
    ids = sorted(subscribe(URL).id for _ in range(3))
    first = admin("GET /webhooks", query={"limit": "2"}).body
    assert ([one["id"] for one in first["webhooks"]], first["next_after"]) == (ids[:2], ids[1])
    rest = admin("GET /webhooks", query={"limit": "2", "after": ids[1]}).body
    assert ([one["id"] for one in rest["webhooks"]], rest["next_after"]) == (ids[2:], None)
    assert admin("GET /webhooks", query={"after": "x"}).code == "INVALID_REQUEST"


@pytest.mark.usefixtures("service")
def test_no_more_webhooks_are_active_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.adapters.mysql.webhooks.WEBHOOKS_MAX", 2)
    first, _ = subscribe(URL), subscribe(URL)
    refused = admin("POST /webhooks", {"url": URL, "kinds": ISSUED})
    assert (refused.status, refused.code) == (409, "TOO_MANY_WEBHOOKS")
    off = admin("PATCH /webhooks/{webhook}", {"active": False}, webhook=first.id)
    assert off.body["state"] == "OFF"
    subscribe(URL)
    again = admin("PATCH /webhooks/{webhook}", {"active": True}, webhook=first.id)
    assert again.code == "TOO_MANY_WEBHOOKS"
    assert get(first.id)["state"] == "OFF"


def test_a_changed_webhook_is_sent_what_it_wants_now(shop: Receiver, campaign_id: str) -> None:
    webhook = subscribe("http://127.0.0.1:1/", "coupon.revoked").id
    changed = admin(
        "PATCH /webhooks/{webhook}", {"url": shop.url, "kinds": ISSUED}, webhook=webhook
    )
    assert (changed.body["url"], changed.body["kinds"]) == (shop.url, ISSUED)
    issue(campaign_id, 1)
    assert send()["delivered"] == 1
    for active, sent in ((False, 0), (True, 1)):
        admin("PATCH /webhooks/{webhook}", {"active": active}, webhook=webhook)
        issue(campaign_id, 2 + active)
        assert send()["delivered"] == sent


def test_another_address_is_tried_at_once(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    webhook = subscribe("http://127.0.0.1:1/", *ISSUED).id
    issue(campaign_id, 1)
    assert send() == NOTHING | {"failed": 1}
    issue(campaign_id, 2)
    assert send() == NOTHING  # the receiver's pause
    admin("PATCH /webhooks/{webhook}", {"url": shop.url}, webhook=webhook)
    assert send() == NOTHING | {"delivered": 1}


def test_while_a_secret_is_rotated_both_verify_and_then_only_the_new_one(
    service: Settings, shop: Receiver, campaign_id: str
) -> None:
    made = subscribe(shop.url, *ISSUED)
    rotated = admin(
        "POST /webhooks/{webhook}/secret", {"previous_secret_s": 600}, webhook=made.id
    ).body
    assert rotated["secrets"] == 2
    issue(campaign_id, 1)
    send()
    let_pass(service, 601)
    issue(campaign_id, 2)
    send()
    during, after = shop.received
    assert during.is_signed_by(made.secret)
    assert during.is_signed_by(rotated["secret"])
    assert not after.is_signed_by(made.secret)
    assert after.is_signed_by(rotated["secret"])
    assert len(during.headers["webhook-signature"].split()) == 2
    assert get(made.id)["previous_secret_until"] is None


def test_a_rotation_whose_answer_was_lost_is_repeated_and_the_receivers_secret_still_verifies(
    shop: Receiver, campaign_id: str
) -> None:
    made = subscribe(shop.url, *ISSUED)
    secrets = [made.secret]
    for _ in range(2):
        answer = admin("POST /webhooks/{webhook}/secret", webhook=made.id)
        secrets.append(answer.body["secret"])
    issue(campaign_id, 1)
    send()
    assert all(shop.received[0].is_signed_by(secret) for secret in secrets)
    assert len(set(secrets)) == 3


def test_a_secret_that_leaked_ends_at_once(shop: Receiver, campaign_id: str) -> None:
    made = subscribe(shop.url, *ISSUED)
    new = admin("POST /webhooks/{webhook}/secret", {"previous_secret_s": 0}, webhook=made.id).body
    assert (new["secrets"], new["previous_secret_until"]) == (1, None)
    issue(campaign_id, 1)
    send()
    assert not shop.received[0].is_signed_by(made.secret)
    assert shop.received[0].is_signed_by(new["secret"])


@pytest.mark.usefixtures("service")
def test_without_a_secret_no_webhook_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_SECRET", "")
    wiring.reset()
    refused = admin("POST /webhooks", {"url": URL, "kinds": ISSUED})
    assert refused.status == 400
    assert refused.body["detail"] == "webhooks: this service has no WEBHOOK_SECRET"


def test_on_lambda_the_function_goes_on_for_its_time_and_ends_at_once_without_webhooks(
    shop: Receiver, campaign_id: str
) -> None:
    assert webhook_minute_handler({}, LambdaContext("webhook_handler", 3600)) == NOTHING
    subscribe(shop.url, *ISSUED)
    issue(campaign_id, 1)
    done = webhook_minute_handler({}, LambdaContext("webhook_handler", 21.5))
    assert done == NOTHING | {"delivered": 1}
