"""Waits until a history is over: every admission is written, every record is consumed."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING

import pymysql

from handlers.adapters.redis.keys import CampaignKeys
from tests.faults.engine.cluster import PARTITIONS
from tests.faults.engine.load import call
from tests.faults.engine.shards import GONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.engine.cluster import Cluster
    from tests.faults.engine.topic import TopicWriter

REDRIVE_EVERY_S = 0.5
HEAL_EVERY_S = 0.5
# A permanent error often ends with one of these.
UNREDRIVEN = "failed events are still to be redriven"
DISAGREE = "Redis and MySQL disagree"
NO_RESPONSE = (OSError, http.client.HTTPException, ValueError, pymysql.Error, *GONE)


class NotQuietError(Exception):
    """The system was not quiet in time; the message says what remained to do."""


class Quiet:
    """The end of one history: waits for several conditions, all within the same bound.

    agree_s: the most time allowed once all records are consumed.
    """

    def __init__(
        self,
        cluster: Cluster,
        campaign_id: str,
        topic: TopicWriter,
        patience_s: float,
        agree_s: float,
    ) -> None:
        self._cluster = cluster
        self._campaign_id = campaign_id
        self._topic = topic
        self._deadline = time.monotonic() + patience_s
        self._agree_s = agree_s
        self._redriven_at = self._healed_at = time.monotonic()
        self._last_body = ""

    def wait(self) -> None:
        """Return when no work remains and nothing differs; raise NotQuietError at the bound."""
        self._await(self._is_open, "the campaign is not open")
        self._await(self._nothing_pending, "admissions are still pending")
        self._await(self._is_marked, "the topic takes no record")
        self._await(self._forged_are_stored, "records are still unconsumed")
        self._deadline = min(self._deadline, time.monotonic() + self._agree_s)
        self._await(self._nothing_to_redrive, UNREDRIVEN)
        self._await(self._nothing_pending, "admissions are pending again")
        self._await(self._is_ready, "/ready does not return 200")
        self._await(self._agrees, DISAGREE)

    def _await(self, holds: Callable[[], bool], otherwise: str) -> None:
        why = ""
        while True:
            try:
                if holds():
                    return
                why = f": {self._last_body}" if self._last_body else ""
            except NO_RESPONSE as error:
                why = f" ({type(error).__name__}: {error})"
            if time.monotonic() > self._deadline:
                raise NotQuietError(otherwise + why)
            if time.monotonic() - self._healed_at > HEAL_EVERY_S:
                self._healed_at = time.monotonic()
                self._cluster.fleet.start_missing()
            self._cluster.pause()

    def _is_open(self) -> bool:
        status, _ = call(self._cluster.port, "GET", f"/campaigns/{self._campaign_id}", "admin")
        return status == 200

    def _is_ready(self) -> bool:
        status, body = call(self._cluster.port, "GET", "/ready", "admin")
        self._last_body = str(body)
        return status == 200

    def _agrees(self) -> bool:
        """Let the service itself compare Redis, MySQL and failed_event."""
        path = f"/campaigns/{self._campaign_id}/reconciliation"
        status, body = call(self._cluster.port, "GET", path, "admin", "coupon:admin")
        self._last_body = str(body)
        return status == 200 and not any(body["counts"].values())

    def _nothing_pending(self) -> bool:
        pending = CampaignKeys.of(self._campaign_id).pending
        with self._cluster.servers.redis(key=pending) as client:
            return bool(client.zcard(pending) == 0)

    def _is_marked(self) -> bool:
        return self._topic.mark(PARTITIONS) == PARTITIONS

    def _forged_are_stored(self) -> bool:
        return not lost_forgeries(self._cluster, self._topic.forged)

    def _nothing_to_redrive(self) -> bool:
        unresolved = self._cluster.rows(
            "SELECT 1 FROM failed_event WHERE campaign_id = %s AND status = 'PENDING' "
            "AND reason NOT IN ('SERIAL_OUT_OF_RANGE', 'UNDECODABLE') LIMIT 1",
            self._campaign_id,
        )
        if unresolved and time.monotonic() - self._redriven_at > REDRIVE_EVERY_S:
            # The first scheduled retry is half a minute away; an operator can request one now.
            call(self._cluster.port, "POST", "/failed-events/redrive", "admin", "coupon:admin")
            self._redriven_at = time.monotonic()
        return not unresolved


def lost_forgeries(cluster: Cluster, forged: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return the offsets of records that should be in failed_event and are not."""
    statement = "SELECT partition_no, offset_no FROM failed_event WHERE topic = %s"
    return forged - set(cluster.rows(statement, cluster.settings.coupon_topic))
