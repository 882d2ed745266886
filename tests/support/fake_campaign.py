"""The fake of one campaign."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from handlers.domain.admission import Admission, Outcome
from handlers.domain.releases import NO_RELEASES, Releases


@dataclass
class FakeCampaign:
    """One campaign as the keys in Redis hold it."""

    quantity: int
    opens_at_ms: int
    closes_at_ms: int
    stale: bool = False
    rate_per_address: int | None = None
    rules: str = ""
    places_returned: int = 0
    erased: str = ""
    paused: bool = False
    releases: Releases = NO_RELEASES
    count: int = 0
    serials: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)
    returned: list[int] = field(default_factory=list)
    rate: Counter[tuple[int, str]] = field(
        default_factory=Counter, repr=False
    )  # by window, and by user or address

    def next_serial(self, released: int | None = None) -> int:
        """Return the lowest serial above the count that no user holds, 0 when none is left.

        released: how many coupons of the quantity are; None for all.
        """
        quantity = self.quantity if released is None else released
        highest = quantity + self.places_returned
        free = set(range(self.count + 1, highest + 1)) - set(self.serials.values())
        return min(free, default=0)

    def waits(self, now_ms: int) -> Admission | None:
        """Return why no applicant is admitted at this moment, after the opening."""
        if now_ms >= self.closes_at_ms:
            return Admission(Outcome.CLOSED)
        released, next_at_ms = self.released(now_ms)
        has_one = self.returned or self.next_serial(released)
        if not has_one and (next_at_ms is None or not self.next_serial()):
            return Admission(Outcome.SOLD_OUT)
        if self.paused:
            return Admission(Outcome.PAUSED, retry_in_ms=5000)
        if has_one or next_at_ms is None:
            return None
        return Admission(Outcome.NEXT_RELEASE, retry_in_ms=next_at_ms - now_ms)

    def released(self, now_ms: int) -> tuple[int, int | None]:
        releases, quantity = self.releases, self.quantity
        next_at_ms = releases.next_at_ms(quantity, self.closes_at_ms, now_ms)
        return releases.released(quantity, now_ms), next_at_ms
