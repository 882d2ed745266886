"""What the stores have of a campaign and its coupons at the end of a history."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from handlers.adapters.redis.keys import CampaignKeys
from handlers.domain import times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.faults.engine.cluster import Cluster

CAMPAIGN = (
    "SELECT quantity, places_returned, paused, version, closes_at FROM campaign WHERE id = %s"
)
TERMS = "SELECT COALESCE(releases, '[]'), usable_until FROM campaign WHERE id = %s"
COUPONS = (
    "SELECT serial, user_id, state, order_id, admitted_at, given_back > 0,"
    " reserved_until IS NOT NULL, used_at IS NOT NULL FROM coupon WHERE campaign_id = %s"
)
EVENTS = (
    "SELECT serial, kind, order_id, detail, created_at FROM coupon_event"
    " WHERE campaign_id = %s ORDER BY id"
)
# Of the campaign's hash, in the order of StoredCampaign.
FIELDS = ("quantity", "places_returned", "paused", "version", "closes_at_ms")


@dataclass(frozen=True, slots=True)
class StoredCampaign:
    """A campaign as MySQL or Redis has it."""

    quantity: int
    places_returned: int = 0
    paused: bool = False
    version: int = 1
    closes_at_ms: int = 0

    @property
    def last_serial(self) -> int:
        """The highest serial that may be given."""
        return self.quantity + self.places_returned


@dataclass(frozen=True, slots=True)
class StoredCoupon:
    """A row of the coupon table."""

    serial: int
    user: str
    state: str = "ISSUED"
    order_id: str | None = None
    admitted_at_ms: int = 0
    given_back: bool = False
    has_end: bool = False  # of a reservation
    has_use: bool = False


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A row of coupon_event. serial: None where the campaign itself changed."""

    serial: int | None
    kind: str
    order_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """All of it. in_redis: None where Redis has no such campaign.

    releases: [at_ms, how many more] of each stage. expires_ms: of the coupons; None: never.
    """

    campaign: StoredCampaign
    coupons: Sequence[StoredCoupon]
    events: Sequence[StoredEvent]
    in_redis: StoredCampaign | None
    unfinished: str = ""  # a change that Redis still has to be made
    releases: Sequence[Sequence[int]] = ()
    expires_ms: int | None = None


def read(cluster: Cluster, campaign_id: str) -> Stored:
    """Return what MySQL and Redis have. Raises one of NO_RESPONSE."""
    in_redis, unfinished = _in_redis(cluster, campaign_id)
    [(releases, until)] = cluster.rows(TERMS, campaign_id)
    return Stored(
        of_mysql(cluster, campaign_id),
        [
            StoredCoupon(serial, user, state, order, times.from_datetime(at), *map(bool, has))
            for serial, user, state, order, at, *has in cluster.rows(COUPONS, campaign_id)
        ],
        [
            StoredEvent(serial, kind, order, json.loads(detail or "{}"), times.from_datetime(at))
            for serial, kind, order, detail, at in cluster.rows(EVENTS, campaign_id)
        ],
        in_redis,
        unfinished,
        json.loads(releases),
        until and times.from_datetime(until),
    )


def of_mysql(cluster: Cluster, campaign_id: str) -> StoredCampaign:
    """Return the campaign's row."""
    [(quantity, places, paused, version, closes_at)] = cluster.rows(CAMPAIGN, campaign_id)
    return StoredCampaign(quantity, places, bool(paused), version, times.from_datetime(closes_at))


def is_agreed(cluster: Cluster, campaign_id: str) -> bool:
    """Return whether Redis has what MySQL has, and no change is half done."""
    in_redis, unfinished = _in_redis(cluster, campaign_id)
    return not unfinished and in_redis == of_mysql(cluster, campaign_id)


def holders(cluster: Cluster, campaign_id: str) -> int:
    """Return how many serials are given, in Redis."""
    key = CampaignKeys.of(campaign_id).applied_user
    with cluster.servers.redis(key=key) as client:
        return int(client.zcard(key))


def _in_redis(cluster: Cluster, campaign_id: str) -> tuple[StoredCampaign | None, str]:
    key = CampaignKeys.of(campaign_id).campaign
    with cluster.servers.redis(key=key) as client:
        *found, change = client.hmget(key, *FIELDS, "change")
    if found[0] is None:
        return None, ""
    quantity, places, paused, version, closes = (value or b"" for value in found)
    campaign = StoredCampaign(
        int(quantity), int(places or 0), paused == b"1", int(version or 1), int(closes)
    )
    return campaign, (change or b"").decode()
