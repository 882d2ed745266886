"""The law of the coupons' states: every coupon is in exactly one, and no place is given twice.

issued = usable + reserved + used + expired + revoked; and the coupons that have not returned their
place are no more than the quantity. The counts come page by page while coupons change, so a place
may be returned between two pages: each check holds whenever it is.
"""

from __future__ import annotations

from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, NamedTuple

from handlers.domain.reconciliation.differences import Discrepancy, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_STATE = "coupons of this page are in no state, or in two"
RETURNED_UNCOUNTED = "more coupons have returned their place than the campaign has counted"
COUNTED_UNRETURNED = "the campaign counts more returned places than coupons have returned"
TOO_MANY = "more coupons have kept their place than the quantity"
# What is certain at the first look.
CERTAIN = frozenset({NO_STATE, RETURNED_UNCOUNTED, COUNTED_UNRETURNED, TOO_MANY})


class StoredCampaign(NamedTuple):
    """A campaign in MySQL at one moment. quantity: None where MySQL has none."""

    quantity: int | None
    highest_serial: int
    places_returned: int


@dataclass(frozen=True, slots=True)
class StateCounts:
    """How many coupons are in each state, each counted by a condition of its own.

    issued: all rows. places_returned: those whose place went to another applicant.
    """

    issued: int = 0
    usable: int = 0
    reserved: int = 0
    used: int = 0
    expired: int = 0
    revoked: int = 0
    places_returned: int = 0

    def __add__(self, other: StateCounts) -> StateCounts:
        return StateCounts(*map(sum, zip(astuple(self), astuple(other), strict=True)))

    @property
    def in_a_state(self) -> int:
        """The number of all coupons, where the law holds."""
        return self.usable + self.reserved + self.used + self.expired + self.revoked

    def to_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


class Law:
    """The check over the pages of one campaign."""

    def __init__(self, before: StoredCampaign) -> None:
        self.counts = StateCounts()
        self._before = before

    def page(self, after: int, counts: StateCounts) -> Iterator[Discrepancy]:
        """Add a page that begins behind the serial `after`; yield what is wrong with it."""
        self.counts += counts
        if counts.issued != counts.in_a_state:
            yield Discrepancy(Kind.COUNT_MISMATCH, issued_serial=after + 1, detail=NO_STATE)

    def end(self, now: StoredCampaign) -> Iterator[Discrepancy]:
        """Yield what is wrong with the whole, after all pages."""
        counts, before = self.counts, self._before.places_returned
        in_between = now.places_returned - before
        kept = counts.issued - counts.places_returned - in_between
        wrong = {
            RETURNED_UNCOUNTED: counts.places_returned > now.places_returned,
            COUNTED_UNRETURNED: counts.places_returned < before,
            TOO_MANY: now.quantity is not None and kept > now.quantity,
        }
        yield from (
            Discrepancy(Kind.COUNT_MISMATCH, detail=d) for d, is_so in wrong.items() if is_so
        )
