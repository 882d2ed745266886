"""A million coupons wait in the topic: time until all are rows, and memory used."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from bench.backlog import filled
from bench.harness import FAILURES, Case, Goal
from bench.poll_runner import drained
from handlers import wiring
from handlers.adapters.redis.keys import CampaignKeys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pymysql.cursors import Cursor

    from bench.cluster import Cluster
    from bench.harness import Metrics, Scale, Trial
    from local.harness.api_client import Api

BACKLOG, BACKLOG_QUICK = 1_000_000, 50_000
PROCESSES = (1, 2, 3)
COUNT = "SELECT COUNT(*) FROM coupon WHERE campaign_id = %s"


@contextmanager
def variants(cluster: Cluster, scale: Scale) -> Iterator[Mapping[str, Trial]]:
    """Fill the topic before each trial; not measured, takes about as long as the trial."""
    backlog = BACKLOG_QUICK if scale.quick else BACKLOG
    with cluster.gateway() as api:
        yield {variant(count): partial(_trial, cluster, api, backlog, count) for count in PROCESSES}


def variant(processes: int) -> str:
    """Return the name under which this many pollers are reported."""
    return f"poll runner, --processes {processes}"


def _trial(cluster: Cluster, api: Api, backlog: int, processes: int) -> Metrics:
    campaign_id = cluster.campaign(api, backlog)
    metrics = drained(filled(cluster, campaign_id, backlog), backlog, processes)
    # The runner's own report is not enough: count what the servers have stored.
    wrong = abs(backlog - _rows(campaign_id)) + _pending(campaign_id)
    return {**metrics, FAILURES: metrics[FAILURES] + wrong}


def _rows(campaign_id: str) -> int:
    def work(cursor: Cursor) -> int:
        cursor.execute(COUNT, (campaign_id,))
        [(count,)] = cursor.fetchall()
        return int(count)

    return wiring.database().run(work)


def _pending(campaign_id: str) -> int:
    return int(wiring.scripts().command("ZCARD", CampaignKeys.of(campaign_id).pending))


CASE = Case(
    "backlog",
    "A backlog of a million coupons",
    "per_s",
    "",
    (Goal(variant(3), "seconds", 60, at_most=True),),
    variants,
    warm_up=False,  # each trial starts new pollers
    rounds_max=1,  # one round takes five minutes
)
