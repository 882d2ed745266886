"""Waits until a history is over: everything admitted is written, everything sent is consumed."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import pymysql
from redis.exceptions import RedisError

from handlers.adapters.redis.keys import CampaignKeys
from tests.faults.engine.cluster import PARTITIONS
from tests.faults.engine.load import call

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.topic import TopicWriter

REDRIVE_EVERY_S = 0.5
HEAL_EVERY_S = 0.5
# Where something is wrong for good, it often ends with one of these.
UNREDRIVEN = "failed events are still to be redriven"
DISAGREE = "Redis and MySQL disagree"
NO_RESPONSE = (OSError, http.client.HTTPException, ValueError, pymysql.Error, RedisError)


class NotQuietError(Exception):
    """The system did not come to rest in time; the message says what was still to do."""


class Quiet:
    """The end of one history, awaited by conditions, all within the same bound.

    agree_s: what is granted at most from the moment on at which everything is consumed.
    """

    def __init__(
        self,
        cluster: Cluster,
        campaign_id: str,
        topic: TopicWriter,
        patience_s: float,
        agree_s: float,
    ) -> None:
        self._world = cluster
        self._campaign_id = campaign_id
        self._topic = topic
        self._until = time.monotonic() + patience_s
        self._agree_s = agree_s
        self._redriven_at = self._healed_at = time.monotonic()
        self._told = ""

    def wait(self) -> None:
        """Return when nothing is under way and nothing differs; NotQuietError at the bound."""
        self._await(self._is_open, "the campaign is not open")
        self._await(self._nothing_pending, "admissions are still pending")
        self._await(self._is_marked, "the topic takes no record")
        self._await(self._forged_are_kept, "records are still unconsumed")
        self._until = min(self._until, time.monotonic() + self._agree_s)
        self._await(self._nothing_to_redrive, UNREDRIVEN)
        self._await(self._nothing_pending, "admissions are pending again")
        self._await(self._is_ready, "/ready does not answer 200")
        self._await(self._agrees, DISAGREE)

    def _await(self, holds: Callable[[], bool], otherwise: str) -> None:
        why = ""
        while True:
            try:
                if holds():
                    return
                why = f": {self._told}" if self._told else ""
            except NO_RESPONSE as error:
                why = f" ({type(error).__name__}: {error})"
            if time.monotonic() > self._until:
                raise NotQuietError(otherwise + why)
            if time.monotonic() - self._healed_at > HEAL_EVERY_S:
                self._healed_at = time.monotonic()
                self._world.fleet.start_missing()
            self._world.pause()

    def _is_open(self) -> bool:
        status, _ = call(self._world.port, "GET", f"/campaigns/{self._campaign_id}", "admin")
        return status == 200

    def _is_ready(self) -> bool:
        status, body = call(self._world.port, "GET", "/ready", "admin")
        self._told = str(body)
        return status == 200

    def _agrees(self) -> bool:
        """Ask the service itself what Redis, MySQL and failed_event disagree about."""
        path = f"/campaigns/{self._campaign_id}/reconciliation"
        status, body = call(self._world.port, "GET", path, "admin", "coupon:admin")
        self._told = str(body)
        return status == 200 and not any(body["counts"].values())

    def _nothing_pending(self) -> bool:
        with self._world.servers.redis() as client:
            return bool(client.zcard(CampaignKeys.of(self._campaign_id).pending) == 0)

    def _is_marked(self) -> bool:
        return self._topic.mark(PARTITIONS) == PARTITIONS

    def _forged_are_kept(self) -> bool:
        return not lost_forgeries(self._world, self._topic.forged)

    def _nothing_to_redrive(self) -> bool:
        left = self._world.rows(
            "SELECT 1 FROM failed_event WHERE campaign_id = %s AND status = 'PENDING' "
            "AND reason NOT IN ('SERIAL_OUT_OF_RANGE', 'UNDECODABLE') LIMIT 1",
            self._campaign_id,
        )
        if left and time.monotonic() - self._redriven_at > REDRIVE_EVERY_S:
            # The first retry of the schedule is half a minute away; an operator can ask now.
            call(self._world.port, "POST", "/failed-events/redrive", "admin", "coupon:admin")
            self._redriven_at = time.monotonic()
        return not left


def lost_forgeries(cluster: Cluster, forged: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the places of records that are not in failed_event although they should be."""
    statement = "SELECT partition_no, offset_no FROM failed_event WHERE topic = %s"
    return forged - set(cluster.rows(statement, cluster.settings.coupon_topic))
