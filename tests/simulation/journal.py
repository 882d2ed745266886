"""The journal of a simulated history, which the acceptor of the fault campaign judges, too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from handlers.domain.coupon import CouponAccepted, UndecodableError
from local.harness.responses import UNDECIDED, ApplyResponse
from tests.faults.acceptor.events import Observed, RedisOrder, Sent
from tests.faults.acceptor.judge import judge
from tests.faults.taps import mysql_tap
from tests.faults.taps.monitor import ScriptNames
from tests.faults.taps.redis_stream import RedisStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from handlers.domain.campaign import Campaign
    from tests.simulation.kafka import Log

    Rows = Callable[..., Sequence[tuple[Any, ...]]]


class Journal:
    """Follows the Redis and the MySQL of a cluster; close() removes all of it from them."""

    def __init__(self, redis_url: str, rows: Rows, cursor: Any) -> None:
        """rows: runs a statement in MySQL. cursor: of a connection that commits each statement."""
        self._rows = rows
        self._cursor = cursor
        mysql_tap.remove(cursor)
        mysql_tap.install(cursor)
        self._redis = RedisStream(urlsplit(redis_url).port or 0)
        self._names = ScriptNames()
        self._campaigns: Sequence[Campaign] = ()
        self._responses: list[tuple[str, ApplyResponse]] = []
        self.events = 0

    def watch(self, campaigns: Sequence[Campaign]) -> None:
        """Begin a history of campaigns that do not exist yet."""
        self._rows("DELETE FROM faults_note")
        self._redis.drain(self._names, [])
        self._campaigns = campaigns
        self._responses = []
        self._snapshot(begins=False)

    def begin_history(self) -> None:
        """Note that Redis has just begun another history, with what it has now."""
        self._snapshot(begins=True)

    def respond(self, campaign_id: str, user: str, code: str, serial: int, sent_s: float) -> None:
        """Note a response. sent_s: time.time() of the request."""
        outcome = UNDECIDED if code == "UNAVAILABLE" else code
        response = ApplyResponse(user, outcome, serial or None, 0, sent_s, time.time())
        self._responses.append((campaign_id, response))

    def rejections(self, log: Log) -> Iterator[str]:
        """Judge the history, at its end; yield the first rejection of each campaign."""
        self._snapshot(begins=False)
        ids = [campaign.id for campaign in self._campaigns]
        orders = self._redis.drain(self._names, ids)
        for campaign, events in zip(self._campaigns, orders, strict=True):
            verdict = judge(
                Observed(
                    campaign.quantity,
                    [RedisOrder(events)],
                    mysql_tap.read(self._rows, campaign.id),
                    list(_sent(log, campaign.id)),
                    [each for id_, each in self._responses if id_ == campaign.id],
                )
            )
            self.events += verdict.events
            if verdict.first:
                yield f"MODEL: not allowed: {verdict.first}"

    def close(self) -> None:
        """End the connection, and remove what MySQL has for this."""
        self._redis.close()
        mysql_tap.remove(self._cursor)

    def _snapshot(self, *, begins: bool) -> None:
        for campaign in self._campaigns:
            self._redis.snapshot(campaign.id, begins=begins)


def _sent(log: Log, campaign_id: str) -> Iterator[Sent]:
    for partition, records in enumerate(log.partitions):
        for offset, value in enumerate(records):
            try:
                coupon = CouponAccepted.decode(value)
            except UndecodableError:
                continue
            if coupon.campaign_id == campaign_id:
                admission = coupon.user_id, coupon.serial, coupon.fence
                yield Sent(partition, offset, admission)
