"""What exists before schemathesis begins: it can find no id of a coupon or an event by itself.

Calls that end something have things of their own, so that the other calls still find theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handlers.edge.http.web_files import web_files
from tests.support.http_client import Call
from tests.support.service import ADMIN, campaign_body
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.http_client import Client
    from tests.support.service import Response

    # For each parameter: the values that exist, by the operation that takes them; "": any other.
    Values = dict[str, dict[str, list[str]]]

USERS = [f"user-{number}" for number in range(8)]
BUYERS = [f"buyer-{number}" for number in range(16)]
LEAVERS = [f"leaver-{number}" for number in range(3)]
REVOKED = 3  # of the buyers' coupons
OPENS_AT, CLOSES_AT = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
KINDS = ["coupon.issued", "coupon.redeemed", "coupon.revoked"]


def prepare(client: Client, prefix: str) -> Values:
    """Create campaigns, coupons and webhooks; return the values of parameters that exist."""
    ids = _campaigns(client, prefix)
    told = _webhook(client)  # the first one: it is told of all coupons
    for user in USERS:
        _apply(client, ids["open"], user)
        _apply(client, ids["returned"], user)
    for user in (*BUYERS, *LEAVERS):
        _apply(client, ids["shop"], user)
    codes = _codes(client, ids["shop"], len(BUYERS) + len(LEAVERS))[: len(BUYERS)]
    own = {
        "changeCampaign": "changed",
        "archiveCampaign": "done",
        "giveCouponBack": "returned",
        "getChallenge": "puzzle",
    }
    others = ("open", "small", "later", "over", "members", "puzzle", "shop")
    events = _admin(client, "GET", f"/webhooks/{told}/deliveries").body["deliveries"]
    position = _admin(client, "GET", f"/campaigns/{ids['open']}/events").body["next_after"]
    return {
        "id": {call: [ids[name]] for call, name in own.items()}
        | {"": [ids[one] for one in others]},
        "code": {"revokeCoupon": codes[:REVOKED], "": codes[REVOKED:]},
        "order_id": {"": ["order-0", "order-1", "order-2"]},
        "user_id": {"": LEAVERS},
        "webhook": {
            "changeWebhook": [_webhook(client) for _ in range(2)],
            "deleteWebhook": [_webhook(client) for _ in range(6)],
            "": [told],
        },
        "event": {"": [one["event_id"] for one in events]},
        **{name: {"": [value]} for name, value in _page_file().items()},
        "after": {
            "listEvents": [position],
            "listDeliveries": [one["event_id"] for one in events],
        },
    }


def _page_file() -> dict[str, str]:
    return {"version": web_files().version, "folder": "shared", "file": "base.css"}


def _campaigns(client: Client, prefix: str) -> dict[str, str]:
    """Create a campaign in every state that an applicant can meet, and some to be ended."""
    bodies: dict[str, dict[str, Any]] = {
        "open": campaign_body("", 1_000_000),
        "small": campaign_body("", 1),
        "later": campaign_body("", opens_in_s=86_400),
        "over": campaign_body("", opens_in_s=-86_400),
        "members": campaign_body("") | {"eligibility": {"claim": "member", "equals": True}},
        "puzzle": campaign_body("") | {"challenge": {"max_number": 1000}},
        "shop": campaign_body(""),
        "returned": campaign_body(""),
        "changed": campaign_body("") | {"opens_at": OPENS_AT, "closes_at": CLOSES_AT},
        "done": campaign_body("", opens_in_s=-86_400),
    }
    for name, body in bodies.items():
        answer = _admin(client, "POST", "/campaigns", body | {"id": f"{prefix}-{name}"})
        assert answer.status == 201, answer
    return {name: f"{prefix}-{name}" for name in bodies}


def _webhook(client: Client) -> str:
    body = {"url": "https://receiver.example/coupons", "kinds": KINDS}
    answer = _admin(client, "POST", "/webhooks", body)
    assert answer.status == 201, answer
    return str(answer.body["id"])


def _apply(client: Client, campaign_id: str, user: str) -> None:
    answer = client.send(Call("POST", f"/campaigns/{campaign_id}/apply", user))
    assert answer.status == 202, answer


def _codes(client: Client, campaign_id: str, number: int) -> list[str]:
    """Return the codes of all coupons, as soon as they are written."""
    found: list[str] = []

    def are_written() -> bool:
        page = _admin(client, "GET", f"/campaigns/{campaign_id}/coupons").body["coupons"]
        found[:] = [one["code"] for one in page]
        return len(found) == number

    eventually(are_written, "all coupons are written")
    return found


def _admin(client: Client, method: str, path: str, body: object = None) -> Response:
    return client.send(Call(method, path, "admin", ADMIN, body))
