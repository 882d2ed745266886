"""Records as the ledger's statements take them, made before the transaction that writes them."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from handlers import fast_json
from handlers.domain import times
from handlers.domain.record import DecodedRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from handlers.domain.coupon import CouponAccepted
    from handlers.domain.coupon_codes import CouponCodes

# The same for all writers: when they write the same rows they wait for each other, not deadlock.
# Of two with one serial, the record that came first stays first: it gets the serial.
WRITE_ORDER = attrgetter("coupon.campaign_id", "coupon.serial")
# Of its four texts.
QUOTES_OF_A_ROW = 8
_encode = fast_json.encoder(compact=True)


class Prepared(list[DecodedRecord]):
    """Records in the order of all writers.

    rows: these records as %(rows)s of the statements (insert_coupons.sql).
    campaign_ids: their campaigns, each once, sorted.
    """

    __slots__ = ("campaign_ids", "rows")

    def __init__(self, accepted: Iterable[DecodedRecord], codes: CouponCodes) -> None:
        """Take records in any order, and what makes their codes."""
        super().__init__(accepted)
        self.sort(key=WRITE_ORDER)
        coupons = [one[0] for one in self]
        made = codes.of((coupon[0], coupon[1]) for coupon in coupons)
        self.rows = rows_of(coupons, made)
        self.campaign_ids = sorted({coupon[0] for coupon in coupons})


def rows_of(coupons: Sequence[CouponAccepted], codes: Sequence[str]) -> str:
    """Return JSON of the rows; written by hand, as long as no text of theirs needs an escape."""
    to_mysql = times.to_mysql
    text = ",".join(
        [
            f'["{campaign}","{user}",{serial},"{code}","{to_mysql(admitted_at_ms)}",{fence}]'
            for (campaign, user, serial, admitted_at_ms, fence), code in zip(
                coupons, codes, strict=True
            )
        ]
    )
    if text.count('"') == QUOTES_OF_A_ROW * len(coupons) and "\\" not in text:
        return f"[{text}]"
    return _encode(
        [
            (campaign, user, serial, code, to_mysql(admitted_at_ms), fence)
            for (campaign, user, serial, admitted_at_ms, fence), code in zip(
                coupons, codes, strict=True
            )
        ]
    )
