"""Fakes of the lists and the report that administrators read from MySQL."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from handlers.adapters.mysql.coupon_list import ListedCoupon
from handlers.adapters.mysql.event_list import EventPage, ListedEvent
from handlers.domain.campaign_report import CampaignReport
from handlers.domain.errors import CampaignNotFoundError
from handlers.domain.event_position import ISSUED, EventPosition
from handlers.domain.refusal_counts import Refusals
from tests.support.fakes import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from handlers.adapters.mysql.queries import Coupon
    from handlers.domain.campaign import Campaign
    from tests.support.fake_reads import FakeMySqlQueries, FakeRedisCampaigns


@dataclass
class FakeLists:
    """What the rows of a fake MySQL are as lists: coupons that were issued, and no other event."""

    queries: FakeMySqlQueries

    def _campaign(self, campaign_id: str) -> Campaign:
        self.queries.ping()
        if campaign_id not in self.queries.campaigns:
            raise CampaignNotFoundError
        return self.queries.campaigns[campaign_id]

    def _rows(self, campaign_id: str) -> Sequence[Coupon]:
        return self.queries.coupons(campaign_id, 0, 1_000_000)


class FakeCouponList(FakeLists):
    def page(
        self, campaign_id: str, after: int, limit: int, user_id: str | None = None
    ) -> Sequence[ListedCoupon]:
        self.queries.ping()
        rows = self.queries.coupons(campaign_id, after, 1_000_000)
        found = [row for row in rows if user_id in {None, row.user_id}][:limit]
        return [
            ListedCoupon(row.serial, row.user_id, row.code, row.admitted_at_ms, row.created_at_ms)
            for row in found
        ]


class FakeEventList(FakeLists):
    def page(self, campaign_id: str, after: EventPosition, limit: int) -> EventPage:
        self._campaign(campaign_id)
        rows = self._rows(campaign_id)
        events = [
            ListedEvent(
                EventPosition(row.created_at_ms, ISSUED, row.serial),
                *("ISSUED", row.serial, row.user_id, None, None, {}),
            )
            for row in rows
        ]
        settled = [event for event in events if event.position > after][:limit]
        return EventPage(settled, [], max((row.created_at_ms for row in rows), default=0) + 1)


class FakeReportReader(FakeLists):
    def report(self, campaign_id: str, after: int, serials_max: int | None) -> CampaignReport:
        campaign = self._campaign(campaign_id)
        assert serials_max
        rows = [row for row in self._rows(campaign_id) if row.serial > after]
        times_ms = campaign.opens_at_ms, campaign.closes_at_ms
        report = CampaignReport(campaign.quantity, *times_ms, None, len(rows))
        report.states["ISSUED"] = len(rows)
        report.given.add((row.admitted_at_ms // report.given.width_ms, 1) for row in rows)
        return report


@dataclass
class FakeRefusalStore:
    """Sums of refusals in a fake Redis."""

    campaigns: FakeRedisCampaigns
    sums: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, counts: Mapping[str, Counter[str]]) -> None:
        self.campaigns.ping()
        for campaign_id, by_reason in counts.items():
            self.sums.setdefault(campaign_id, Counter()).update(by_reason)

    def of(self, campaign_id: str) -> Refusals:
        self.campaigns.ping()
        sums = self.sums.get(campaign_id)
        return Refusals(NOW_MS, sums) if sums else Refusals()
