"""Opens campaigns again after Redis restarted, on the operator's word that nothing is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.adapters import redis_client
from handlers.adapters.admission import Admissions
from handlers.adapters.campaign_states import CampaignStates
from handlers.adapters.coupon_queries import CouponQueries
from handlers.adapters.mysql import Database
from handlers.adapters.scripts import Scripts
from handlers.domain.settlement import Holder, Settlement

if TYPE_CHECKING:
    from handlers.config import DatabaseAddress, Settings
    from local.waiting import Report

PAGE = 10_000


def open_again(settings: Settings, address: DatabaseAddress, report: Report) -> None:
    """Put every coupon of MySQL back into Redis, then open all campaigns on this run of it.

    What Redis still holds stays. Admissions that neither of the two knows are lost by this, so
    the consumers must have drained the topic before; that is what the operator vouches for.
    """
    scripts = Scripts(lambda: redis_client.connect(settings), epoch=settings.redis_epoch)
    database = Database(lambda: address)
    queries, states, admissions = (
        CouponQueries(database),
        CampaignStates(scripts),
        Admissions(scripts),
    )
    try:
        for campaign in queries.campaigns():
            coupons = _restore(queries, admissions, campaign.id)
            states.reopen(campaign)
            report(f"campaign {campaign.id}: open again, {coupons} coupons in MySQL")
        states.renew_epoch()
    finally:
        scripts.close()
        database.close()


def _restore(queries: CouponQueries, admissions: Admissions, campaign_id: str) -> int:
    count = after = 0
    while page := queries.coupons(campaign_id, after, PAGE):
        admissions.settle(
            Settlement(campaign_id, coupon.user_id, coupon.serial, Holder.ISSUED) for coupon in page
        )
        count, after = count + len(page), page[-1].serial
    return count
