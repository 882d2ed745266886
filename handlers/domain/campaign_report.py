"""What has become of a campaign's coupons: how fast they were given, how fast they were used."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from handlers.domain import times
from handlers.domain.coupon_state import CouponState
from handlers.domain.histogram import TimeHistogram, quantile


@dataclass(slots=True)
class CampaignReport:
    """A report; the times in ms since 1970, the delays in ms.

    sold_out_at_ms: when Redis gave the serial that is the quantity; None where MySQL does not have
        it. highest_serial: in MySQL, 0 without any.
    given: by Redis's clock at the admission. redeemed: by MySQL's, of the coupons that are USED.
    issued_in: from the admission to the row in MySQL, two servers' clocks: between clocks that
        differ it can be below 0. used_in: from the row to the use, by MySQL's clock. Both to three
        digits.
    next_after: the serial behind which nothing was counted yet; None when all is counted.
    """

    quantity: int
    opens_at_ms: int
    closes_at_ms: int
    sold_out_at_ms: int | None
    highest_serial: int
    states: Counter[str] = field(default_factory=Counter)
    given: TimeHistogram = field(default_factory=TimeHistogram)
    redeemed: TimeHistogram = field(default_factory=TimeHistogram)
    issued_in: Counter[int] = field(default_factory=Counter)
    used_in: Counter[int] = field(default_factory=Counter)
    next_after: int | None = None

    @property
    def sold_out_after_ms(self) -> int | None:
        """The time from the opening to the last coupon of the quantity."""
        return None if self.sold_out_at_ms is None else self.sold_out_at_ms - self.opens_at_ms

    def to_json(self) -> dict[str, Any]:
        """Return it as the HTTP interface does."""
        sold_out_at_ms = self.sold_out_at_ms
        return {
            "quantity": self.quantity,
            "opens_at": times.to_iso(self.opens_at_ms),
            "closes_at": times.to_iso(self.closes_at_ms),
            "sold_out_at": None if sold_out_at_ms is None else times.to_iso(sold_out_at_ms),
            "sold_out_after_ms": self.sold_out_after_ms,
            "coupons": self.states.total(),
            "states": {state.value: self.states[state] for state in CouponState},
            "given": _histogram(self.given),
            "redeemed": _histogram(self.redeemed),
            "admission_to_issue": _delay(self.issued_in),
            "issue_to_redemption": _delay(self.used_in),
            "next_after": self.next_after,
        }


def _histogram(histogram: TimeHistogram) -> dict[str, Any]:
    return {
        "width_ms": histogram.width_ms,
        "buckets": [[times.to_iso(at_ms), count] for at_ms, count in histogram.buckets()],
    }


def _delay(counted: Counter[int]) -> dict[str, int | None]:
    return {"median_ms": quantile(counted, 0.5), "p95_ms": quantile(counted, 0.95)}
