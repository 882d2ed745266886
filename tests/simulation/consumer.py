"""The poll runner's steps: poll, call the handler, commit the offsets."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from handlers.consume import consume_handler
from tests.simulation.kafka import PARTITIONS

if TYPE_CHECKING:
    from tests.simulation.actors import Stage
    from tests.simulation.kafka import Log


class Consumer:
    """One run, which took the group over from the run before."""

    def __init__(self, log: Log, stage: Stage) -> None:
        self._log = log
        self._stage = stage
        self._generation = log.join()

    def run(self, limit: int) -> None:
        """Poll up to `limit` records of each partition, write them, commit their offsets."""
        batch = self.poll(limit)
        if any(batch.values()):
            self.commit(batch, self.write(self.event(batch)))

    def poll(self, limit: int) -> dict[int, list[tuple[int, bytes | None]]]:
        """Return offsets and values of each partition."""
        self._stage.pause("poll")
        return {n: list(self._log.unread(n, limit)) for n in range(PARTITIONS)}

    def event(self, batch: dict[int, list[tuple[int, bytes | None]]]) -> dict[str, Any]:
        """Return the event that Lambda would make of it."""
        records = {
            self._name(n): [self._raw(n, offset, value) for offset, value in found]
            for n, found in batch.items()
        }
        return {"eventSource": "aws:kafka", "records": records}

    def write(self, event: dict[str, Any]) -> dict[str, int]:
        """Let the handler write; return the offsets, by partition, to be delivered again."""
        failures = consume_handler(event, None)["batchItemFailures"]
        items = [failure["itemIdentifier"] for failure in failures]
        return {item["partition"]: item["offset"] for item in items}

    def commit(
        self, batch: dict[int, list[tuple[int, bytes | None]]], again: dict[str, int]
    ) -> None:
        """Commit the offsets of records that need no redelivery."""
        ends = {
            n: again.get(self._name(n), found[-1][0] + 1) for n, found in batch.items() if found
        }
        self._stage.pause("commit offsets")
        self._log.commit(self._generation, ends)

    def _name(self, partition: int) -> str:
        return f"{self._log.topic}-{partition}"

    def _raw(self, partition: int, offset: int, value: bytes | None) -> dict[str, Any]:
        encoded = None if value is None else base64.b64encode(value).decode()
        position = {"topic": self._log.topic, "partition": partition, "offset": offset}
        return {**position, "timestamp": 0, "key": None, "value": encoded, "headers": []}
