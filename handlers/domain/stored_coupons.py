"""The coupons that a rebuild reads: those of MySQL, page by page, and those of the topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from handlers.domain.coupon import CouponAccepted, UndecodableError
from handlers.domain.fence import is_late
from handlers.domain.reconciliation.serial_bitset import SerialBitset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from handlers.domain.fence import FenceOffset, Unwritten
    from handlers.domain.pseudonyms import Pseudonyms
    from handlers.domain.reconciliation.differences import Issued

PAGE = 10_000


class Rows(Protocol):
    """The rows of the coupon table, by serial."""

    def holders(self, campaign_id: str, after: int, limit: int) -> Sequence[tuple[int, str]]:
        """Return up to `limit` serials above `after`, each with its holder in Redis."""

    def given_back(self, campaign_id: str, after: int, limit: int) -> Sequence[int]:
        """Return up to `limit` serials above `after` of coupons that were given back."""


def issued(
    rows: Rows, campaign_id: str, before_page: Callable[[], None]
) -> Iterator[list[CouponAccepted]]:
    """Yield every coupon with its holder in Redis; they are not pending."""
    after = 0
    before_page()
    while page := rows.holders(campaign_id, after, PAGE):
        yield [CouponAccepted(campaign_id, holder, serial, 0) for serial, holder in page]
        after = page[-1][0]
        before_page()


def given_back(
    rows: Rows, campaign_id: str, put_back: Callable[[list[CouponAccepted]], object]
) -> SerialBitset:
    """Return the serials of the coupons that their users gave back, once Redis holds them.

    put_back: lets Redis hold them, before any other source. A user whose coupon was given back may
    have another one, which the topic has; and the consumer, which may settle the old one at any
    time, would write the old one over it where Redis does not know that it was given back.
    """
    serials, after = SerialBitset(), 0
    while page := rows.given_back(campaign_id, after, PAGE):
        put_back([CouponAccepted(campaign_id, f" {serial}", serial, 0) for serial in page])
        for serial in page:
            serials.add(serial)
        after = page[-1]
    return serials


def in_time(
    records: Iterable[Unwritten], campaign_id: str, earlier: Sequence[FenceOffset]
) -> Iterator[CouponAccepted]:
    """Yield the campaign's coupons, without those that an earlier rebuild has missed.

    The users of those were not accepted.
    """
    for value, position in records:
        try:
            coupon = CouponAccepted.decode(value)
        except UndecodableError:
            continue  # the consumer dead-letters it
        if coupon.campaign_id == campaign_id and not is_late(coupon.fence, position, earlier):
            yield coupon


def not_erased(
    coupons: Sequence[CouponAccepted],
    campaign_id: str,
    pseudonyms: Pseudonyms,
    lookup_users: Callable[[str, Sequence[str]], Sequence[Issued]],
) -> list[CouponAccepted]:
    """Leave out the users who were erased: MySQL has their admissions under pseudonyms."""
    names = [pseudonyms.of(campaign_id, coupon.user_id) for coupon in coupons]
    known = lookup_users(campaign_id, names)
    return [coupon for coupon, one in zip(coupons, known, strict=True) if one.is_unknown]
