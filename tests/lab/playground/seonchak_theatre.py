"""Stage 9: seonchak's own handlers, scripts and statements, on real Redis and MySQL."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from handlers.apply import apply_handler
from handlers.consume import consume_handler
from handlers.rebuild import rebuild_handler
from handlers.relay import relay_handler
from lab.stages.stage9_seonchak import ANSWERS
from tests.lab.playground.seonchak_cluster import TOPIC
from tests.lab.playground.theatre import Theatre
from tests.lab.playground.topic import ACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.playground.seonchak_cluster import PlaygroundCluster

# A step of the playground is one of these calls with those that follow it up to the next of these:
# a rebuild, for example, also looks at what does not concern a single campaign.
STEPS = {
    "Redis admit", "Redis confirm", "Redis settle", "Redis overdue", "Redis begin", "Redis load",
    "Redis GET", "Redis reopen", "Kafka poll", "Kafka send", ACK, "Kafka commit offset",
    "Kafka read topic", "MySQL Ledger.write", "MySQL Ledger.write_direct",
    "MySQL Fences.raise_fence", "MySQL Fences.store_offsets", "MySQL coupons",
}  # fmt: skip
# No rejection is cached for that long.
APART_S = 1.0


class OnePage:
    """A Lambda context that leaves the relay time for one page."""

    aws_request_id = "relay"

    def __init__(self) -> None:
        self._left_ms = [60_000]

    def get_remaining_time_in_millis(self) -> int:
        return self._left_ms.pop() if self._left_ms else 0


class SeonchakTheatre(Theatre):
    """The world of one schedule."""

    def __init__(self, cluster: PlaygroundCluster) -> None:
        super().__init__(cluster.stage)
        self._cluster = cluster
        self._campaign_id = cluster.begin_with(self.topic)
        self._histories = [cluster.redis.history]
        self._seen: tuple[int, list[Any], list[Any]] | None = None

    def apply(self, user: str) -> str:
        event = {
            "headers": {"user": user},
            "pathParameters": {"id": self._campaign_id},
            "queryStringParameters": None,
            "body": None,
        }
        self._cluster.pass_time(APART_S)
        body = json.loads(apply_handler(event, None)["body"])
        return ANSWERS.get(body.get("outcome") or body["code"], "try again")

    def deliver(self, values: list[bytes], first: int) -> None:
        records: list[dict[str, Any]] = [
            {
                "topic": TOPIC, "partition": 0, "offset": offset, "timestamp": 0, "key": None,
                "value": base64.b64encode(value).decode(), "headers": [],
            }
            for offset, value in enumerate(values, first)
        ]  # fmt: skip
        event = {"eventSource": "aws:kafka", "records": {f"{TOPIC}-0": records}}
        assert consume_handler(event, None) == {"batchItemFailures": []}

    @property
    def has_consumer(self) -> bool:
        return True

    @property
    def every_second(self) -> Callable[[], object]:
        return lambda: relay_handler({}, OnePage())

    @property
    def rebuild(self) -> Callable[[], object]:
        return lambda: rebuild_handler({}, None)

    def is_stop(self, point: str) -> bool:
        return point in STEPS

    def restart_redis(self) -> None:
        self._cluster.redis.restart(with_last_moments=False)
        self._cluster.faults += 1
        self._histories.append(self._cluster.redis.history)

    def copy_redis(self) -> None:
        self._cluster.redis.fsync()

    def _lock(self) -> None:
        super()._lock()
        self._cluster.lock(locked=self.locked)

    def redis_state(self) -> list[Any]:
        self._look()
        assert self._seen
        return self._seen[1]

    def mysql_state(self) -> list[Any]:
        self._look()
        assert self._seen
        return self._seen[2]

    def _look(self) -> None:
        """Read the servers, if anything has happened since the last time."""
        if self._seen is None or self._seen[0] != self._cluster.steps:
            self._seen = self._cluster.steps, self._redis_now(), self._mysql_now()

    def _redis_now(self) -> list[Any]:
        state = self._cluster.redis.state(self._campaign_id)
        applied, count, pending, returned, (epoch, fence), of_list = state
        return [
            len(self._histories),
            sorted([user.decode(), int(serial)] for user, serial in applied),
            int(count or 0),
            sorted([user.decode(), 0] for user in pending),
            [int(serial) for serial in returned],
            self._named(epoch),
            int(fence),
            re.sub(":[^:]+:", ":", self._named(of_list)),  # each token is used once only
        ]

    def _named(self, epoch: bytes) -> str:
        """Return the epoch with the number of the history in place of the replication id."""
        *rebuilding, history = epoch.split(b":")
        number = str(self._histories.index(history) + 1)
        return b":".join([*rebuilding, number.encode()]).decode()

    def _mysql_now(self) -> list[Any]:
        rows = self._cluster.rows
        [(fence,)] = rows("SELECT fence FROM campaign")
        return [
            rows("SELECT serial, user_id FROM coupon ORDER BY serial"),
            rows("SELECT user_id, reason FROM failed_event ORDER BY id"),
            fence,
            rows("SELECT fence, offset_no FROM fence_offset ORDER BY fence"),
        ]
