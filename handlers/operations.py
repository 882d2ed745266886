"""Builds the clients that only operators' calls need, as wiring.py does the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import coupon_clients, log, wiring
from handlers.once import once

if TYPE_CHECKING:
    from handlers.adapters.aws.failed_batches import FailedBatches
    from handlers.adapters.migration.runner import Migration
    from handlers.adapters.mysql.backlogs import Backlogs
    from handlers.adapters.mysql.campaign_changes import MySqlCampaignChanges
    from handlers.adapters.mysql.coupon_list import CouponList
    from handlers.adapters.mysql.event_list import EventList
    from handlers.adapters.mysql.reconciliation import MySqlCouponReader
    from handlers.adapters.mysql.report import ReportReader
    from handlers.adapters.redis.campaign_changes import RedisCampaignChanges
    from handlers.adapters.redis.reconciliation import RedisAdmissionReader
    from handlers.adapters.redis.refusals import RefusalStore
    from handlers.domain.campaign import Campaign
    from handlers.domain.completion import Completion
    from handlers.domain.errors import ServiceError


@once
def admission_reader() -> RedisAdmissionReader:
    """Return the reader of admissions for a reconciliation."""
    from handlers.adapters.redis.reconciliation import RedisAdmissionReader

    return RedisAdmissionReader(wiring.scripts())


@once
def coupon_reader() -> MySqlCouponReader:
    """Return the reader of coupons for a reconciliation."""
    from handlers.adapters.mysql.reconciliation import MySqlCouponReader

    return MySqlCouponReader(wiring.database())


@once
def mysql_campaign_changes() -> MySqlCampaignChanges:
    """Return the writer of campaigns that change in MySQL."""
    from handlers.adapters.mysql.campaign_changes import MySqlCampaignChanges

    return MySqlCampaignChanges(coupon_clients.coupon_database())


@once
def redis_campaign_changes() -> RedisCampaignChanges:
    """Return the writer of campaigns that change in Redis."""
    from handlers.adapters.redis.campaign_changes import RedisCampaignChanges

    return RedisCampaignChanges(wiring.scripts())


@once
def coupon_list() -> CouponList:
    """Return the list of a campaign's coupons with their states."""
    from handlers.adapters.mysql.coupon_list import CouponList

    return CouponList(wiring.database())


@once
def event_list() -> EventList:
    """Return the list of what happened to campaigns and coupons."""
    from handlers.adapters.mysql.event_list import EventList

    return EventList(wiring.database())


@once
def backlogs() -> Backlogs:
    """Return the counts of what waits in MySQL, for metrics."""
    from handlers.adapters.mysql.backlogs import Backlogs

    return Backlogs(wiring.database())


@once
def refusal_store() -> RefusalStore:
    """Return the sums of refused applications in Redis."""
    from handlers.adapters.redis.refusals import RefusalStore

    return RefusalStore(wiring.scripts())


@once
def report_reader() -> ReportReader:
    """Return the reader of campaigns' reports."""
    from handlers.adapters.mysql.report import ReportReader

    return ReportReader(wiring.database())


@once
def completion() -> Completion:
    """Return what carries out changes of campaigns, and completes them."""
    from handlers.domain.completion import Completion

    campaigns = wiring.mysql_queries(), wiring.redis_campaigns()
    return Completion(campaigns, (mysql_campaign_changes(), redis_campaign_changes()), _note)


def _note(campaign: Campaign, error: ServiceError | None) -> None:
    fields = {"campaign_id": campaign.id, "version": campaign.version}
    if error:
        log.exception("change not completed", fields, error)
    else:
        log.info("campaign changed", fields)


@once
def failed_batches() -> FailedBatches:
    """Return the batches that Lambda gave up and stored in S3."""
    from handlers.adapters.aws.failed_batches import FailedBatches

    return FailedBatches()


@once
def migration() -> Migration:
    """Return the migration of schema, topic and epoch."""
    from handlers.adapters.migration.runner import Migration

    store = wiring.secrets()
    return Migration(
        wiring.settings(), store.migration_address, store.database_address, store.redis_auth()
    )
