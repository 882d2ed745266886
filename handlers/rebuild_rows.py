"""The rows of MySQL that a rebuild brings back, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import wiring
from handlers.domain.coupon import CouponAccepted
from handlers.domain.errors import MissingCampaignError
from handlers.domain.reconciliation.serial_bitset import SerialBitset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.edge.deadline import Deadline

PAGE = 10_000
PAGE_MS = 5000  # a page of coupons, and giving back what no user holds; mostly well below a second


def issued(campaign_id: str, deadline: Deadline) -> Iterator[list[CouponAccepted]]:
    """Yield every coupon of MySQL with its holder in Redis; they are not pending."""
    queries, after = wiring.mysql_queries(), 0
    deadline.require(PAGE_MS)
    while page := queries.holders(campaign_id, after, PAGE):
        yield [CouponAccepted(campaign_id, holder, serial, 0) for serial, holder in page]
        after = page[-1][0]
        deadline.require(PAGE_MS)


def places_returned(campaign_id: str) -> int:
    """Return how many places MySQL has returned; raise MissingCampaignError without the campaign."""
    campaign = wiring.mysql_queries().campaign(campaign_id)
    if campaign is None:
        raise MissingCampaignError
    return campaign.places_returned


def put_back_given(campaign_id: str, fence: int) -> SerialBitset:
    """Let Redis hold the serials of coupons that their users gave back; return these serials.

    While the campaign is closed, and before any other source: a user whose coupon is given back by
    now may have another one, which the topic has. The consumer may settle the old one at any time,
    and Redis ignores that once it knows that it was given back.
    """
    serials, after = SerialBitset(), 0
    while page := wiring.mysql_queries().given_back(campaign_id, after, PAGE):
        holders = [CouponAccepted(campaign_id, f" {serial}", serial, 0) for serial in page]
        wiring.redis_rebuild().restore(campaign_id, holders, fence, pending=False)
        for serial in page:
            serials.add(serial)
        after = page[-1]
    return serials
