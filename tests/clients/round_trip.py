"""One round trip with a client that was generated of docs/openapi.json: round_trip.py URL ID.

Runs in .venv-api. Every name and type in here is checked by mypy against the generated code.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime

from seonchak_client import AuthenticatedClient, Client
from seonchak_client.api.applying import apply, get_my_coupon, give_coupon_back
from seonchak_client.api.campaigns import (
    change_campaign,
    create_campaign,
    get_campaign,
    get_campaign_stats,
    list_campaigns,
)
from seonchak_client.api.redemption import (
    cancel_redemption,
    get_coupon,
    redeem_coupon,
    release_coupon,
    reserve_coupon,
)
from seonchak_client.api.webhooks import create_webhook, delete_webhook, list_webhooks
from seonchak_client.models import (
    Application,
    Apply409Problem,
    Apply409ProblemCode,
    Campaign,
    CampaignChange,
    CampaignPage,
    CampaignStatus,
    CampaignStatusState,
    ChangedCampaign,
    CouponIssuedEvent,
    DeletedWebhook,
    GivenBack,
    HeldCoupon,
    HeldCouponState,
    NewCampaign,
    NewRedemption,
    NewReservation,
    NewWebhook,
    NewWebhookKindsItem,
    OwnCoupon,
    PreconditionFailedProblem,
    RedeemCoupon409Problem,
    RedeemCoupon409ProblemCode,
    UnauthenticatedProblem,
    WebhookPage,
    WebhookWithSecret,
)

WAIT_S = 60.0
RECHECK_S = 0.1
ORDER = "order-1"


def main(url: str, campaign_id: str) -> None:
    """Call most of what there is; raise AssertionError for another answer than expected."""
    admin = AuthenticatedClient(url, os.environ["ADMIN_TOKEN"])
    user = AuthenticatedClient(url, os.environ["USER_TOKEN"])
    shop = AuthenticatedClient(url, os.environ["SHOP_TOKEN"])
    _apply(admin, user, url, campaign_id)
    _change(admin, campaign_id)
    _use(shop, _issued(user, campaign_id))
    given_back = give_coupon_back.sync(campaign_id, client=user)
    assert isinstance(given_back, GivenBack), given_back
    assert (given_back.serial, given_back.state) == (1, "REVOKED")
    _webhooks(admin)


def _apply(
    admin: AuthenticatedClient, user: AuthenticatedClient, url: str, campaign_id: str
) -> None:
    anyone = Client(url)

    new = NewCampaign(
        id=campaign_id,
        name="Python",
        quantity=1,
        opens_at=datetime(2020, 1, 1, tzinfo=UTC),
        closes_at=datetime(2100, 1, 1, tzinfo=UTC),
    )
    created = create_campaign.sync(client=admin, body=new)
    assert isinstance(created, Campaign), created
    assert (created.quantity, created.opens_at) == (1, new.opens_at)

    accepted = apply.sync_detailed(campaign_id, client=user)
    assert isinstance(accepted.parsed, Application), accepted
    assert (accepted.status_code, accepted.parsed.serial) == (202, 1)
    again = apply.sync(campaign_id, client=user)
    assert isinstance(again, Application), again
    assert again.outcome == "ALREADY_APPLIED"

    mine = get_my_coupon.sync(campaign_id, client=user)
    assert isinstance(mine, OwnCoupon), mine
    assert mine.serial == 1

    late = apply.sync(campaign_id, client=admin)
    assert isinstance(late, Apply409Problem), late
    assert late.code is Apply409ProblemCode.SOLD_OUT
    refused = get_campaign_stats.sync(campaign_id, client=AuthenticatedClient(url, "not-a-token"))
    assert isinstance(refused, UnauthenticatedProblem), refused

    status = get_campaign.sync(campaign_id, client=anyone)
    assert isinstance(status, CampaignStatus), status
    assert (status.remaining, status.state) == (0, CampaignStatusState.SOLD_OUT)
    page = list_campaigns.sync(client=anyone, limit=1000)
    assert isinstance(page, CampaignPage), page
    assert campaign_id in [one.id for one in page.campaigns]


def _change(admin: AuthenticatedClient, campaign_id: str) -> None:
    tag = get_campaign.sync_detailed(campaign_id, client=admin).headers["etag"]
    more = CampaignChange(quantity=2, name="More")
    changed = change_campaign.sync(campaign_id, client=admin, body=more, if_match=tag)
    assert isinstance(changed, ChangedCampaign), changed
    assert (changed.quantity, changed.name, changed.paused) == (2, "More", False)
    late = change_campaign.sync(campaign_id, client=admin, body=more, if_match=tag)
    assert isinstance(late, PreconditionFailedProblem), late


def _issued(user: AuthenticatedClient, campaign_id: str) -> str:
    """Return the code of the user's coupon once it is in the database."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        mine = get_my_coupon.sync(campaign_id, client=user)
        assert isinstance(mine, OwnCoupon), mine
        if mine.code:
            return mine.code
        time.sleep(RECHECK_S)
    message = "the coupon was not issued"
    raise AssertionError(message)


def _use(shop: AuthenticatedClient, code: str) -> None:
    reserved = reserve_coupon.sync(code, client=shop, body=NewReservation(ORDER, ttl_s=60))
    assert isinstance(reserved, HeldCoupon), reserved
    assert reserved.state is HeldCouponState.RESERVED
    assert release_coupon.sync_detailed(code, ORDER, client=shop).status_code == 204
    used = redeem_coupon.sync(code, client=shop, body=NewRedemption(ORDER))
    assert isinstance(used, HeldCoupon), used
    assert (used.state, used.order_id) == (HeldCouponState.USED, ORDER)
    other = redeem_coupon.sync(code, client=shop, body=NewRedemption("order-2"))
    assert isinstance(other, RedeemCoupon409Problem), other
    assert other.code is RedeemCoupon409ProblemCode.ALREADY_USED
    assert cancel_redemption.sync_detailed(code, ORDER, client=shop).status_code == 204
    found = get_coupon.sync(code, client=shop)
    assert isinstance(found, HeldCoupon), found
    assert (found.state, found.order_id) == (HeldCouponState.ISSUED, None)


def _webhooks(admin: AuthenticatedClient) -> None:
    new = NewWebhook("https://shop.example/coupons", [NewWebhookKindsItem.COUPON_ISSUED])
    made = create_webhook.sync(client=admin, body=new)
    assert isinstance(made, WebhookWithSecret), made
    assert made.secret.startswith("whsec_")
    page = list_webhooks.sync(client=admin)
    assert isinstance(page, WebhookPage), page
    assert made.id in [one.id for one in page.webhooks]
    deleted = delete_webhook.sync(made.id, client=admin)
    assert isinstance(deleted, DeletedWebhook), deleted
    # What a receiver gets has a type as well.
    data = {"campaign_id": "welcome", "serial": 7, "code": None, "user_id": "42"}
    sent = {"type": "coupon.issued", "timestamp": "2026-11-22T03:00:00.000Z", "data": data}
    assert CouponIssuedEvent.from_dict(sent).data.serial == 7


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.write("round trip: done\n")
