"""The ports of a reconciliation; the adapters for Redis and MySQL implement them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from handlers.domain.settlement import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from handlers.domain.reconciliation.differences import Admitted, CampaignSnapshot, Entry, Issued
    from handlers.domain.reconciliation.law import StateCounts, StoredCampaign

# Reports to Redis what MySQL has; raises UnavailableError when Redis did not take all of it.
Settle = Callable[[Iterable[Settlement]], None]


class AdmissionReader(Protocol):
    """The admitted users in Redis."""

    def snapshot(self, campaign_id: str) -> CampaignSnapshot:
        """Return the campaign's counters; raise CampaignNotFoundError or StaleStateError."""

    def admitted(self, campaign_id: str, after: int, through: int) -> Iterator[Entry]:
        """Yield the holders of serials above `after` up to `through`, by serial, then user."""

    def pending(self, campaign_id: str, until_ms: int) -> Iterator[str]:
        """Yield the users who have been pending since `until_ms` or earlier."""

    def lookup_users(self, campaign_id: str, users: Sequence[str]) -> Sequence[Admitted]:
        """Return what is known about each of `users`, in their order."""

    def returned(self, campaign_id: str) -> Iterator[int]:
        """Yield the serials that were given back, in any order."""

    def unassigned_serials(self, campaign_id: str, serials: Sequence[int]) -> Sequence[int]:
        """Return those of `serials` that no user holds."""


class CouponReader(Protocol):
    """The coupons in MySQL."""

    def snapshot(self, campaign_id: str) -> StoredCampaign:
        """Return the campaign; its quantity is None where there is none."""

    def states(self, campaign_id: str, after: int, through: int) -> StateCounts:
        """Return how many coupons with serials above `after` up to `through` are in each state."""

    def issued(self, campaign_id: str, after: int, through: int) -> Sequence[Entry]:
        """Return the coupons' holders of serials above `after` up to `through`, by serial."""

    def lookup_users(self, campaign_id: str, users: Sequence[str]) -> Sequence[Issued]:
        """Return what is known about each of `users`, in their order."""


class AdmissionRepairs(Protocol):
    """What may be changed in Redis while users apply."""

    def make_pending(self, campaign_id: str, entries: Sequence[Entry]) -> int:
        """Let the relay send these admissions again; return how many became pending."""

    def give_back(self, campaign_id: str, serials: Iterable[int]) -> int:
        """Give back serials that nothing needs; return how many."""
