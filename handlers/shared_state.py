"""Measures what all processes share: campaigns, failed events, webhooks, the group's lag.

One process asks for all, the scheduler; on AWS the function that rebuilds. A worker of the gateway
asks for nothing of this. What a server does not say is not shown: an old number would be a lie.
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING, Any

from handlers import log, operations, wiring
from handlers.domain import metrics
from handlers.domain.errors import StaleStateError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from handlers.domain.campaign import CampaignStatus
    from handlers.domain.metric import Gauge, Labels

# Campaigns with numbers of their own: those that opened last or open next. The others are one sum.
CAMPAIGNS_MAX = 50
OTHERS = "_other"  # no id of a campaign has this character
# Asked in one round trip.
GROUP = 200

REDIS, MYSQL, KAFKA = "redis", "mysql", "kafka"
GAUGES: Mapping[str, Sequence[Gauge]] = {
    REDIS: (
        metrics.QUANTITY,
        metrics.ADMITTED,
        metrics.REMAINING,
        metrics.PENDING,
        metrics.PENDING_AGE,
        metrics.CAMPAIGNS,
    ),
    MYSQL: (metrics.FAILED_EVENTS, metrics.BACKLOG, metrics.OVERDUE),
    KAFKA: (metrics.LAG,),
}


def measure_handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda's signature
    """Set the gauges. Returns nothing to log; a server that does not respond is a gauge itself."""
    unknown: dict[Labels, float] = {}
    for server, ask in ((REDIS, _ask_redis), (MYSQL, _ask_mysql), (KAFKA, _ask_kafka)):
        is_unknown = not _measured(server, ask)
        unknown[server,] = float(is_unknown)
    metrics.UNKNOWN.set_all(unknown)
    return {}


def _measured(server: str, ask: Callable[[], None]) -> bool:
    try:
        ask()
    except UnavailableError as error:
        for gauge in GAUGES[server]:
            gauge.set_all({})
        log.warning("not measured", {"server": server, "detail": str(error)})
        return False
    return True


def _ask_redis() -> None:
    """Ask MySQL which campaigns there are: a Redis that lost its state does not know."""
    try:
        ids = [campaign.id for campaign in wiring.mysql_queries().campaigns()]
    except UnavailableError:
        ids = list(wiring.redis_campaigns().ids())
    found: dict[str, CampaignStatus] = {}
    for begin in range(0, len(ids), GROUP):
        found |= wiring.redis_campaigns().glance(ids[begin : begin + GROUP])[0]
    try:
        wiring.redis_campaigns().ping()
    except StaleStateError:
        found = {}
    states = Counter(str(status.state) for status in found.values())
    states["STALE"] = len(ids) - len(found)
    metrics.CAMPAIGNS.set_all({(state,): number for state, number in states.items()})
    _show(found)


def _show(found: Mapping[str, CampaignStatus]) -> None:
    now = max((status.now_ms for status in found.values()), default=0)

    def distance(status: CampaignStatus) -> int:
        return abs(status.campaign.opens_at_ms - now)

    shown = {one.campaign.id for one in heapq.nsmallest(CAMPAIGNS_MAX, found.values(), distance)}
    sums: dict[Gauge, dict[Labels, float]] = {gauge: {} for gauge in GAUGES[REDIS][:4]}
    oldest: dict[Labels, float] = {}
    for status in found.values():
        key = (status.campaign.id if status.campaign.id in shown else OTHERS,)
        numbers = status.campaign.quantity, status.admitted, status.remaining, status.pending
        for gauge, number in zip(sums, numbers, strict=True):
            sums[gauge][key] = sums[gauge].get(key, 0) + number
        oldest[key] = max(oldest.get(key, 0), _pending_age_s(status))
    for gauge, by_campaign in sums.items():
        gauge.set_all(by_campaign)
    metrics.PENDING_AGE.set_all(oldest)


def _pending_age_s(status: CampaignStatus) -> float:
    oldest_ms = status.oldest_pending_ms
    return 0.0 if oldest_ms is None else max(0.0, (status.now_ms - oldest_ms) / 1000)


def _ask_mysql() -> None:
    backlogs = operations.backlogs()
    failed = backlogs.failed_events()
    waiting, overdue_s = backlogs.webhooks()
    metrics.FAILED_EVENTS.set_all({(status,): count for status, count in failed.items()})
    metrics.BACKLOG.set_all({(): waiting})
    metrics.OVERDUE.set_all({(): overdue_s})


def _ask_kafka() -> None:
    lag = wiring.topic().lag()
    metrics.LAG.set_all({(str(partition),): behind for partition, behind in lag.items()})
