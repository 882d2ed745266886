"""The rows of MySQL that a rebuild brings back, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import operations, wiring
from handlers.domain.coupon import CouponAccepted
from handlers.domain.reconciliation.serial_bitset import SerialBitset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handlers.domain.campaign import Campaign
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


def given_back(campaign_id: str) -> SerialBitset:
    """Return the serials of the coupons that their users gave back."""
    serials, after = SerialBitset(), 0
    while page := wiring.mysql_queries().given_back(campaign_id, after, PAGE):
        for serial in page:
            serials.add(serial)
        after = page[-1]
    return serials


def not_erased(campaign: Campaign, coupons: list[CouponAccepted]) -> list[CouponAccepted]:
    """Leave out the users who were erased: MySQL has their admissions under pseudonyms."""
    if not campaign.erased_users or not coupons:
        return coupons
    pseudonyms = wiring.pseudonyms()
    names = [pseudonyms.of(campaign.id, coupon.user_id) for coupon in coupons]
    known = operations.coupon_reader().lookup_users(campaign.id, names)
    return [coupon for coupon, one in zip(coupons, known, strict=True) if one.is_unknown]
