"""One round trip with a client that was generated of docs/openapi.json: round_trip.py URL ID.

Runs in .venv-api. Every name and type in here is checked by mypy against the generated code.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

from seonchak_client import AuthenticatedClient, Client
from seonchak_client.api.applying import apply, get_my_coupon
from seonchak_client.api.campaigns import (
    create_campaign,
    get_campaign,
    get_campaign_stats,
    list_campaigns,
)
from seonchak_client.models import (
    Application,
    Apply409Problem,
    Apply409ProblemCode,
    Campaign,
    CampaignPage,
    CampaignStatus,
    CampaignStatusState,
    NewCampaign,
    OwnCoupon,
    UnauthenticatedProblem,
)


def main(url: str, campaign_id: str) -> None:
    """Create a campaign, apply, read; raise AssertionError for another answer than expected."""
    admin = AuthenticatedClient(url, os.environ["ADMIN_TOKEN"])
    user = AuthenticatedClient(url, os.environ["USER_TOKEN"])
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


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.write("round trip: done\n")
