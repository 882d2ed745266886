"""Stand-ins for what HTTP reads from Redis and MySQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handlers.domain.campaign import Campaign, CampaignStatus
from handlers.domain.coupon_state import HeldCoupon
from handlers.domain.errors import CampaignNotFoundError, StaleStateError, UnavailableError
from handlers.domain.reconciliation.differences import Admitted, CampaignSnapshot, Entry, Issued
from handlers.domain.reconciliation.law import StateCounts, StoredCampaign
from handlers.domain.record import FailedStatus
from tests.support.fakes import NOW_MS, FakeAdmissions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from handlers.adapters.mysql.queries import Coupon
    from handlers.adapters.redis.campaigns import UserAdmission


@dataclass
class FakeRedisCampaigns:
    """Campaigns as Redis shows them."""

    statuses: dict[str, CampaignStatus] = field(default_factory=dict)
    admissions: dict[tuple[str, str], UserAdmission] = field(default_factory=dict)
    epoch_is_known: bool = True
    looks: list[Sequence[str]] = field(default_factory=list)

    def open(self, campaign: Campaign, *, created: bool) -> None:
        assert created in {True, False}
        self._require_epoch()
        status = CampaignStatus(campaign, 0, 0, campaign.quantity, None, NOW_MS)
        self.statuses.setdefault(campaign.id, status)

    def ids(self) -> Sequence[str]:
        self._require_epoch()
        return sorted(self.statuses)

    def look(self, wanted: Sequence[str]) -> tuple[Sequence[str], Mapping[str, CampaignStatus]]:
        self.looks.append(wanted)
        ids = self.ids()
        return ids, {one: self.statuses[one] for one in wanted if one in self.statuses}

    def status(self, campaign_id: str) -> CampaignStatus:
        self._require_epoch()
        if campaign_id not in self.statuses:
            raise CampaignNotFoundError
        return self.statuses[campaign_id]

    def applied(self, campaign_id: str, user_id: str) -> UserAdmission | None:
        self.status(campaign_id)
        return self.admissions.get((campaign_id, user_id))

    def ping(self) -> None:
        self._require_epoch()

    def _require_epoch(self) -> None:
        if not self.epoch_is_known:
            raise StaleStateError


@dataclass
class FakeMySqlQueries:
    """What HTTP reads from MySQL. As the driver does, it refuses text that UTF-8 cannot hold."""

    campaigns: dict[str, Campaign] = field(default_factory=dict)
    coupon_rows: dict[tuple[str, str], Coupon] = field(default_factory=dict)
    failed_rows: list[dict[str, Any]] = field(default_factory=list)
    given_up: set[tuple[str, str]] = field(default_factory=set)
    filters: list[Mapping[str, object]] = field(default_factory=list)
    reachable: bool = True

    def create_campaign(self, campaign: Campaign, actor: str = "") -> tuple[Campaign, bool]:
        _encode(campaign.id, campaign.name, actor)
        created = campaign.id not in self.campaigns
        return self.campaigns.setdefault(campaign.id, campaign), created

    def campaign(self, campaign_id: str) -> Campaign | None:
        self.ping()
        return self.campaigns.get(campaign_id)

    def coupon_of(self, campaign_id: str, user_id: str) -> HeldCoupon | None:
        row = self.coupon_rows.get((campaign_id, user_id))
        return held(campaign_id, row) if row else None

    def has_failed(self, campaign_id: str, user_id: str) -> bool:
        return (campaign_id, user_id) in self.given_up

    def counts(self, campaign_id: str) -> tuple[int, int]:
        issued = [owner for owner in self.coupon_rows if owner[0] == campaign_id]
        return len(issued), len(self.failed_rows)

    def coupons(self, campaign_id: str, after: int, limit: int) -> Sequence[Coupon]:
        rows = [row for owner, row in self.coupon_rows.items() if owner[0] == campaign_id]
        return sorted((r for r in rows if r.serial > after), key=lambda r: r.serial)[:limit]

    def failed_events(self, filters: Mapping[str, object]) -> Sequence[dict[str, Any]]:
        _encode(*filters.values())
        self.filters.append(filters)
        return self.failed_rows

    def ping(self) -> None:
        if not self.reachable:
            raise UnavailableError


def held(campaign_id: str, row: Coupon) -> HeldCoupon:
    """Return a coupon that has not been touched since it was issued."""
    times = row.admitted_at_ms, row.created_at_ms, NOW_MS
    return HeldCoupon(campaign_id, row.serial, row.user_id, row.code, *times)


@dataclass
class FakeAdmissionReader:
    """The admissions of FakeAdmissions, of campaigns that FakeRedisCampaigns knows."""

    admissions: FakeAdmissions
    states: FakeRedisCampaigns

    def snapshot(self, campaign_id: str) -> CampaignSnapshot:
        self.states.status(campaign_id)
        one = self.admissions.campaigns[campaign_id]
        highest = max(one.serials.values(), default=0)
        return CampaignSnapshot(
            1, one.quantity, one.count, highest, self.admissions.now_ms, one.places_returned
        )

    def admitted(self, campaign_id: str, after: int, through: int) -> Iterator[Entry]:
        serials = self.admissions.campaigns[campaign_id].serials
        found = ((serial, user) for user, serial in serials.items())
        return iter(sorted(entry for entry in found if after < entry[0] <= through))

    def pending(self, campaign_id: str, until_ms: int) -> Iterator[str]:
        pending = self.admissions.campaigns[campaign_id].pending
        return (user for user, since_ms in pending.items() if since_ms <= until_ms)

    def lookup_users(self, campaign_id: str, users: Sequence[str]) -> list[Admitted]:
        one = self.admissions.campaigns[campaign_id]
        return [Admitted(one.serials.get(user), one.pending.get(user)) for user in users]

    def returned(self, campaign_id: str) -> Iterator[int]:
        return iter(self.admissions.campaigns[campaign_id].returned)

    def make_pending(self, campaign_id: str, entries: Sequence[Entry]) -> int:
        one = self.admissions.campaigns[campaign_id]
        lost = [
            user
            for serial, user in entries
            if one.serials.get(user) == serial and user not in one.pending
        ]
        one.pending.update(dict.fromkeys(lost, self.admissions.now_ms))
        return len(lost)

    def unassigned_serials(self, campaign_id: str, serials: Sequence[int]) -> list[int]:
        held = set(self.admissions.campaigns[campaign_id].serials.values())
        return [serial for serial in serials if serial not in held]


@dataclass
class FakeCouponReader:
    """The coupons of FakeMySqlQueries."""

    queries: FakeMySqlQueries

    def snapshot(self, campaign_id: str) -> StoredCampaign:
        self.queries.ping()
        campaign = self.queries.campaigns.get(campaign_id)
        rows = self.queries.coupons(campaign_id, 0, 1_000_000)
        return StoredCampaign(
            campaign.quantity if campaign else None,
            rows[-1].serial if rows else 0,
            campaign.places_returned if campaign else 0,
        )

    def states(self, campaign_id: str, after: int, through: int) -> StateCounts:
        count = len(self.issued(campaign_id, after, through))
        return StateCounts(issued=count, usable=count)

    def issued(self, campaign_id: str, after: int, through: int) -> list[Entry]:
        rows = self.queries.coupons(campaign_id, after, 1_000_000)
        return [(row.serial, row.user_id) for row in rows if row.serial <= through]

    def lookup_users(self, campaign_id: str, users: Sequence[str]) -> list[Issued]:
        return [self._state_of(campaign_id, user) for user in users]

    def _state_of(self, campaign_id: str, user_id: str) -> Issued:
        row = self.queries.coupon_of(campaign_id, user_id)
        given_up = self.queries.has_failed(campaign_id, user_id)
        return Issued(row.serial if row else None, FailedStatus.DEAD if given_up else None)


def _encode(*values: object) -> None:
    for value in values:
        if isinstance(value, str):
            value.encode()
