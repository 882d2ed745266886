"""What must recover by itself once no fault happens any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers import privacy
from handlers.domain.errors import ServiceError
from handlers.domain.record import FailedStatus
from tests.simulation.law import limits

if TYPE_CHECKING:
    from tests.simulation.cluster import Cluster

BATCH = 1000
NO_CONTENT = 204


def heal(cluster: Cluster) -> str:
    """Run every program without faults until no work is left; return what never ends."""
    cluster.ledger.refused.clear()
    cluster.log.wire.clear()
    for _ in range(cluster.settings.redrive_max_attempts):
        try:
            cluster.rebuild()
            cluster.relay()
            while not cluster.log.is_consumed:
                cluster.consume(BATCH)
            for status in (FailedStatus.PENDING, FailedStatus.DEAD):
                cluster.redrive(status)
            privacy.privacy_handler({}, None)
        except ServiceError as error:
            return f"healthy, and yet {error!r}"
        if not (unfinished := _unfinished(cluster) or _not_erased(cluster)):
            return ""
    return unfinished


def _not_erased(cluster: Cluster) -> str:
    """Ask again for every erasure that was asked for; return what is not answered well."""
    statuses = {user: cluster.shop.erase(user) for user in sorted(cluster.shop.erasures.asked)}
    waiting = {user: status for user, status in statuses.items() if status != NO_CONTENT}
    return f"PRIVACY: not erased: {waiting}" if waiting else ""


def _unfinished(cluster: Cluster) -> str:
    for campaign in cluster.campaigns:
        in_redis = cluster.redis.look(campaign.id)[2]
        known, places = int(in_redis.get(b"places_returned", 0)), limits(cluster, campaign)[1]
        if known != places:
            return f"Redis knows of {known} returned places, of {places}"
        statement = "SELECT erased_users FROM campaign WHERE id = %s"
        [(erased,)] = cluster.rows(statement, campaign.id)
        if int(in_redis.get(b"erased") or 0) < erased:
            return f"PRIVACY: Redis does not know the pseudonyms of {erased} erased users"
        if b"change" in in_redis:
            return "a change is still noted"
        [(paused,)] = cluster.rows("SELECT paused FROM campaign WHERE id = %s", campaign.id)
        if (in_redis.get(b"paused") == b"1") != bool(paused):
            return f"paused in MySQL: {bool(paused)}, in Redis: {not paused}"
    pending = sum(cluster.redis.look(campaign.id)[3] for campaign in cluster.campaigns)
    if pending:
        return f"{pending} still pending"
    [(waiting,)] = cluster.rows(
        "SELECT COUNT(*) FROM failed_event WHERE status = 'PENDING' AND topic = %s "
        "AND user_id <> 'forger'",
        cluster.log.topic,
    )
    return f"failed events: {waiting}" if waiting else ""
